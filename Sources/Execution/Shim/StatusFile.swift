import Glibc

/// The status file of a run folder: 4096 bytes whose place on disk is taken before anything runs.
enum StatusFile {
  static let name = "status"
  static let size = 4096
  private static let sector = 512
  private static let madeMagic = Array("BFMADE02".utf8)
  /// Of a version that did not use folders again: without a name, and its shim's checksums stand for themselves.
  private static let olderMagic = Array("BFMADE01".utf8)
  private static let nameLimit = 64

  /// What the agent wrote before it started a shim.
  struct Made: Hashable {
    var bootID: String
    /// The first bytes of the name of the folder that it was made for; nil in the older form.
    var name: String?

    /// Whether it was made for this folder, and is not what an earlier attempt left in it.
    func isOf(_ folder: String) -> Bool { name.map { $0 == StatusFile.cut(folder) } ?? true }
  }

  /// The content before the shim has written anything, for the run folder of this name.
  static func fresh(bootID: String, of folder: String) -> [UInt8] {
    var made = madeMagic + Array(bootID.utf8.prefix(36))
    made += repeatElement(0, count: 48 - made.count)
    made = sealed(made + Array(cut(folder).utf8))
    return made + [UInt8](repeating: 0, count: size - sector)
  }

  fileprivate static func cut(_ name: String) -> String { String(decoding: name.utf8.prefix(nameLimit), as: UTF8.self) }

  /// What stands there of its making; nil when that cannot be read.
  static func made(in bytes: [UInt8]) -> Made? {
    func text(_ range: Range<Int>, _ sector: [UInt8]) -> String {
      String(decoding: sector[range].prefix { $0 != 0 }, as: UTF8.self)
    }
    if case .intact(let made) = record(
      in: bytes, at: 0, magic: madeMagic, { Made(bootID: text(8..<44, $0), name: text(48..<48 + nameLimit, $0)) })
    {
      return made
    }
    guard case .intact(let made) = record(in: bytes, at: 0, magic: olderMagic, { Made(bootID: text(8..<44, $0)) })
    else { return nil }
    return made
  }

  static func started(in bytes: [UInt8]) -> Found<StartedRecord> {
    shimRecord(in: bytes, at: sector, magic: "BFSTART1", StartedRecord.init)
  }

  static func ended(in bytes: [UInt8]) -> Found<ExitRecord> {
    shimRecord(in: bytes, at: 2 * sector, magic: "BFENDED1", ExitRecord.init)
  }

  /// Nothing proves whose a record is when the first sector is damaged.
  private static func shimRecord<Record>(
    in bytes: [UInt8], at offset: Int, magic: String, _ read: ([UInt8]) -> Record?
  ) -> Found<Record> {
    let found = record(in: bytes, at: offset, magic: Array(magic.utf8), seed: seed(in: bytes), read)
    guard case .intact = found, made(in: bytes) == nil else { return found }
    return .damaged
  }

  /// What the checksums of the shim's records begin with: the checksum of the agent's.
  static func seed(in bytes: [UInt8]) -> UInt64 {
    bytes.count >= sector && bytes.starts(with: madeMagic) ? bytes.number(at: sector - 8) : 0
  }

  private static func record<Record>(
    in bytes: [UInt8], at offset: Int, magic: [UInt8], seed: UInt64 = 0, _ read: ([UInt8]) -> Record?
  ) -> Found<Record> {
    guard bytes.count >= offset + sector else { return .damaged }
    let sector = Array(bytes[offset..<offset + sector])
    if sector.allSatisfy({ $0 == 0 }) { return .absent }
    let body = Array(sector.dropLast(8))
    guard sector.starts(with: magic), body.fnv1a(seed: seed) == sector.number(at: body.count), let record = read(sector)
    else { return .damaged }
    return .intact(record)
  }

  /// The content filled up to a sector, with its checksum at the end.
  static func sealed(_ content: [UInt8], seed: UInt64 = 0) -> [UInt8] {
    var bytes = content + [UInt8](repeating: 0, count: sector - 8 - content.count)
    bytes.append(littleEndian: bytes.fnv1a(seed: seed))
    return bytes
  }

  /// Of this boot of this machine; empty when the system does not say.
  static let currentBootID: String = {
    guard let file = try? Descriptor(open: "/proc/sys/kernel/random/boot_id", O_RDONLY),
      let bytes = try? file.read(at: 0, limit: 36, name: "boot_id")
    else { return "" }
    return String(decoding: bytes, as: UTF8.self)
  }()
}

extension Descriptor {
  /// Who holds the shim's lock on this status file: a pid, or nil when nobody does. -1 stands for another agent that
  /// is looking at the same moment.
  func lockHolder() throws(ExecutionError) -> Int32? {
    var lock = flock()
    lock.l_type = Int16(F_WRLCK)
    lock.l_whence = Int16(SEEK_SET)
    guard fcntl(number, F_GETLK, &lock) == 0 else { throw ExecutionError(errno: errno, "cannot ask for the lock") }
    return lock.l_type == Int16(F_UNLCK) ? nil : lock.l_pid
  }

  /// Takes the lock until this descriptor is closed; false when somebody holds it.
  func takeLock() -> Bool {
    var lock = flock()
    lock.l_type = Int16(F_WRLCK)
    lock.l_whence = Int16(SEEK_SET)
    return fcntl(number, LinuxCalls.setOpenFileLock, &lock) == 0
  }
}
