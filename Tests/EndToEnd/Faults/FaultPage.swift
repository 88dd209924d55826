import Foundation
import TestSupport

/// The page of memory through which the programs under test are told what shall fail; see Tests/Faults/faults.h, whose
/// layout this is.
final class FaultPage: @unchecked Sendable {
  enum Call: UInt32, Sendable { case open = 1, write, pwrite, fsync, fdatasync, rename, link, pread }
  enum Who: UInt32, Sendable { case agent = 1, shim }

  let path: String
  /// The file that stands in for the kernel's boot id.
  private let boot: String
  private let memory: UnsafeMutableRawPointer
  private static let size = 4096

  /// Only files below `root` are ever touched.
  init(folder: TemporaryFolder, root: String) throws {
    path = try folder.write("faults", bytes: [UInt8](repeating: 0, count: Self.size))
    boot = folder.path("boot_id")
    let file = open(path, O_RDWR)
    defer { close(file) }
    guard file >= 0, let memory = mmap(nil, Self.size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0),
      memory != MAP_FAILED
    else { throw CommandFailure(description: "cannot map \(path)") }
    self.memory = memory
    put(root, at: 240, limit: 256)
    try restartMachine()
    put(boot, at: 496, limit: 256)
  }

  deinit { munmap(memory, Self.size) }

  // MARK: - What shall happen

  /// From now on `times` of the calls fail with this errno, after the first `skip`. `place` is a part of the file's path.
  func arm(_ call: Call, of who: Who, error: Int32, place: String, skip: Int, times: Int) {
    disarm()
    memory.storeBytes(of: call.rawValue, toByteOffset: 4, as: UInt32.self)
    memory.storeBytes(of: error, toByteOffset: 8, as: Int32.self)
    memory.storeBytes(of: Int32(skip), toByteOffset: 12, as: Int32.self)
    memory.storeBytes(of: Int32(times), toByteOffset: 16, as: Int32.self)
    memory.storeBytes(of: 0, toByteOffset: 20, as: UInt32.self)
    put(place, at: 24, limit: 128)
    memory.storeBytes(of: who.rawValue, as: UInt32.self)
  }

  /// The next shim but `skip` that reaches the point dies there.
  func crashShim(at point: String, skip: Int) {
    memory.storeBytes(of: 0, toByteOffset: 164, as: UInt32.self)
    put(point, at: 176, limit: 64)
    memory.storeBytes(of: Int32(skip), toByteOffset: 168, as: Int32.self)
    memory.storeBytes(of: 0, toByteOffset: 172, as: UInt32.self)
    memory.storeBytes(of: 1, toByteOffset: 164, as: UInt32.self)
  }

  /// Everything works again. A clock that was set stays so.
  func disarm() {
    memory.storeBytes(of: 0, as: UInt32.self)
    memory.storeBytes(of: 0, toByteOffset: 164, as: UInt32.self)
  }

  /// Sets the clock forward, or back where it is negative.
  func setClock(by seconds: Int) {
    let offset = memory.load(fromByteOffset: 152, as: Int64.self)
    let generation = memory.load(fromByteOffset: 160, as: UInt32.self)
    memory.storeBytes(of: offset + Int64(seconds) * 1_000_000, toByteOffset: 152, as: Int64.self)
    memory.storeBytes(of: generation + 1, toByteOffset: 160, as: UInt32.self)
  }

  /// From now on the machine is in another run of its life.
  func restartMachine() throws {
    try Data(UUID().uuidString.lowercased().utf8).write(to: URL(fileURLWithPath: boot))
  }

  // MARK: - What has happened

  /// How many calls have failed since ``arm(_:of:error:place:skip:times:)``.
  var hits: Int { Int(memory.load(fromByteOffset: 20, as: UInt32.self)) }
  /// How many shims have died since ``crashShim(at:skip:)``.
  var shimDeaths: Int { Int(memory.load(fromByteOffset: 172, as: UInt32.self)) }

  private func put(_ text: String, at offset: Int, limit: Int) {
    let bytes = Array(text.utf8.prefix(limit - 1)) + [0]
    memory.advanced(by: offset).copyMemory(from: bytes, byteCount: bytes.count)
  }
}

/// The programs with the faults built in.
struct FaultyPrograms: Sendable {
  let library: String
  let shim: String

  private static let wrapped = [
    "open", "openat", "pwrite", "fdatasync", "clock_gettime", "timerfd_settime", "poll", "read",
  ]

  init(page: FaultPage, folder: TemporaryFolder) throws {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent().path
    let faults = root + "/Tests/Faults"
    let flags = ["cc", "-std=gnu11", "-D_GNU_SOURCE", "-Os", "-Wall", "-Wextra", "-Werror", "-I", faults]
    library = folder.path("faults.so")
    shim = folder.path("belfry-shim")
    try Self.build(flags + ["-shared", "-fPIC", "-o", library, faults + "/faults.c", "-ldl"])
    let sources = try FileManager.default.contentsOfDirectory(atPath: root + "/Sources/shim")
      .filter { $0.hasSuffix(".c") }.sorted().map { "\(root)/Sources/shim/\($0)" }
    try Self.build(
      flags + ["-static", "-DFAULTS_FOR_SHIM", "-DFAULTS_PAGE=\"\(page.path)\"", "-o", shim]
        + Self.wrapped.map { "-Wl,--wrap=\($0)" } + sources + [faults + "/faults.c"])
  }

  private static func build(_ words: [String]) throws {
    let result = try command(words)
    guard result.status == 0 else { throw CommandFailure(description: result.errors) }
  }
}
