public import Model

/// What an agent takes of one attempt to send back; their number is ``Artifact/countLimit``.
public struct ArtifactLimits: Hashable, Sendable {
  /// Bytes of one file.
  public var file: Int64
  /// Bytes of all files that wait for a controller, of whichever run.
  public var spool: Int64

  public init(file: Int64 = 1 << 30, spool: Int64 = 4 << 30) {
    self.file = file
    self.spool = spool
  }

  /// Entries of folders that are looked at for one attempt.
  static let entries = 100_000
}

/// The artifacts of an attempt.
public struct CollectedArtifacts: Hashable, Sendable {
  /// By ascending name.
  public var files: [Artifact] = []
  /// Why a file that was to be sent back cannot be, in words. Then the attempt has not succeeded.
  public var problems: [String] = []
  /// What else the reader of a receipt should know: a pattern without a match, a link that was left out.
  public var notes: [String] = []

  public init() {}

  var isEmpty: Bool { files.isEmpty && problems.isEmpty && notes.isEmpty }
}
