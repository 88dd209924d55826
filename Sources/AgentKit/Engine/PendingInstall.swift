import Model
import Trust

/// An assignment that is verified and whose content is being fetched: pure, so that every order of arrival can be
/// tested.
///
/// Bundles come first, because only they say which files there are.
struct PendingInstall {
  let assignment: Signed<Assignment>
  private(set) var bundles: [Digest: Signed<Bundle>] = [:]
  private(set) var missingBundles: Set<Digest>
  private(set) var missingBlobs: Set<Digest> = []

  /// `held` are the bundles that the store has, verified.
  init(_ assignment: Signed<Assignment>, held: [Digest: Signed<Bundle>]) {
    self.assignment = assignment
    let wanted = Set(assignment.value.entries.map(\.bundle))
    bundles = held.filter { wanted.contains($0.key) }
    missingBundles = wanted.subtracting(bundles.keys)
  }

  var isComplete: Bool { missingBundles.isEmpty && missingBlobs.isEmpty }

  func needs(_ digest: Digest) -> Bool { missingBundles.contains(digest) || missingBlobs.contains(digest) }

  /// What to ask for first, sorted so that equal installs ask equally.
  var bundlesToFetch: [Digest] { missingBundles.sorted() }

  /// Takes a bundle that was asked for; false for any other.
  mutating func add(_ bundle: Signed<Bundle>) -> Bool {
    guard missingBundles.remove(bundle.digest) != nil else { return false }
    bundles[bundle.digest] = bundle
    return true
  }

  /// All files that the bundles name, each once.
  var files: [BundleFile] {
    var seen = Set<Digest>()
    return bundles.values.flatMap(\.value.files).filter { seen.insert($0.digest).inserted }
  }

  /// Notes which files are not in the store.
  mutating func need(_ blobs: Set<Digest>) { missingBlobs = blobs }

  /// Takes note that a file is in the store now; false when it was not asked for.
  mutating func stored(_ blob: Digest) -> Bool { missingBlobs.remove(blob) != nil }

  /// Why the assignment contradicts its bundles; nil when it does not.
  var contradiction: String? {
    for entry in assignment.value.entries {
      guard let bundle = bundles[entry.bundle]?.value else { continue }
      if bundle.job.name != entry.job { return "the bundle for \(entry.job) is one of \(bundle.job.name)" }
    }
    return nil
  }
}

/// Puts the chunks of one object together. They come one object after the other, in order.
struct ContentAssembly {
  private(set) var digest: Digest?
  private var bytes: [UInt8] = []

  enum Problem: Error { case outOfOrder, tooLarge }

  /// Adds a chunk; the whole when it was the last one.
  mutating func add(_ digest: Digest, offset: Int64, data: some Collection<UInt8>, last: Bool, limit: Int)
    throws(Problem) -> [UInt8]?
  {
    if offset == 0 {
      self.digest = digest
      bytes = []
    }
    guard self.digest == digest, offset == Int64(bytes.count) else { throw .outOfOrder }
    guard bytes.count + data.count <= limit else { throw .tooLarge }
    bytes += data
    guard last else { return nil }
    defer {
      self.digest = nil
      bytes = []
    }
    return bytes
  }
}
