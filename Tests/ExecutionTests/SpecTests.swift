import Glibc
import Model
import TestSupport
import Testing

@testable import Execution

@Suite(.timeLimit(.minutes(10))) struct SpecTests {
  static func random(_ generator: inout SeededGenerator) -> ShimSpec {
    func text(_ count: ClosedRange<Int>) -> String {
      String(
        String.UnicodeScalarView(
          (0..<Int.random(in: count, using: &generator)).compactMap { _ in
            Unicode.Scalar(UInt32.random(in: 1...0x2ff, using: &generator))
          }))
    }
    var spec = ShimSpec(
      program: text(1...20), arguments: (0..<Int.random(in: 1...4, using: &generator)).map { _ in text(0...30) },
      environment: Dictionary(
        (0..<Int.random(in: 0...4, using: &generator)).map { ("V\($0)", text(0...20)) }, uniquingKeysWith: { $1 }),
      timeout: .microseconds(Int64.random(in: 1...1_000_000_000, using: &generator)),
      grace: .microseconds(Int64.random(in: 0...1_000_000, using: &generator)),
      linger: .microseconds(Int64.random(in: 0...1_000_000, using: &generator)),
      head: Int.random(in: 1...100, using: &generator) << 12, tail: Int.random(in: 1...100, using: &generator) << 12,
      descriptor: Bool.random(using: &generator) ? 100 : nil,
      crashAt: ShimCrashPoint.allCases.randomElement(using: &generator),
      start: Bool.random(using: &generator)
        ? ShimSpec.StartTime(
          at: Timestamp(microseconds: Int64.random(in: 1...(1 << 58), using: &generator)),
          by: Timestamp(microseconds: Int64.random(in: 1...(1 << 58), using: &generator))) : nil)
    if Bool.random(using: &generator) {
      spec.user = JobUser(
        id: UInt32.random(in: 0..<UInt32.max, using: &generator),
        group: UInt32.random(in: 0..<UInt32.max, using: &generator),
        groups: (0..<Int.random(in: 0...40, using: &generator)).map { _ in .random(in: 0 ... .max, using: &generator) })
    }
    if Bool.random(using: &generator) { spec.nice = Int.random(in: -20...19, using: &generator) }
    if Bool.random(using: &generator) { spec.openFiles = Int.random(in: 3...5_000, using: &generator) }
    if Bool.random(using: &generator) { spec.stopSignal = Int32.random(in: 1...31, using: &generator) }
    if Bool.random(using: &generator) { spec.secrets = Int32.random(in: 3...1_023, using: &generator) }
    if Bool.random(using: &generator) { spec.secretsFolder = "/" + text(0...20) }
    if Bool.random(using: &generator) { spec.input = Array(text(0...100).utf8) }
    if Bool.random(using: &generator) { spec.keptFolder = "/" + text(0...30) }
    if Bool.random(using: &generator) { spec.cgroup = "/" + text(0...60) }
    if Bool.random(using: &generator) { spec.userProcesses = Int.random(in: 1...5_000, using: &generator) }
    if Bool.random(using: &generator) {
      func paths(_ count: ClosedRange<Int>) -> [String] {
        (0..<Int.random(in: count, using: &generator)).map { _ in "/" + text(0...40) }
      }
      spec.isolation = ShimSpec.Isolation(
        isFull: Bool.random(using: &generator), writable: paths(1...5), given: paths(0...3), shown: paths(0...3),
        hidden: paths(0...3), passing: "/" + text(0...40))
    }
    if Bool.random(using: &generator) { spec.disk = Int.random(in: 1...1 << 50, using: &generator) }
    return spec
  }

  @Test func `reading gives back what was printed`() throws {
    var generator = SeededGenerator(seed: testSeed)
    for _ in 0..<500 {
      let spec = Self.random(&generator)
      #expect(try ShimSpec(parsing: spec.bytes()) == spec, "seed \(testSeed)")
    }
  }

  @Test func `a text with NUL is refused`() {
    #expect(throws: ExecutionError.self) { try ShimSpec(program: "/bin/true", arguments: ["a\0b"]).bytes() }
  }

  /// The shim and our own reader refuse every cut of a spec, and every stranger in it.
  @Test func `the shim refuses what is not a whole spec`() async throws {
    let bench = try Workbench()
    let witness = bench.files.path("witness")
    let good = try bench.shellSpec("touch \(witness)").bytes()
    var generator = SeededGenerator(seed: testSeed)
    var broken = (0..<good.count).filter { _ in Int.random(in: 0..<4, using: &generator) == 0 }.map {
      Array(good[..<$0])
    }
    broken.append(good + [0])
    broken.append(good + good)
    // An unknown field, a field twice, fields out of order.
    let end = good.count - 8
    broken.append(Array(good[..<end] + [99, 0, 0, 0, 0, 0, 0, 0] + good[end...]))
    // A user without groups; half a group; the number that means "leave it"; too many groups; a nice value of 20.
    let user = Self.field(13, number: 65_534) + Self.field(14, number: 65_534)
    broken.append(Array(good[..<end] + user + good[end...]))
    broken.append(Array(good[..<end] + user + Self.field(15, [1, 2, 3]) + good[end...]))
    let nobody = Self.field(13, number: 0xffff_ffff) + Self.field(14, number: 1) + Self.field(15, [])
    broken.append(Array(good[..<end] + nobody + good[end...]))
    broken.append(Array(good[..<end] + user + Self.field(15, [UInt8](repeating: 0, count: 4 * 1_025)) + good[end...]))
    broken.append(Array(good[..<end] + Self.field(16, number: 40) + good[end...]))
    broken.append(Array(good[..<end] + Self.field(17, number: 2) + good[end...]))
    broken.append(Array(good[..<end] + Self.field(18, number: 32) + good[end...]))
    broken.append(Array(good[..<end] + Self.field(45, Array("relative\0".utf8)) + good[end...]))
    // A cgroup that is no absolute path; no process at all; a disk without room.
    broken.append(Array(good[..<end] + Self.field(20, Array("a\0".utf8)) + good[end...]))
    broken.append(Array(good[..<end] + Self.field(20, []) + good[end...]))
    broken.append(Array(good[..<end] + Self.field(21, number: 0) + good[end...]))
    broken.append(Array(good[..<end] + Self.field(22, number: 0) + good[end...]))
    // Isolated without a folder, without one for passing things, by a level that there is not, by a relative path; a path
    // to write for one that is not isolated; too many.
    let (work, passing) = (Self.field(24, Array("/w\0".utf8)), Self.field(27, Array("/t\0".utf8)))
    for fields in [
      Self.field(23, number: 1) + passing, Self.field(23, number: 1) + work, Self.field(23, number: 3) + work + passing,
      Self.field(23, number: 0) + work + passing,
      Self.field(23, number: 2) + Self.field(24, Array("w\0".utf8)) + passing,
      work, passing, Self.field(25, Array("/b\0".utf8)), Self.field(28, Array("/b\0".utf8)),
      Self.field(23, number: 1) + work + passing + Self.field(28, Array("b\0".utf8)),
      Self.field(23, number: 1) + [[UInt8]](repeating: work, count: 65).flatMap { $0 } + passing,
      Self.field(23, number: 1) + work
        + Self.field(27, Array(("/" + String(repeating: "x", count: 4_096) + "\0").utf8)),
    ] {
      broken.append(Array(good[..<end] + fields + good[end...]))
    }
    broken.append(Array(good[..<end] + Self.field(50, number: 2) + good[end...]))
    broken.append(Array(good[..<end] + Self.field(51, Array("relative\0".utf8)) + good[end...]))
    // An instant without its latest start.
    broken.append(Array(good[..<end] + [11, 0, 0, 0, 8, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0] + good[end...]))
    broken.append(Array(good[..<8] + good[8...]).replacingTag(at: 8, with: 2))
    for (index, bytes) in broken.enumerated() {
      #expect(throws: ExecutionError.self) { try ShimSpec(parsing: bytes) }
      let folder = try RunFolder.create(at: bench.runPath("run\(index)"))
      try folder.write(StatusFile.fresh(bootID: StatusFile.currentBootID, of: folder.name), to: "status")
      try folder.write(bytes, to: "spec")
      let status = try command([bench.launcher.path, folder.path]).status
      #expect(status == 0, "seed \(testSeed)")
      guard case .ended(let end) = try folder.adopt(), case .finished(let record) = end.ending else {
        throw Unexpected("seed \(testSeed): no record for cut \(index)")
      }
      #expect(record.ending == .neverBegan(.spec, error: EBADMSG))
    }
    #expect(access(witness, F_OK) != 0)
  }

  private static func field(_ tag: UInt32, _ value: [UInt8]) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.append(littleEndian: tag)
    bytes.append(littleEndian: UInt32(value.count))
    return bytes + value
  }

  private static func field(_ tag: UInt32, number: UInt64) -> [UInt8] {
    var value: [UInt8] = []
    value.append(littleEndian: number)
    return field(tag, value)
  }

  @Test func `any flipped bit of a record is noticed`() throws {
    let bytes = StatusFile.fresh(bootID: StatusFile.currentBootID, of: "82e0c08d645f0e1f3a3f.1")
    #expect(StatusFile.started(in: bytes) == .absent && StatusFile.ended(in: bytes) == .absent)
    let made = try #require(StatusFile.made(in: bytes))
    #expect(made.bootID == StatusFile.currentBootID)
    #expect(made.isOf("82e0c08d645f0e1f3a3f.1") && !made.isOf("82e0c08d645f0e1f3a3f.2"))
    for index in 0..<512 {
      var flipped = bytes
      flipped[index] ^= 4
      #expect(StatusFile.made(in: flipped) == nil)
    }
    for index in 512..<1536 {
      var flipped = bytes
      flipped[index] ^= 4
      #expect(index < 1024 ? StatusFile.started(in: flipped) == .damaged : StatusFile.ended(in: flipped) == .damaged)
    }
    #expect(StatusFile.ended(in: []) == .damaged)
  }
}

extension [UInt8] {
  fileprivate func replacingTag(at offset: Int, with tag: UInt8) -> [UInt8] {
    var bytes = self
    bytes[offset] = tag
    return bytes
  }
}
