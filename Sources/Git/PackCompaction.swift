import CLibGit2
import Glibc

// Every batch and every fetch adds a pack, and a lookup may ask each of them: now and then, many become one.

extension Repository {
  /// Few enough that looking through all of them costs nothing, and enough that merging is rare.
  static let packLimit = 50

  /// Merges small packs when there are more than ``packLimit``.
  ///
  /// The new pack is on the disk before the old ones go, so a reader finds every object at any moment; git looks again
  /// when a pack has vanished. Sizes are kept geometric, so that an object is copied a few times in its life only.
  func compactPacks() throws(GitError) {
    let folder = path + "objects/pack"
    // An index over several packs would name packs that are gone.
    guard access(folder + "/multi-pack-index", F_OK) != 0 else { return }
    let packs = try Self.packs(in: folder)
    guard packs.count > Self.packLimit else { return }
    var merged = try PackWriter()
    var chosen: [PackName] = []
    for pack in packs.sorted(by: { $0.size < $1.size }) where !pack.isKept {
      guard merged.size + pack.size < 64 << 20, chosen.count < 2 || pack.size <= 2 * merged.size else { break }
      try add(pack, in: folder, to: &merged)
      chosen.append(pack)
    }
    guard chosen.count > 1 else { return }
    let name = try merged.write(into: folder)
    for pack in chosen where pack.name != name {
      // The index first: a pack without one is not looked at, an index without its pack is an error.
      for suffix in [".idx", ".rev", ".pack"] { unlink("\(folder)/\(pack.name)\(suffix)") }
    }
    try reopen()
  }

  private struct PackName {
    let name: String
    let size: Int
    /// Somebody has marked it, or it is more than a pack.
    let isKept: Bool
  }

  private static func packs(in folder: String) throws(GitError) -> [PackName] {
    guard let list = opendir(folder) else { throw DurableFile.failure("cannot list '\(folder)'") }
    defer { closedir(list) }
    var names: Set<String> = []
    while let entry = readdir(list) {
      names.insert(withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) })
    }
    return names.filter { $0.hasSuffix(".idx") }.compactMap { index in
      let name = String(index.dropLast(4))
      var info = stat()
      guard stat("\(folder)/\(name).pack", &info) == 0 else { return nil }
      let isKept = [".keep", ".promisor", ".mtimes", ".bitmap"].contains { names.contains(name + $0) }
      return PackName(name: name, size: Int(info.st_size), isKept: isKept)
    }
  }

  private func add(_ pack: PackName, in folder: String, to merged: inout PackWriter) throws(GitError) {
    let index = try DurableFile.read("\(folder)/\(pack.name).idx")
    let bytes = try DurableFile.read("\(folder)/\(pack.name).pack")
    guard let entries = PackIndex.entries(index, packSize: bytes.count) else {
      throw GitError(.corrupt, "the index of '\(pack.name)' is damaged", hint: errorHint(.corrupt, ""))
    }
    // Copied as they are, compressed. A delta would lose its base: those objects are read and stored whole.
    let hasDeltas = entries.contains { ![1, 2, 3, 4].contains(bytes[$0.range.lowerBound] >> 4 & 7) }
    for entry in entries {
      if hasDeltas {
        let type = try header(of: entry.id).type
        try withObject(entry.id, type) { (content) throws(GitError) in try merged.add(type, content, id: entry.id) }
      } else {
        try merged.add(compressed: bytes[entry.range], id: entry.id, checksum: entry.checksum)
      }
    }
  }
}

/// Reads pack indexes (gitformat-pack(5), version 2).
enum PackIndex {
  struct Entry {
    let id: ObjectID
    let checksum: UInt32
    /// Where its bytes are in the pack.
    let range: Range<Int>
  }

  /// Nil for anything that is not a whole index of a pack of that size, or one of a pack above 2 GiB.
  static func entries(_ bytes: [UInt8], packSize: Int) -> [Entry]? {
    func word(_ at: Int) -> UInt32 {
      bytes.withUnsafeBytes { UInt32(bigEndian: $0.loadUnaligned(fromByteOffset: at, as: UInt32.self)) }
    }
    let table = 8 + 1_024
    guard bytes.count >= table + 40, word(0) == 0xff74_4f63, word(4) == 2 else { return nil }
    let count = Int(word(table - 4))
    guard bytes.count == table + count * 28 + 40 else { return nil }
    let offsets = (0..<count).map { Int(word(table + count * 24 + $0 * 4)) }
    let order = offsets.indices.sorted { offsets[$0] < offsets[$1] }
    var entries: [Entry] = []
    entries.reserveCapacity(count)
    for (place, index) in order.enumerated() {
      let end = place + 1 < count ? offsets[order[place + 1]] : packSize - 20
      guard offsets[index] >= 12, offsets[index] < end, end <= packSize - 20,
        let id = ObjectID(bytes: bytes[(table + index * 20)..<(table + index * 20 + 20)])
      else { return nil }
      entries.append(Entry(id: id, checksum: word(table + count * 20 + index * 4), range: offsets[index]..<end))
    }
    return entries
  }
}
