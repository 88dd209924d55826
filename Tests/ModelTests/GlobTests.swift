import Model
import TestSupport
import Testing

struct GlobRow: CustomTestStringConvertible, Sendable {
  var pattern: String
  var path: String
  var matches = true
  var testDescription: String { "\(pattern) \(matches ? "matches" : "does not match") \(path)" }
}

@Suite struct GlobTests {
  @Test(arguments: [
    GlobRow(pattern: "a.sh", path: "a.sh"),
    GlobRow(pattern: "a.sh", path: "b/a.sh", matches: false),
    GlobRow(pattern: "a.sh", path: "A.sh", matches: false),
    GlobRow(pattern: "*.sh", path: "a.sh"),
    GlobRow(pattern: "*.sh", path: ".sh"),
    GlobRow(pattern: "*.sh", path: "b/a.sh", matches: false),
    GlobRow(pattern: "*", path: ".hidden"),
    GlobRow(pattern: "a*", path: "a"),
    GlobRow(pattern: "a*b*c", path: "aXbYbZc"),
    GlobRow(pattern: "a*b*c", path: "aXbYbZ", matches: false),
    GlobRow(pattern: "a?c", path: "abc"),
    GlobRow(pattern: "a?c", path: "a/c", matches: false),
    GlobRow(pattern: "a?c", path: "ac", matches: false),
    GlobRow(pattern: "?", path: "ü"),
    GlobRow(pattern: "??", path: "ü", matches: false),
    GlobRow(pattern: "*??", path: "€", matches: false),
    GlobRow(pattern: "*?", path: "€"),
    GlobRow(pattern: "[abc].sh", path: "b.sh"),
    GlobRow(pattern: "[abc].sh", path: "d.sh", matches: false),
    GlobRow(pattern: "[a-cx]", path: "c"),
    GlobRow(pattern: "[a-cx]", path: "d", matches: false),
    GlobRow(pattern: "[!a-c]", path: "d"),
    GlobRow(pattern: "[!a-c]", path: "b", matches: false),
    GlobRow(pattern: "[^a]", path: "b"),
    GlobRow(pattern: "[!a]", path: "/", matches: false),
    GlobRow(pattern: "[]]", path: "]"),
    GlobRow(pattern: "[a-]", path: "-"),
    GlobRow(pattern: "[ä-ö]", path: "ë"),
    GlobRow(pattern: "**/a", path: "a"),
    GlobRow(pattern: "**/a", path: "x/y/a"),
    GlobRow(pattern: "x/**/a", path: "x/a"),
    GlobRow(pattern: "x/**/a", path: "x/y/z/a"),
    GlobRow(pattern: "x/**/a", path: "xy/a", matches: false),
    GlobRow(pattern: "x/**", path: "x/y"),
    GlobRow(pattern: "x/**", path: "x/y/z"),
    GlobRow(pattern: "x/**", path: "x", matches: false),
    GlobRow(pattern: "**", path: "a"),
    GlobRow(pattern: "**", path: "a/b"),
    GlobRow(pattern: "**/**", path: "a"),
    GlobRow(pattern: "x/**/**/a", path: "x/a"),
    GlobRow(pattern: "**/b/**/d", path: "a/b/c/b/d"),
    GlobRow(pattern: "**/b/*/d", path: "b/x/b/y/d"),
    GlobRow(pattern: "jobs/**/*.yaml", path: "jobs/a.yaml"),
    GlobRow(pattern: "jobs/**/*.yaml", path: "jobs/a/b/c.yaml"),
    GlobRow(pattern: "jobs/**/*.yaml", path: "jobs/a.yml", matches: false),
    GlobRow(pattern: "a/b", path: "a", matches: false),
    GlobRow(pattern: "a", path: "a/b", matches: false),
    GlobRow(pattern: "a", path: "", matches: false),
  ])
  func matching(_ row: GlobRow) throws {
    #expect(try Glob(row.pattern).matches(row.path) == row.matches)
  }

