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
  private struct State {
    var entries: [Entry] = []
    /// Bytes of the text in the file; what is behind them is 0.
    var written = HandlingMark.size
  }

  private let state = Mutex(State())
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
    clear()
  }

  deinit { if file >= 0 { close(file) } }

  /// Runs `body` with the mark set.
  func during<Value, Failure: Error>(
    _ new: [Entry], _ body: () throws(Failure) -> Value
  ) throws(Failure) -> Value {
    state.withLock { state in
      state.entries += new
      write(&state)
    }
    defer {
      state.withLock { state in
        for entry in new { state.entries.firstIndex(of: entry).map { _ = state.entries.remove(at: $0) } }
        write(&state)
      }
    }
    return try body()
  }

  /// Nothing that is in the agent's hands is to be blamed for what comes now.
  func clear() {
    state.withLock { state in
      state.entries = []
      write(&state)
    }
  }

  /// In place, in space that was taken at the start. What does not fit is not blamed.
  private func write(_ state: inout State) {
    var bytes = Array(boot.utf8)
    bytes.append(0x0a)
    for entry in state.entries {
      let line = "\(entry.bundle.hex) \(entry.job) \(entry.doing)\n".utf8
      guard bytes.count + line.count < Self.size else { break }
      bytes += line
    }
    let length = bytes.count
    // Done several times for each run: no more is written than has changed.
    bytes += repeatElement(0, count: max(0, state.written - length))
    state.written = length
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
