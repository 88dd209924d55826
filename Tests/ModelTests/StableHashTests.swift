import Model
import TestSupport
import Testing

/// The values stand in ids on results branches: they must never change.
@Suite struct StableHashTests {
  static func hash(_ texts: [String]) -> StableHash {
    var hash = StableHash()
    for text in texts { hash.combine(text) }
    return hash
  }

  /// The definition with a 128-bit integer: FNV-1a, then MurmurHash3's mixer over both halves.
  static func reference(_ texts: [String]) -> (value: UInt64, hex: String) {
    var state: UInt128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d
    let bytes: [UInt8] = texts.flatMap { text -> [UInt8] in Array(text.utf8) + [0xff] }
    for byte in bytes {
      state ^= UInt128(byte)
      state &*= 0x0000_0000_0100_0000_0000_0000_0000_013b
    }
    func mix(_ word: UInt64) -> UInt64 {
      var x = word
      x = (x ^ x >> 33) &* 0xff51_afd7_ed55_8ccd
      x = (x ^ x >> 33) &* 0xc4ce_b9fe_1a85_ec53
      return x ^ x >> 33
    }
    func digits(_ word: UInt64) -> String {
      let text = String(word, radix: 16)
      return String(repeating: "0", count: 16 - text.utf8.count) + text
    }
    let high = UInt64(truncatingIfNeeded: state >> 64)
    let low = UInt64(truncatingIfNeeded: state)
    let value = mix(high ^ mix(low))
    return (value, digits(value) + digits(mix(low ^ mix(high &+ 0x9e37_79b9_7f4a_7c15))))
  }

  @Test func agreesWithItsDefinition() {
    var random = SeededGenerator(seed: testSeed)
    for _ in 0..<500 {
      let texts = (0..<Int.random(in: 0...4, using: &random)).map { _ in
        String(
          (0..<Int.random(in: 0...20, using: &random)).map { _ in
            Character(Unicode.Scalar(UInt8.random(in: 0...255, using: &random)))
          })
      }
      let expected = Self.reference(texts)
      #expect(Self.hash(texts).value == expected.value, "seed \(testSeed): \(texts)")
      #expect(Self.hash(texts).hex(digits: 32) == expected.hex, "seed \(testSeed): \(texts)")
    }
  }

  @Test func boundariesCount() {
    #expect(Self.hash(["ab", "c"]).value != Self.hash(["a", "bc"]).value)
    #expect(Self.hash([""]).value != Self.hash([]).value)
    #expect(Self.hash(["", ""]).value != Self.hash([""]).value)
    #expect(Self.hash(["a"]).hex(digits: 20).utf8.count == 20)
  }

  @Test func spreadsEvenly() {
    var buckets = [Int](repeating: 0, count: 16)
    for index in 0..<16_000 { buckets[Int(Self.hash(["job", "\(index)"]).value % 16)] += 1 }
    #expect(buckets.allSatisfy { (850...1_150).contains($0) }, "\(buckets)")
  }

  @Test func idsAreWrittenInStone() throws {
    let job = try JobName("orders/backup")
    let nominal = try instant("2026-11-20T02:30:00Z")
    let scheduled = Occurrence(job: job, nominal: nominal)
    let asked = Occurrence(job: job, nominal: nominal, cause: .person(request: "r-1"))
    let agent = try AgentID("0190c5e0-1b1b-4c1c-8d1d-0123456789ab")
    let first = Self.reference(["occurrence/1", "orders/backup", "2026-11-20T02:30:00Z"]).hex.prefix(20)
    let second = Self.reference(["occurrence/1", "orders/backup", "2026-11-20T02:30:00Z", "r-1"]).hex.prefix(20)
    #expect(scheduled.id.text == first)
    #expect(asked.id.text == second)
    #expect(scheduled.run(on: agent).text == Self.reference(["run/1", String(first), agent.text]).hex.prefix(20))
    #expect(try OccurrenceID(scheduled.id.text) == scheduled.id)
    #expect(try RunID(scheduled.run(on: agent).text) == scheduled.run(on: agent))
    #expect(scheduled.id.text == "6936cb961ed76bd1a7f8")
  }
}
