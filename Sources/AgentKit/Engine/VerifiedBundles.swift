import Execution
import Model
import Synchronization
import Trust

/// Bundles that were verified, each with the very bytes that were. Each attempt reads its bundle from the disk again; only
/// what then equals, byte for byte, what was verified before needs no second look at its signature.
final class VerifiedBundles: Sendable {
  private struct Held {
    var bundles: [Digest: (bytes: [UInt8], bundle: Bundle)] = [:]
    var size = 0
  }

  /// Bytes of envelopes that are held at the most. Those larger than a sixteenth of it are not held at all.
  private static let room = 4 << 20
  private let held = Mutex(Held())
  private let store: BundleStore
  private let key: PublicKey

  init(store: BundleStore, key: PublicKey) {
    self.store = store
    self.key = key
  }

  /// Throws an `ExecutionError` when the store has no such bytes, a `TrustError` when the key did not sign them.
  func bundle(_ digest: Digest) throws -> Bundle {
    let known = held.withLock { $0.bundles[digest] }
    let bytes = try store.bundle(digest, known: known?.bytes)
    if let known, known.bytes == bytes { return known.bundle }
    let bundle = try verifyBundle(bytes, key: key, named: digest).value
    guard bytes.count <= Self.room / 16 else { return bundle }
    held.withLock { held in
      if held.size + bytes.count > Self.room { held = Held() }
      // Whoever else verified it in the meantime has put the same there.
      guard held.bundles.updateValue((bytes, bundle), forKey: digest) == nil else { return }
      held.size += bytes.count
    }
    return bundle
  }
}
