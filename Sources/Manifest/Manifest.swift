// Manifest: from YAML bytes to jobs, with a diagnostic at file:line:column for every mistake.
//
// Lives here: the YAML reader over libyaml's events, the tables of fields and the readers of each, belfry.yaml and
// defaults.yaml, file patterns, and the checks of a whole commit.
// Must not: touch a file system or git (bytes and listings come in as values), read a clock, or know about agents,
// keys or wires. Nothing outside this module imports libyaml.

/// How much a manifest may ask for. Beyond each of these the file is refused with a diagnostic.
public enum ManifestLimits {
  /// Bytes of one YAML document.
  public static let documentBytes = 256 * 1024
  /// Bytes of one YAML file.
  public static let fileBytes = 16 * 1024 * 1024
  /// Documents in one file.
  public static let documentsPerFile = 1_000
  /// Mappings and lists within each other, the document's own mapping included.
  public static let levels = 32
  /// Mistakes that are reported for one document.
  public static let mistakesPerDocument = 100
  /// Bytes of one argument, variable or parameter: execve(2) takes 128 KiB a string.
  public static let stringBytes = 64 * 1024
  /// Files that travel with one job.
  public static let filesPerJob = 2_000
  /// Bytes of one file of a job.
  public static let jobFileBytes: Int64 = 16 * 1024 * 1024
  /// Bytes of all files of a job.
  public static let jobBytes: Int64 = 64 * 1024 * 1024
}
