import Glibc

extension ShimLauncher {
  /// The program's file name.
  static let programName = "belfry-shim"

  /// Where the shim is; nil when it is nowhere.
  public static func locate() -> String? { ProgramLocation.find(programName) }
}

/// Where programs are that come with the agent.
enum ProgramLocation {
  /// Beside the running executable, in `../libexec/belfry`, or in the package's resources beside it, in this order; nil when it
  /// is nowhere.
  ///
  /// Looked up by hand, because the accessor that the package manager generates stops the process when it finds
  /// nothing.
  static func find(_ program: String) -> String? {
    guard let executable = executablePath(), let slash = executable.lastIndex(of: "/") else { return nil }
    let folder = String(executable[..<slash])
    return candidates(for: program, beside: folder).first { access($0, X_OK) == 0 && isRegularFile($0) }
  }

  static func candidates(for program: String, beside folder: String) -> [String] {
    var paths = ["\(folder)/\(program)", "\(folder)/../libexec/belfry/\(program)"]
    // The resources' folder carries the package's name, which is not ours to know.
    for name in names(in: folder).sorted() where name.hasSuffix("_Execution.resources") {
      paths.append("\(folder)/\(name)/\(program)")
    }
    return paths
  }

  private static func executablePath() -> String? {
    var buffer = [CChar](repeating: 0, count: Int(PATH_MAX) + 1)
    let count = readlink("/proc/self/exe", &buffer, Int(PATH_MAX))
    return count > 0 ? String(decoding: buffer[..<count].map(UInt8.init(bitPattern:)), as: UTF8.self) : nil
  }

  private static func isRegularFile(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
  }

  private static func names(in folder: String) -> [String] {
    guard let stream = opendir(folder) else { return [] }
    defer { closedir(stream) }
    let nameOffset = MemoryLayout<dirent>.offset(of: \dirent.d_name) ?? 19
    var names: [String] = []
    while let entry = readdir(stream) {
      names.append(
        String(cString: UnsafeRawPointer(entry).advanced(by: nameOffset).assumingMemoryBound(to: CChar.self)))
    }
    return names
  }
}
