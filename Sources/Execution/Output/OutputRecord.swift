import Glibc
public import Model

/// The record of an attempt's output that its shim writes, for reading. The shim may write on meanwhile, and the run folder
/// may be removed: what is open stays readable. The format stands in Sources/shim/output.h.
///
/// It keeps no place: each call finds what it needs by looking at some twenty blocks, so that a ring which has gone round
/// in the meantime can deceive nobody.
public struct OutputRecord: ~Copyable, Sendable {
  static let name = "output"
  static let magic = Array("BFOUT002".utf8)
  /// Bytes before the first record.
  static let headerSize = 32

  private let file: Descriptor
  /// Tells it from the record of an earlier attempt in the same folder: ``StatusFile/seed(in:)``. 0 in an older form.
  let seed: UInt64
  /// Blocks of the head, which are numbered from 1, and of the ring behind it.
  private let head: Int
  private let ring: Int

  /// Nil when the file has not even its first block: the disk was full, or it is being made.
  ///
  /// Throws `corrupted` for a file that is none.
  init?(_ file: consuming Descriptor) throws(ExecutionError) {
    let bytes = try file.read(at: 0, limit: Self.headerSize, name: Self.name)
    guard bytes.count >= 24 else { return nil }
    let sizes: [Int] = [bytes.number(at: 8), bytes.number(at: 16)]
    let isSound = sizes.allSatisfy { (OutputBlock.size...1 << 30).contains($0) && $0 % OutputBlock.size == 0 }
    guard bytes.starts(with: Self.magic), isSound else {
      throw ExecutionError(.corrupted, "the output file is damaged")
    }
    self.file = file
    seed = bytes.count == Self.headerSize ? bytes.number(at: 24) : 0
    head = sizes[0] / OutputBlock.size
    ring = sizes[1] / OutputBlock.size
  }

  /// What is there from `offset` on, about `limit` bytes of it or more; nothing when there is nothing yet. Where bytes are
  /// no more there, the first chunk begins later. Chunks follow each other, but for the place between head and ring.
  public func chunks(from offset: Int64, limit: Int) throws(ExecutionError) -> [LogChunk] {
    var result: [LogChunk] = []
    var next = offset
    var count = 0
    var index = try start(for: offset)
    while let current = index, count < limit {
      let block = try block(current)
      for chunk in block.chunks {
        // Overwritten while it was read: the rest of the block is of another round.
        guard let rest = chunk.dropping(before: next) else { continue }
        result.append(rest)
        count += rest.bytes.count
        next = rest.end
      }
      index = block.isFull ? try successor(of: current, at: next) : nil
    }
    return result
  }

  /// The last of it: chunks that follow each other up to the end, with at least `count` bytes where there are so many.
  /// `floor` is an offset below which nothing is wanted.
  func tail(_ count: Int, notBefore floor: Int64) throws(ExecutionError) -> [LogChunk] {
    var result: [[LogChunk]] = []
    var found = 0
    let order = try order()
    for position in stride(from: order.count - 1, through: 0, by: -1) where found < count {
      let block = try block(order.index(position))
      // What does not lead up to what follows is of another round, or a gap.
      if let next = result.last?.first, block.chunks.last?.end != next.offset { break }
      guard !block.chunks.isEmpty else { continue }
      result.append(block.chunks)
      found += block.chunks.reduce(0) { $0 + $1.bytes.count }
      if let first = block.chunks.first, first.offset <= floor { break }
    }
    return result.reversed().joined().compactMap { $0.dropping(before: floor) }
  }

  // MARK: - Blocks

  private func block(_ index: Int) throws(ExecutionError) -> OutputBlock {
    OutputBlock(try file.read(at: index * OutputBlock.size, limit: OutputBlock.size, name: Self.name))
  }

  /// The offset of a block's first byte; nil when nothing valid stands in it.
  private func first(_ index: Int) throws(ExecutionError) -> Int64? { try block(index).chunks.first?.offset }

