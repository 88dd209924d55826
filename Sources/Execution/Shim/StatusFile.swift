import Glibc

/// The status file of a run folder: 4096 bytes whose place on disk is taken before anything runs.
enum StatusFile {
  static let name = "status"
  static let size = 4096
  private static let sector = 512
  private static let madeMagic = Array("BFMADE01".utf8)

  /// The content before the shim has written anything.
  static func fresh(bootID: String) -> [UInt8] {
    let made = sealed(madeMagic + Array(bootID.utf8.prefix(36)))
    return made + [UInt8](repeating: 0, count: size - sector)
  }

  /// The boot id of the machine when the file was made; nil when that cannot be read.
  static func bootID(in bytes: [UInt8]) -> String? {
    guard
      case .intact(let text) = record(
        in: bytes, at: 0, magic: madeMagic, { String(decoding: $0[8..<44].prefix { $0 != 0 }, as: UTF8.self) })
    else { return nil }
    return text
  }

  static func started(in bytes: [UInt8]) -> Found<StartedRecord> {
    record(in: bytes, at: sector, magic: Array("BFSTART1".utf8), StartedRecord.init)
  }

  static func ended(in bytes: [UInt8]) -> Found<ExitRecord> {
    record(in: bytes, at: 2 * sector, magic: Array("BFENDED1".utf8), ExitRecord.init)
  }

  private static func record<Record>(
    in bytes: [UInt8], at offset: Int, magic: [UInt8], _ read: ([UInt8]) -> Record?
  ) -> Found<Record> {
    guard bytes.count >= offset + sector else { return .damaged }
    let sector = Array(bytes[offset..<offset + sector])
    if sector.allSatisfy({ $0 == 0 }) { return .absent }
    let body = Array(sector.dropLast(8))
    guard sector.starts(with: magic), body.fnv1a == sector.number(at: body.count), let record = read(sector)
    else { return .damaged }
    return .intact(record)
  }

  /// The content filled up to a sector, with its checksum at the end.
  static func sealed(_ content: [UInt8]) -> [UInt8] {
    var bytes = content + [UInt8](repeating: 0, count: sector - 8 - content.count)
    bytes.append(littleEndian: bytes.fnv1a)
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
