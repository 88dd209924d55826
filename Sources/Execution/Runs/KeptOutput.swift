public import Model
import Trust

/// What is kept of an attempt's output: the log that travels with the receipt.
public struct KeptOutput: Hashable, Sendable {
  /// Lines as ``LogLine`` prints them, at most ``limit`` bytes. Where something was cut, one says how much.
  public var bytes: [UInt8]
  /// Bytes that the job wrote.
  public var written: Int64
  /// Bytes of output that are not in `bytes`.
  public var cut: Int64

  /// Head and tail together.
  public static let limit = 64 << 10

  public init(bytes: [UInt8] = [], written: Int64 = 0, cut: Int64 = 0) {
    self.bytes = bytes
    self.written = written
    self.cut = cut
  }

  /// As it stands in a receipt.
  public var log: Receipt.Log {
    Receipt.Log(digest: bytes.isEmpty ? nil : SHA256.hash(bytes), written: written, kept: Int64(bytes.count))
  }
}

extension RunFolder {
  /// What is kept of the output, so far or in the end; `record` is the attempt's exit record, which knows how much there
  /// was even when the disk was full. No output is no error.
  public func keptOutput(_ record: ExitRecord? = nil) throws(ExecutionError) -> KeptOutput {
    var head: [LogChunk] = []
    var tail: [LogChunk] = []
    if let output = try outputRecord() {
      // Printed, a chunk takes no less room than its bytes.
      head = try output.chunks(from: 0, limit: KeptOutput.limit)
      tail = try output.tail(KeptOutput.limit, notBefore: 0)
    }
    let seen = max(head.last?.end ?? 0, tail.last?.end ?? 0)
    let total = max(seen, record?.recorded ?? 0)
    let kept = LogText.keep(
      head: head, tail: tail, total: total, limit: KeptOutput.limit,
      time: record?.ended ?? Timestamp(microseconds: 0))
    return KeptOutput(bytes: kept.bytes, written: record?.written ?? seen, cut: kept.cut)
  }
}
