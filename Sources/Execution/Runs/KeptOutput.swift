import Glibc
public import Model
import Trust

/// What is kept of an attempt's output: raw bytes, as the job wrote them.
public struct KeptOutput: Hashable, Sendable {
  /// At most ``limit``. Where something was cut, a line `[… N bytes cut …]` stands in its place.
  public var bytes: [UInt8]
  /// Bytes that the job wrote.
  public var written: Int64
  /// Bytes of them that are not in `bytes`.
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
  /// What is kept of the output, so far or in the end; `record` is the attempt's exit record, which knows how much was
  /// written even when the disk was full. No output is no error.
  public func keptOutput(_ record: ExitRecord? = nil) throws(ExecutionError) -> KeptOutput {
    let file: Descriptor
    do throws(ExecutionError) {
      file = try open().open("output", O_RDONLY)
    } catch {
      guard error.code == .missing else { throw error }
      return OutputLayout.joined(head: [], tail: [], gap: false, written: record?.written ?? 0)
    }
    return try OutputLayout.read(file, written: record?.written)
  }
}

/// The output file; its layout stands in Sources/shim/output.h.
enum OutputLayout {
  static let header = 64
  static let magic = Array("BFOUT001".utf8)

  static func read(_ file: borrowing Descriptor, written: Int64?) throws(ExecutionError) -> KeptOutput {
    let size = Int(try file.status("output").st_size)
    let bytes = try file.read(at: 0, limit: header, name: "output")
    guard bytes.count == header, bytes.starts(with: magic) else {
      // The disk was full before even the header was written.
      return joined(head: [], tail: [], gap: false, written: written ?? 0)
    }
    let headSize: Int = bytes.number(at: 8)
    let tailSize: Int = bytes.number(at: 16)
    let settled: Int = bytes.number(at: 24)
    let touched: Int = bytes.number(at: 32)
    guard (1...(1 << 30)).contains(headSize), (1...(1 << 30)).contains(tailSize), settled >= 0, touched >= settled
    else {
      throw ExecutionError(.corrupted, "the output file is damaged")
    }
    let head = try file.read(at: header, limit: min(headSize, max(0, size - header)), name: "output")
    guard touched > 0, settled > headSize else {
      return joined(head: head, tail: [], gap: false, written: max(written ?? 0, Int64(head.count)))
    }
    let first = max(headSize, touched - tailSize)
    let ring = try file.read(at: header + headSize, limit: tailSize, name: "output")
    let tail = (first..<max(first, settled)).compactMap { position in
      let place = (position - headSize) % tailSize
      return place < ring.count ? ring[place] : nil
    }
    return joined(head: head, tail: tail, gap: first > headSize, written: max(written ?? 0, Int64(settled)))
  }

  /// Head and tail, with a line in place of what is cut: between the two where there is a gap, else at the end, where
  /// a full disk took the rest.
  static func joined(head: [UInt8], tail: [UInt8], gap: Bool, written: Int64) -> KeptOutput {
    let everything = head + tail
    if written == Int64(everything.count), everything.count <= KeptOutput.limit {
      return KeptOutput(bytes: everything, written: written)
    }
    // What the line takes is taken from the tail. No cut is larger than `written`, so no line is longer than this.
    let room = KeptOutput.limit - mark(written).count - 1
    let head = Array(head.prefix(min(KeptOutput.limit / 2, room)))
    let isCutAtEnd = !gap && everything.count <= room && head.count + tail.count == everything.count
    let tail = Array(isCutAtEnd ? tail[...] : tail.suffix(room - head.count))
    let cut = written - Int64(head.count + tail.count)
    let before = isCutAtEnd ? head + tail : head
    let line = before.isEmpty || before.last == 0x0a ? mark(cut) : [0x0a] + mark(cut)
    return KeptOutput(bytes: before + line + (isCutAtEnd ? [] : tail), written: written, cut: cut)
  }

  private static func mark(_ cut: Int64) -> [UInt8] { Array("[… \(cut) bytes cut …]\n".utf8) }
}
