import CLibGit2
import Glibc

/// Collects objects, and writes them as one pack with its index (gitformat-pack(5), version 2 of both), or not at all.
///
/// Objects are stored whole, without deltas: receipts are small, and `git gc` finds deltas when somebody wants them.
struct PackWriter: ~Copyable {
  private struct Entry {
    let id: ObjectID
    let offset: Int
    let checksum: UInt32
  }

  private var bytes: [UInt8]
  private var entries: [Entry] = []
  private var known: Set<ObjectID> = []
  private var deflate: Deflate

  init() throws(GitError) {
    deflate = try Deflate()
    bytes = Array("PACK".utf8) + [0, 0, 0, 2, 0, 0, 0, 0]
  }

  var count: Int { entries.count }
  /// Bytes so far.
  var size: Int { bytes.count }

  /// Adds an object, once, and gives back its id.
  @discardableResult
  mutating func add(_ type: ObjectType, _ content: [UInt8]) throws(GitError) -> ObjectID {
    let id = try type.id(of: content)
    try add(type, content, id: id)
    return id
  }

  /// Adds an object whose id is known.
  mutating func add(_ type: ObjectType, _ content: [UInt8], id: ObjectID) throws(GitError) {
    try content.withUnsafeBufferPointer { (bytes) throws(GitError) in
      try add(type, UnsafeRawBufferPointer(bytes), id: id)
    }
  }

  mutating func add(_ type: ObjectType, _ content: UnsafeRawBufferPointer, id: ObjectID) throws(GitError) {
    guard known.insert(id).inserted else { return }
    let start = bytes.count
    var size = content.count
    var byte = type.rawValue << 4 | UInt8(size & 15)
    size >>= 4
    while size > 0 {
      bytes.append(byte | 0x80)
      byte = UInt8(size & 0x7f)
      size >>= 7
    }
    bytes.append(byte)
    try deflate.append(content, to: &bytes)
    let checksum = bytes.withUnsafeBufferPointer { buffer in
      UInt32(crc32(0, buffer.baseAddress.map { $0 + start }, UInt32(buffer.count - start)))
    }
    entries.append(Entry(id: id, offset: start, checksum: checksum))
  }

  /// Adds an object in the form that another pack has it in; not a delta.
  mutating func add(compressed: ArraySlice<UInt8>, id: ObjectID, checksum: UInt32) throws(GitError) {
    guard compressed.withUnsafeBufferPointer({ crc32(0, $0.baseAddress, UInt32($0.count)) }) == UInt(checksum) else {
      throw GitError(.corrupt, "object \(id) is damaged", hint: errorHint(.corrupt, ""))
    }
    guard known.insert(id).inserted else { return }
    entries.append(Entry(id: id, offset: bytes.count, checksum: checksum))
    bytes += compressed
  }

  /// Writes pack and index into an `objects/pack` folder and syncs both and the folder. Gives back the pack's name
  /// without a suffix, or nil when there was no object to write.
  ///
  /// The index comes last: without it no reader sees the pack, so a crash in between leaves a file and no harm.
  @discardableResult
  consuming func write(into folder: String) throws(GitError) -> String? {
    guard !entries.isEmpty else { return nil }
    withUnsafeBytes(of: UInt32(entries.count).bigEndian) { bytes.replaceSubrange(8..<12, with: $0) }
    let checksum = SHA1.hash(bytes)
    bytes += checksum
    let name = checksum.map { $0 < 16 ? "0" + String($0, radix: 16) : String($0, radix: 16) }.joined()
    let pack = "pack-\(name)"
    let final = "\(folder)/\(pack)"
    // The same bytes are there already, from an attempt that got no further.
    if access(final + ".idx", F_OK) == 0, access(final + ".pack", F_OK) == 0 { return pack }
    // `git prune` removes what begins like this, should a crash leave it behind.
    let temporary = "\(folder)/tmp_pack_belfry_\(getpid())_\(pthread_self())_\(name)"
    mkdir(folder, 0o777)
    do throws(GitError) {
      try DurableFile.create(temporary + ".pack", bytes)
      try DurableFile.create(temporary + ".idx", index(checksum))
      try DurableFile.move(temporary + ".pack", to: final + ".pack")
      try DurableFile.move(temporary + ".idx", to: final + ".idx")
      try DurableFile.syncFolder(folder)
    } catch {
      unlink(temporary + ".pack")
      unlink(temporary + ".idx")
      throw error
    }
    return pack
  }

  private func index(_ packChecksum: [UInt8]) -> [UInt8] {
    let sorted = entries.sorted { $0.id < $1.id }
    var index: [UInt8] = [0xff, 0x74, 0x4f, 0x63, 0, 0, 0, 2]
    index.reserveCapacity(sorted.count * 28 + 1_100)
    func append(_ word: UInt32) { withUnsafeBytes(of: word.bigEndian) { index.append(contentsOf: $0) } }
    var fan = [UInt32](repeating: 0, count: 256)
    for entry in sorted { fan[Int(entry.id.high >> 56)] += 1 }
    var total: UInt32 = 0
    for count in fan {
      total += count
      append(total)
    }
    for entry in sorted { entry.id.append(to: &index) }
    for entry in sorted { append(entry.checksum) }
    // Offsets from 2 GiB on stand in a table of their own.
    var far: [UInt64] = []
    for entry in sorted {
      if entry.offset < 1 << 31 {
        append(UInt32(entry.offset))
      } else {
        append(1 << 31 | UInt32(far.count))
        far.append(UInt64(entry.offset))
      }
    }
    for offset in far { withUnsafeBytes(of: offset.bigEndian) { index.append(contentsOf: $0) } }
    index += packChecksum
    return index + SHA1.hash(index)
  }
}

extension ObjectID: Comparable {
  public static func < (a: ObjectID, b: ObjectID) -> Bool {
    (a.high, a.middle, a.low) < (b.high, b.middle, b.low)
  }
}