  @Test(arguments: [
    "", "/a", "a/", "a//b", ".", "../a", "a/./b", ".GIT/x", "a**", "**b", "[a", "[", "[!", "[z-a]", "a\\b", "a\nb",
  ])
  func refused(_ pattern: String) {
    #expect(throws: GlobError.self) { try Glob(pattern) }
  }

  @Test func refusesTooLongAndTooDeep() {
    #expect(throws: GlobError.self) { try Glob(String(repeating: "a", count: 1_025)) }
    #expect(throws: GlobError.self) { try Glob(Array(repeating: "a", count: 33).joined(separator: "/")) }
  }

  @Test func folderIsWhatAllMatchesBeginWith() throws {
    #expect(try Glob("jobs/**/*.yaml").folder == "jobs/")
    #expect(try Glob("a/b/c.sh").folder == "a/b/")
    #expect(try Glob("*/b").folder == "")
    #expect(try Glob("a.sh").literalPath == "a.sh")
    #expect(try Glob("a*.sh").literalPath == nil)
  }

  /// Patterns that take a backtracking matcher longer than the universe will last.
  @Test(.timeLimit(.minutes(1))) func hostilePatternsEnd() throws {
    let stars = try Glob(String(repeating: "*a", count: 500) + "b")
    #expect(!stars.matches(String(repeating: "a", count: 1_000)))
    let folders = try Glob(Array(repeating: "**/a", count: 15).joined(separator: "/") + "/b")
    #expect(!folders.matches(Array(repeating: "a", count: 500).joined(separator: "/")))
  }

  /// Against a matcher that tries everything.
  @Test func agreesWithTheObviousMatcher() throws {
    var generator = SeededGenerator(seed: testSeed)
    let pieces = ["a", "b", "*", "?", "[ab]", "[!a]"]
    for _ in 0..<5_000 {
      let pattern = (0..<Int.random(in: 1...4, using: &generator)).map { _ -> String in
        if Int.random(in: 0..<4, using: &generator) == 0 { return "**" }
        let words = (0..<Int.random(in: 1...4, using: &generator)).compactMap { _ in
          pieces.randomElement(using: &generator)
        }
        return words.joined().replacing("**", with: "*")
      }.joined(separator: "/")
      guard let glob = try? Glob(pattern) else { continue }
      let path = (0..<Int.random(in: 1...4, using: &generator)).map { _ in
        (0..<Int.random(in: 1...4, using: &generator)).compactMap { _ in
          ["a", "b", "c"].randomElement(using: &generator)
        }.joined()
      }.joined(separator: "/")
      let expected = Obvious.matches(pattern.split(separator: "/")[...], path.split(separator: "/")[...])
      #expect(glob.matches(path) == expected, "\(pattern) on \(path), seed \(testSeed)")
    }
  }
}

/// Exponential and plainly right.
private enum Obvious {
  static func matches(_ pattern: ArraySlice<Substring>, _ path: ArraySlice<Substring>) -> Bool {
    guard let first = pattern.first else { return path.isEmpty }
    if first == "**" {
      if pattern.count == 1 { return !path.isEmpty }
      return matches(pattern.dropFirst(), path) || (!path.isEmpty && matches(pattern, path.dropFirst()))
    }
    guard let name = path.first else { return false }
    return text(first, name) && matches(pattern.dropFirst(), path.dropFirst())
  }

  private static func text(_ pattern: Substring, _ name: Substring) -> Bool {
    guard let first = pattern.first else { return name.isEmpty }
    if first == "*" { return text(pattern.dropFirst(), name) || (!name.isEmpty && text(pattern, name.dropFirst())) }
    guard let letter = name.first else { return false }
    if first == "?" { return text(pattern.dropFirst(), name.dropFirst()) }
    if first == "[" {
      let fits = pattern.hasPrefix("[ab]") ? letter == "a" || letter == "b" : letter != "a"
      return fits && text(pattern.dropFirst(4), name.dropFirst())
    }
    return first == letter && text(pattern.dropFirst(), name.dropFirst())
  }
}
