import Model
import TestSupport
import Testing

@Suite struct JSONTests {
  struct Row: Sendable, CustomTestStringConvertible {
    var text: String
    var value: JSONValue
    init(_ text: String, _ value: JSONValue) {
      self.text = text
      self.value = value
    }
    var testDescription: String { text }
  }

  @Test(arguments: [
    Row("null", .null), Row("true", true), Row("false", false), Row("0", 0), Row("-1", -1), Row(" \t\r\n1 ", 1),
    Row("9223372036854775807", .integer(.max)), Row("-9223372036854775808", .integer(.min)),
    Row("\"\"", ""), Row("\"a\"", "a"), Row("[]", .array([])), Row("[ ]", .array([])), Row("{}", .object([])),
    Row("{ }", .object([])), Row("[1,2]", .array([1, 2])), Row(" [ 1 , [ ] ] ", .array([1, .array([])])),
    Row("{\"a\":1}", ["a": 1]), Row("{\"b\":1,\"a\":2}", ["b": 1, "a": 2]), Row("{\"\":null}", ["": .null]),
    Row(#""\"\\\/\b\f\n\r\t""#, "\"\\/\u{8}\u{c}\n\r\t"),
    Row(#""\u0041\u00e9\u20AC""#, "Aé€"), Row(#""\ud83d\ude00""#, "\u{1f600}"), Row(#""\uD83D\uDE00""#, "\u{1f600}"),
    Row(#""\u0000""#, "\u{0}"), Row("\"\u{7f}\u{2028}é\u{1f600}\"", "\u{7f}\u{2028}é\u{1f600}"),
    Row(#""\uffff\ufffe""#, "\u{ffff}\u{fffe}"),
  ])
  func reads(_ row: Row) throws {
    #expect(try json(row.text) == row.value)
  }

  static let hostile: [Sample] = [
    "", " ", "nul", "nulll", "True", "NaN", "Infinity", "-Infinity", "undefined", "'a'", "a", "/**/1", "1 // x",
    "\u{feff}1",
    // Numbers that are no integers, or none at all.
    "1.0", "1.", ".5", "1e3", "1E3", "0e0", "-", "--1", "+1", "01", "-01", "00", "-0", "0x10", "1_000", "1 2",
    "9223372036854775808", "-9223372036854775809", String(repeating: "9", count: 10_000), "٥",
    // Strings.
    "\"", "\"a", "\"\\\"", "\"\\", "\"\\x\"", "\"\\u\"", "\"\\u12\"", "\"\\u123g\"", "\"\\u+123\"", "\"\\u 123\"",
    "\"\n\"", "\"\t\"", "\"\u{0}\"", "\"\u{1f}\"", #""\U0041""#,
    // Halves of surrogate pairs.
    #""\ud83d""#, #""\ude00""#, #""\ud83dx""#, #""\ud83d\n""#, #""\ud83d\ud83d""#, #""\ude00\ud83d""#, #""\ud83d\u""#,
    #""\ud83d\u0041""#,
    // Arrays and objects.
    "[", "]", "[1", "[1,", "[1,]", "[,1]", "[,]", "[1 2]", "[1}", "{", "}", "{\"a\"", "{\"a\":", "{\"a\":1",
    "{\"a\":1,",
    "{\"a\":1,}", "{,}", "{a:1}", "{1:1}", "{\"a\" 1}", "{\"a\":1 \"b\":2}", "{\"a\":1]", "{null:1}", "[]]",
    "{}{}", "[][]",
    // Keys that stand twice, also when written in another way.
    #"{"a":1,"a":1}"#, #"{"a":1,"\u0061":2}"#, #"{"b":{"a":1,"a":2}}"#, "{\"é\":1,\"e\u{301}\":2}",
    // Depth.
    String(repeating: "[", count: 33) + String(repeating: "]", count: 33),
    String(repeating: "[", count: 33) + "1" + String(repeating: "]", count: 33),
    String(repeating: "{\"a\":", count: 33) + "1" + String(repeating: "}", count: 33),
    String(repeating: "[", count: 500_000), String(repeating: "{\"a\":", count: 100_000),
    // Size.
    "\"" + String(repeating: "a", count: 1 << 20) + "\"",
  ].map(Sample.init)

  @Test(arguments: hostile) func refuses(_ sample: Sample) {
    let error = #expect(throws: JSONError.self) { try json(sample.text) }
    #expect((error?.description.utf8.count ?? .max) < 300)
  }

  @Test(
    arguments: [
      [0x22, 0xff, 0x22], [0x22, 0xc0, 0x80, 0x22], [0x22, 0xed, 0xa0, 0x80, 0x22],
      [0x22, 0xf4, 0x90, 0x80, 0x80, 0x22],
      [0x22, 0xe2, 0x82, 0x22], [0xef, 0xbb, 0xbf, 0x31], [0x31, 0x00], [0x00], [0xff, 0xfe, 0x31, 0x00],
    ] as [[UInt8]])
  func refusesBytesThatAreNotUTF8(_ bytes: [UInt8]) {
    #expect(throws: JSONError.self) { try JSONValue(parsing: bytes, limit: 100) }
  }

  @Test func limitsAreExact() throws {
    let deep = String(repeating: "[", count: 32) + "1" + String(repeating: "]", count: 32)
    #expect(throws: Never.self) { try json(deep) }
    #expect(throws: Never.self) { try JSONValue(parsing: "[]".utf8, limit: 2, depth: 1) }
    #expect(throws: JSONError.self) { try JSONValue(parsing: "[]".utf8, limit: 1) }
    #expect(throws: JSONError.self) { try JSONValue(parsing: "[[]]".utf8, limit: 100, depth: 1) }
    #expect(throws: JSONError.self) { try JSONValue(parsing: "[]".utf8, limit: 100, depth: 0) }
    #expect(try JSONValue(parsing: "1".utf8, limit: 100, depth: 0) == 1)
  }

  static func random(_ depth: Int, using random: inout SeededGenerator) -> JSONValue {
    func text() -> String {
      var text = String.UnicodeScalarView()
      for _ in 0..<Int.random(in: 0...8, using: &random) {
        let limit: UInt32 = Bool.random(using: &random) ? 0x80 : 0x11_0000
        if let scalar = Unicode.Scalar(UInt32.random(in: 0..<limit, using: &random)) { text.append(scalar) }
      }
      return String(text)
    }
    switch Int.random(in: 0..<(depth > 0 ? 6 : 4), using: &random) {
    case 0: return .null
    case 1: return .bool(Bool.random(using: &random))
    case 2: return .integer(Int64.random(in: .min ... .max, using: &random))
    case 3: return .string(text())
    case 4:
      return .array((0..<Int.random(in: 0...4, using: &random)).map { _ in Self.random(depth - 1, using: &random) })
    default:
      var keys: Set<String> = []
      for _ in 0..<Int.random(in: 0...4, using: &random) { keys.insert(text()) }
      return .object(keys.sorted().map { .init($0, Self.random(depth - 1, using: &random)) })
    }
  }

  @Test func parseAfterPrintIsIdentity() throws {
    var random = SeededGenerator(seed: testSeed)
    for _ in 0..<2_000 {
      let value = Self.random(5, using: &random)
      let bytes = value.bytes
      let read = try JSONValue(parsing: bytes, limit: 1 << 20)
      #expect(read == value, "seed \(testSeed): \(value.text)")
      #expect(read.bytes == bytes, "seed \(testSeed): \(value.text)")
      #expect(!bytes.contains { $0 < 0x20 || $0 == 0x7f }, "seed \(testSeed): \(value.text)")
      #expect(try JSONValue(parsing: value.prettyText.utf8, limit: 1 << 20) == value, "seed \(testSeed): \(value.text)")
    }
  }

  /// Whatever is done to the bytes, there is a value or an error.
  @Test func brokenBytesNeverTrap() {
    var random = SeededGenerator(seed: testSeed ^ 1)
    for _ in 0..<5_000 {
      var bytes = Self.random(4, using: &random).bytes
      for _ in 0..<Int.random(in: 1...3, using: &random) {
        let place = Int.random(in: 0..<bytes.count, using: &random)
        switch Int.random(in: 0..<3, using: &random) {
        case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
        case 1: bytes.insert(UInt8.random(in: 0...255, using: &random), at: place)
        default: bytes.removeSubrange(place...)
        }
        if bytes.isEmpty { break }
      }
      if let value = try? JSONValue(parsing: bytes, limit: 1 << 20) {
        #expect((try? JSONValue(parsing: value.bytes, limit: 1 << 20)) == value, "seed \(testSeed): \(value.text)")
      }
    }
  }

  @Test func printsOneCompactForm() {
    let value: JSONValue = ["a": .array([1, .null, true]), "b": [:], "c": "\u{1}\u{7f}\"\\\n/é"]
    #expect(value.text == #"{"a":[1,null,true],"b":{},"c":"\u0001\u007f\"\\\n/é"}"#)
    #expect(
      value.prettyText == """
        {
          "a": [
            1,
            null,
            true
          ],
          "b": {},
          "c": "\\u0001\\u007f\\"\\\\\\n/é"
        }

        """)
    #expect(JSONValue.members(["a": 1, "b": nil]).text == #"{"a":1}"#)
    #expect(JSONValue.sorted(["b": 1, "a": 2]).text == #"{"a":2,"b":1}"#)
  }

  @Test func fieldsRefuseWhatNobodyAskedFor() throws {
    var fields = try JSONFields(try json(#"{"a":1,"b":null,"c":"x"}"#), "thing")
    #expect(try fields.integer("a") == 1)
    #expect(try fields.optional("b", \.stringValue) == nil)
    #expect(throws: JSONError("thing: unknown member 'c'")) { try fields.finish() }
    #expect(throws: JSONError("thing.c: \"x\" does not fit")) { try fields.integer("c") }
    #expect(throws: JSONError("thing.d: missing")) { try fields.string("d") }
    #expect(throws: JSONError("thing: want an object")) { try JSONFields(.array([]), "thing") }
    #expect(throws: JSONError("thing: want an object")) { try JSONFields(nil, "thing") }
  }

  @Test func decimalsAreReadWhereTheyAreAskedFor() throws {
    func read(_ text: String, decimals: Bool = true) throws -> JSONValue {
      try JSONValue(parsing: Array(text.utf8), limit: 100, decimals: decimals)
    }
    #expect(try read("[0.25,-1.50,3]") == .array([["decimal": "0.25"], ["decimal": "-1.50"], 3]))
    for text in [
      "0.25", "1.", ".5", "01.5", "1.5e3", "1e3", "1.2.3", "-.5", "--1.5", String(repeating: "1", count: 40) + ".5",
    ] {
      #expect(throws: JSONError.self, "\(text)") { try read(text, decimals: text != "0.25") }
    }
  }
}
