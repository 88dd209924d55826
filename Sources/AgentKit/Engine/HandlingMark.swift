import Glibc
import Model
import Synchronization

/// Says, on the disk, which bundles' attempts the agent has in its hands at this moment: it starts one, or reads and
/// writes down how one ended. What stands there when an agent starts, its former life died of, or beside.
///
/// Whatever an attempt does while it is going is its shim's business, so an agent that is killed then is no crash of the
/// job. Not synced: a process that dies leaves its writes to the kernel, and a machine that dies is none of the job's doing.
final class HandlingMark: Sendable {
  /// An attempt in the agent's hands.
  struct Entry: Hashable, Sendable {
    var bundle: Digest
    var job: JobName
    /// In words: what the agent was about.
    var doing: String
  }

  private static let size = 4096
  private let file: Int32
  private let boot: String
  private let entries = Mutex<[Entry]>([])
  /// What the former life had in its hands; nothing when the machine was restarted since.
  let former: [Entry]

  /// Nil when the file cannot be had: then nothing is ever blamed on a job.
  init?(path: String, boot: String) {
    file = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard file >= 0 else { return nil }
    self.boot = boot
    var bytes = [UInt8](repeating: 0, count: Self.size)
    let count = pread(file, &bytes, bytes.count, 0)
    ftruncate(file, off_t(Self.size))
    former = Self.read(bytes.prefix(max(0, count)), boot: boot)
    write([])
  }

  deinit { if file >= 0 { close(file) } }

  /// Runs `body` with the mark set.
  func during<Value, Failure: Error>(
    _ new: [Entry], _ body: () throws(Failure) -> Value
  ) throws(Failure) -> Value {
    entries.withLock {
      $0 += new
      write($0)
    }
    defer {
      entries.withLock { entries in
        for entry in new { entries.firstIndex(of: entry).map { _ = entries.remove(at: $0) } }
        write(entries)
      }
    }
    return try body()
  }

  /// Nothing that is in the agent's hands is to be blamed for what comes now.
  func clear() {
    entries.withLock {
      $0 = []
      write([])
    }
  }

  /// In place, in space that was taken at the start. What does not fit is not blamed.
  private func write(_ entries: [Entry]) {
    var text = boot + "\n"
    for entry in entries {
      let line = "\(entry.bundle.hex) \(entry.job) \(entry.doing)\n"
      guard text.utf8.count + line.utf8.count < Self.size else { break }
      text += line
    }
    let bytes = Array(text.utf8) + [UInt8](repeating: 0, count: Self.size - text.utf8.count)
    _ = pwrite(file, bytes, bytes.count, 0)
  }

  private static func read(_ bytes: some Sequence<UInt8>, boot: String) -> [Entry] {
    let lines = String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self).split(separator: "\n")
    guard let first = lines.first, first == boot else { return [] }
    var found: [Entry] = []
    for line in lines.dropFirst() {
      let words = line.split(separator: " ", maxSplits: 2)
      guard words.count == 3, let bundle = try? Digest(hex: String(words[0])), let job = try? JobName(String(words[1]))
      else { continue }
      let entry = Entry(bundle: bundle, job: job, doing: String(words[2]))
      // Several of its attempts are one crash.
      if !found.contains(where: { $0.bundle == bundle }) { found.append(entry) }
    }
    return found
  }
}
