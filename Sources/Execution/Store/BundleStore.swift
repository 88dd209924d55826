import Glibc
public import Model
import Trust

/// The agent's store of bundles and of their files, each under its SHA-256.
///
/// Nothing in it is believed: every read hashes again, and what does not have its digest is removed and reported as
/// `corrupted`, so that it can be fetched once more. What was stored is whole and on the disk when the call comes
/// back. Several readers and writers do no harm to each other; ``collect(keeping:files:)`` must not run beside a writer.
public struct BundleStore: Sendable {
  /// Absolute.
  public let path: String

  /// Bytes of one file of a bundle.
  public static let fileLimit = 16 << 20
  /// Bytes of all files of a bundle.
  public static let bundleFilesLimit: Int64 = 64 << 20

  /// Opens the store, made if need be (the folder above must exist), and removes what an interrupted write left.
  public init(path: String) throws(ExecutionError) {
    self.path = path
    for folder in [path, path + "/bundles", path + "/blobs"] {
      guard mkdir(folder, 0o700) == 0 || errno == EEXIST else {
        throw ExecutionError(errno: errno, "cannot make the folder \(folder)")
      }
    }
    try bundles.removeUnfinished()
    try blobs.removeUnfinished()
  }

  /// A store that somebody else writes to, to be read only.
  public init(reading path: String) throws(ExecutionError) {
    self.path = path
    guard access(path + "/bundles", R_OK) == 0 else { throw ExecutionError(errno: errno, "cannot read \(path)") }
  }

  private var bundles: StoreFolder { StoreFolder(path: path + "/bundles", suffix: ".dsse") }
  private var blobs: StoreFolder { StoreFolder(path: path + "/blobs", suffix: "") }

  // MARK: bundles

  /// Stores a bundle's envelope under the digest of its payload; `corrupted` when that is another one.
  public func store(bundle envelope: [UInt8], named digest: Digest) throws(ExecutionError) {
    guard Self.isEnvelope(envelope, of: digest) else {
      throw ExecutionError(.corrupted, "this is not the envelope of bundle \(digest.short)")
    }
    try bundles.write([(digest, envelope)])
  }

  /// The envelope of the bundle, its payload hashed again unless it is byte for byte what the caller knows to be right.
  /// Its signature is for the caller to check.
  public func bundle(_ digest: Digest, known: [UInt8]? = nil) throws(ExecutionError) -> [UInt8] {
    let limit = Envelope.largestSize(payload: Bundle.payloadLimit)
    return try bundles.read(digest, limit: limit, what: "bundle") { $0 == known || Self.isEnvelope($0, of: digest) }
  }

  /// Removes an envelope that turned out to be worthless; nothing happens when there is none.
  public func remove(bundle digest: Digest) throws(ExecutionError) { try bundles.remove(digest) }

  private static func isEnvelope(_ bytes: [UInt8], of digest: Digest) -> Bool {
    guard let envelope = try? Envelope.parse(bytes, limit: Bundle.payloadLimit) else { return false }
    return SHA256.hash(envelope.payload) == digest
  }

  // MARK: files

  /// Stores a file; `corrupted` when the bytes have another digest, `tooLarge` over ``fileLimit``.
  public func store(file bytes: [UInt8], named digest: Digest) throws(ExecutionError) {
    try store(files: [(digest, bytes)])
  }

  /// Stores several files and makes them durable together. Either all are there afterwards, or it throws and some are.
  public func store(files: [(digest: Digest, bytes: [UInt8])]) throws(ExecutionError) {
    for file in files {
      guard file.bytes.count <= Self.fileLimit else {
        throw ExecutionError(.tooLarge, "file \(file.digest.short) has more than \(Self.fileLimit) bytes")
      }
      guard SHA256.hash(file.bytes) == file.digest else {
        throw ExecutionError(.corrupted, "the bytes that came for file \(file.digest.short) have another digest")
      }
    }
    try blobs.write(files)
  }

  /// The bytes of the file, hashed after they were read, which is what may be run.
  public func file(_ digest: Digest) throws(ExecutionError) -> [UInt8] {
    try blobs.read(digest, limit: Self.fileLimit, what: "file") { SHA256.hash($0) == digest }
  }

  /// What of these files has to be fetched.
  public struct Missing: Hashable, Sendable {
    /// Not there, or no longer.
    public var files: [BundleFile]
    /// Those of them that were there with wrong bytes and have been removed.
    public var corrupted: [Digest]
  }

  /// Hashes the files that are there. Each digest is named once.
  public func missing(_ files: [BundleFile]) throws(ExecutionError) -> Missing {
    var missing = Missing(files: [], corrupted: [])
    var seen: Set<Digest> = []
    for file in files where seen.insert(file.digest).inserted {
      do throws(ExecutionError) {
        _ = try self.file(file.digest)
      } catch {
        guard error.code == .missing || error.code == .corrupted else { throw error }
        missing.files.append(file)
        if error.code == .corrupted { missing.corrupted.append(file.digest) }
      }
    }
    return missing
  }

  // MARK: what nobody needs any more

  /// What ``collect(keeping:files:)`` removed.
  public struct Collected: Hashable, Sendable {
    public var bundles = 0
    public var files = 0
    public var bytes: Int64 = 0
  }

  /// Removes bundles and files that are not named here, what was stored first before the rest, until the store holds at most
  /// `limit` bytes; with 0 all of them.
  @discardableResult
  public func collect(
    keeping bundles: Set<Digest>, files: Set<Digest>, limit: Int64 = 0
  ) throws(ExecutionError) -> Collected {
    let entries =
      try self.bundles.entries().map { (entry: $0, isBundle: true) }
      + (try blobs.entries().map { (entry: $0, isBundle: false) })
    var size = entries.reduce(Int64(0)) { $0 + $1.entry.size }
    var collected = Collected()
    for (entry, isBundle) in entries.sorted(by: { $0.entry.stored < $1.entry.stored }) where size > limit {
      guard !(isBundle ? bundles : files).contains(entry.digest) else { continue }
      try (isBundle ? self.bundles : blobs).remove(entry.digest)
      size -= entry.size
      collected.bytes += entry.size
      if isBundle { collected.bundles += 1 } else { collected.files += 1 }
    }
    return collected
  }
}
