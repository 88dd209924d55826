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
      head: Int.random(in: 1...100_000, using: &generator), tail: Int.random(in: 1...100_000, using: &generator),
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
    if Bool.random(using: &generator) { spec.input = Array(text(0...100).utf8) }
    if Bool.random(using: &generator) { spec.keptFolder = "/" + text(0...30) }
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
    broken.append(Array(good[..<end] + [20, 0, 0, 0, 0, 0, 0, 0] + good[end...]))
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
    // An instant without its latest start.
    broken.append(Array(good[..<end] + [11, 0, 0, 0, 8, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0] + good[end...]))
    broken.append(Array(good[..<8] + good[8...]).replacingTag(at: 8, with: 2))
    for (index, bytes) in broken.enumerated() {
      #expect(throws: ExecutionError.self) { try ShimSpec(parsing: bytes) }
      let folder = try RunFolder.create(at: bench.runPath("run\(index)"))
      try folder.write(StatusFile.fresh(bootID: StatusFile.currentBootID), to: "status")
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
    let bytes = StatusFile.fresh(bootID: StatusFile.currentBootID)
    #expect(StatusFile.started(in: bytes) == .absent && StatusFile.ended(in: bytes) == .absent)
    #expect(StatusFile.bootID(in: bytes) == StatusFile.currentBootID)
    for index in 0..<512 {
      var flipped = bytes
      flipped[index] ^= 4
      #expect(StatusFile.bootID(in: flipped) == nil)
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
