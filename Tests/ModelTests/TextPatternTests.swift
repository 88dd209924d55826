import Model
import Testing

/// Expressions that are matched in linear time.
struct TextPatternTests {
  struct Row: Sendable, CustomTestStringConvertible {
    var pattern: String
    var yes: [String] = []
    var no: [String] = []
    var testDescription: String { pattern }
  }

  @Test(arguments: [
    Row(pattern: "abc", yes: ["abc", "xabcx"], no: ["", "ab", "aBc"]),
    Row(pattern: "", yes: ["", "x"]),
    Row(pattern: "^abc$", yes: ["abc"], no: ["abcd", "xabc", "abc\n"]),
    Row(pattern: "a.c", yes: ["abc", "aéc"], no: ["ac", "a\nc"]),
    Row(pattern: "ab*c", yes: ["ac", "abbbc"], no: ["adc"]),
    Row(pattern: "ab+c", yes: ["abc"], no: ["ac"]),
    Row(pattern: "ab?c", yes: ["ac", "abc"], no: ["abbc"]),
    Row(pattern: "^a{2}$", yes: ["aa"], no: ["a", "aaa"]),
    Row(pattern: "^a{2,}$", yes: ["aa", "aaaa"], no: ["a"]),
    Row(pattern: "^a{0,2}$", yes: ["", "a", "aa"], no: ["aaa"]),
    Row(pattern: "^(ab|cd)+$", yes: ["ab", "abcdab"], no: ["abc", ""]),
    Row(pattern: "^(?:a|b|)$", yes: ["a", "b", ""], no: ["ab"]),
    Row(pattern: "[a-c0-9_]", yes: ["b", "7", "_"], no: ["d", "-"]),
    Row(pattern: "^[^a-c]$", yes: ["d", "\n"], no: ["a"]),
    Row(pattern: "[]x]", yes: ["]", "x"], no: ["["]),
    Row(pattern: "[a-]", yes: ["-", "a"], no: ["b"]),
    Row(pattern: #"^[\d\-.]+$"#, yes: ["1-2.3"], no: ["a"]),
    Row(pattern: #"\d\s\w"#, yes: ["1 a", "1\tb"], no: ["a 1"]),
    Row(pattern: #"^\D\S\W$"#, yes: ["ab-"], no: ["1b-"]),
    Row(pattern: #"\.\\\[\$"#, yes: [#".\[$"#], no: ["x"]),
    Row(pattern: "(?i)hällo", yes: ["HÄLLO", "hällo"], no: ["hallo"]),
    Row(pattern: "(?i)[a-c]+$", yes: ["ABC"], no: ["x"]),
    Row(pattern: "(?i)^[ -Z]$", yes: ["a", "Z", " "], no: ["_", "{"]),
    Row(pattern: "(?i)^[A-_]$", yes: ["q", "_"], no: ["{"]),
    Row(
      pattern: "(?i)^GRO\u{1e9e} [\u{212b}]$", yes: ["gro\u{df} \u{e5}", "GRO\u{1e9e} \u{212b}"],
      no: ["gro\u{df} a"]),
    Row(pattern: "(?i)^[^a-c]$", yes: ["d"], no: ["A", "c"]),
    Row(pattern: "a*?b", yes: ["b", "aab"]),
    Row(pattern: "(a|b)*c|d", yes: ["abac", "d"], no: ["aba"]),
    Row(pattern: "\"status\" *: *\"ok\"", yes: [#"{"status": "ok"}"#], no: [#"{"status": "no"}"#]),
    Row(pattern: "(a*)*$", yes: ["", "aaa", "b"]),
    Row(pattern: "^$", yes: [""], no: ["a"]),
  ])
  func matches(_ row: Row) throws {
    let pattern = try TextPattern(row.pattern)
    for text in row.yes { #expect(pattern.matches(text), "\(text)") }
    for text in row.no { #expect(!pattern.matches(text), "\(text)") }
  }

  @Test(arguments: [
    "(", ")", "(a", "a)", "[a", "[", "*a", "+", "?", "a**", "a{", "a{1", "a{2,1}", "a{x}", "{1}", "\\", "\\1", "\\b",
    "(?=a)", "(?<n>a)",
    "(?P<n>a)", "[[:alpha:]]", "[b-a]", "[\\D]", "a{1000}", "(a{100}){100}", "((((((a{9}){9}){9}){9}){9}){9})",
    String(repeating: "(", count: 200) + String(repeating: ")", count: 200), String(repeating: "a", count: 1_001),
  ])
  func refuses(_ text: String) { #expect(throws: PatternError.self) { try TextPattern(text) } }

  /// What takes others longer than the universe has time. A backtracking engine would not come back from the first.
  @Test func nothingHangs() throws {
    let text = String(repeating: "a", count: 20_000)
    for pattern in ["(a+)+b", "(a|aa)*b", "(a*)*b", "(a|a?)+b", "^(a?){30}a{30}b"] {
      #expect(try !TextPattern(pattern).matches(text))
    }
  }
}