  /// Blocks on the disk behind the first one, at most those of head and ring.
  private func blocksOnDisk() throws(ExecutionError) -> Int {
    let size = Int(try file.status(Self.name).st_size)
    return min(head + ring, max(0, (size + OutputBlock.size - 1) / OutputBlock.size - 1))
  }

  /// Blocks in the order in which they were written.
  private struct Order {
    var head: Int
    /// How many of the ring are valid, where in it the oldest is, and how many there are at all.
    var ring = 0
    var oldest = 0
    var blocks: Int
    /// Of the first block of the ring.
    var base: Int

    var count: Int { head + ring }

    func index(_ position: Int) -> Int {
      position < head ? 1 + position : base + (oldest + position - head) % blocks
    }
  }

  private func order() throws(ExecutionError) -> Order {
    let onDisk = try blocksOnDisk()
    let blocks = max(0, onDisk - head)
    var order = Order(head: min(head, onDisk), blocks: blocks, base: 1 + head)
    // One that is half written stands behind the newest. That may be the ring's first one.
    var anchor = 0
    var least: Int64?
    while anchor < blocks {
      least = try first(order.base + anchor)
      if least != nil { break }
      anchor += 1
    }
    guard let least else { return order }
    // From the anchor on offsets rise up to the newest block; those behind it are older, or not valid.
    var newest = anchor
    var end = blocks
    while end - newest > 1 {
      let middle = (newest + end) / 2
      if let offset = try first(order.base + middle), offset >= least { newest = middle } else { end = middle }
    }
    var oldest = newest + 1
    while oldest < blocks, try first(order.base + oldest) == nil { oldest += 1 }
    if oldest < blocks {
      order.oldest = oldest
      order.ring = blocks - oldest + newest + 1
    } else {
      order.oldest = anchor
      order.ring = newest - anchor + 1
    }
    return order
  }

  /// The block in which the byte at `offset` is or will be, or the first one behind it.
  private func start(for offset: Int64) throws(ExecutionError) -> Int? {
    let order = try order()
    guard order.count > 0 else { return nil }
    var low = 0
    var high = order.count
    while high - low > 1 {
      let middle = (low + high) / 2
      if let first = try first(order.index(middle)), first <= offset { low = middle } else { high = middle }
    }
    let found = try block(order.index(low))
    let isBefore = found.isFull && found.chunks.last.map { $0.end <= offset } ?? false
    return order.index(isBefore && low + 1 < order.count ? low + 1 : low)
  }

  /// Where the byte at `offset` is that follows a full block; nil when it is not written yet.
  private func successor(of index: Int, at offset: Int64) throws(ExecutionError) -> Int? {
    let next = index == head + ring ? head + 1 : index + 1
    if let first = try first(next), first <= offset { return first == offset ? next : nil }
    // Behind the head stands a ring that has gone round, or it went round just now; or nothing is there yet.
    guard let found = try start(for: offset), found != index, let first = try first(found), first >= offset else {
      return nil
    }
    return found
  }
}

extension RunFolder {
  /// The record of the attempt's output; nil when nothing has been written.
  public func outputRecord() throws(ExecutionError) -> OutputRecord? {
    do throws(ExecutionError) {
      let folder = try open()
      guard let record = try OutputRecord(try folder.open(OutputRecord.name, O_RDONLY)) else { return nil }
      guard record.seed == Self.seed(in: folder) else { return nil }
      return record
    } catch {
      guard error.code == .missing else { throw error }
      return nil
    }
  }

  private static func seed(in folder: borrowing Descriptor) -> UInt64 {
    guard let status = try? folder.open(StatusFile.name, O_RDONLY),
      let bytes = try? status.read(at: 0, limit: StatusFile.size, name: StatusFile.name)
    else { return 0 }
    return StatusFile.seed(in: bytes)
  }
}
