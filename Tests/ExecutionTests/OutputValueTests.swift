import Glibc
import Model
import TestSupport
import Testing
import Trust

@testable import Execution

/// What a run gives back through `BELFRY_OUTPUT`: the text that it writes, and the file itself.
@Suite(.timeLimit(.minutes(10))) struct OutputValueTests {
  struct Row: Sendable, CustomTestStringConvertible {
    var text: String
    var values: [String: ParameterValue] = [:]
    var problems: [String] = []
    var declared = ["rows", "size", "ok", "name"]
    var testDescription: String { String(text.prefix(60)) }
  }

  static let rows = [
    Row(text: ""), Row(text: "\n \r\n"),
    Row(text: "rows=42", values: ["rows": .integer(42)]),
    Row(
      text: "rows=-7\nsize=0.50\r\nok=true\n\nname=a = b \n",
      values: ["rows": .integer(-7), "size": .decimal("0.50"), "ok": .boolean(true), "name": .string("a = b ")]),
    // What is no number as a program would print it stays the text that it is.
    Row(
      text: "rows=007\nsize=1e3\nok=True\nname=-0",
      values: ["rows": .string("007"), "size": .string("1e3"), "ok": .string("True"), "name": .string("-0")]),
    Row(
      text: "rows=9223372036854775808\nsize=+1\nok=.5\nname=",
      values: ["rows": .string("9223372036854775808"), "size": .string("+1"), "ok": .string(".5"), "name": .string("")]),
    Row(text: "rows=1\nrows=2", values: ["rows": .integer(2)]),
    Row(text: "rows=1\nother=2", values: ["rows": .integer(1)], problems: ["'other' is not declared"]),
    Row(
      text: "rows=1\nrows\nro ws=1\n=1\n::set-output name=x::1",
      values: ["rows": .integer(1)],
      problems: ["line 2 is not NAME=VALUE", "line 3 is not NAME=VALUE", "line 4 is not NAME=VALUE", "1 more"]),
    Row(text: "name=a\0b", problems: ["the value of 'name' is not UTF-8 text"]),
    Row(
      text: #" {"rows": 42, "size": -0.25, "ok": false, "name": "two\nlines"}"#,
      values: ["rows": .integer(42), "size": .decimal("-0.25"), "ok": .boolean(false), "name": .string("two\nlines")]),
    Row(text: #"{"size": {"decimal": "1.5"}}"#, values: ["size": .decimal("1.5")]),
    Row(
      text: #"{"rows": [1], "size": null, "ok": {"a": 1}, "name": "n"}"#, values: ["name": .string("n")],
      problems: [
        "'rows' is neither a text, nor a number, nor true or false",
        "'size' is neither a text, nor a number, nor true or false",
        "'ok' is neither a text, nor a number, nor true or false",
      ]),
    Row(
      text: #"{"rows": 1, "rows": 2}"#,
      problems: ["the file is no JSON object: at byte 18: the key 'rows' stands twice"]),
    Row(text: #"{"rows": 1} {"rows": 2}"#, problems: ["the file is no JSON object: at byte 12: text after the value"]),
    Row(
      text: #"{"size": 1.5e3}"#, problems: ["the file is no JSON object: at byte 12: numbers must be without exponent"]),
    Row(
      text: #"{"size": 1.}"#,
      problems: ["the file is no JSON object: at byte 9: not a decimal number of up to 40 characters"]),
    Row(text: #"{"\u001b[2J\u202e": 1}"#, problems: ["'<U+001B>[2J<U+202E>' is not declared"]),
    Row(
      text: "{" + String(repeating: #""rows":{"#, count: 100),
      problems: ["the file is no JSON object: at byte 32: nested too deeply"]),
    Row(text: "rows=1", problems: ["it wrote outputs, and its manifest declares none"], declared: []),
    Row(
      text: "name=\(String(repeating: "x", count: 4_097))\nrows=\(String(repeating: "y", count: 4_096))",
      values: ["rows": .string(String(repeating: "y", count: 4_096))], problems: ["'name' has more than 4096 bytes"]),
  ]

  @Test(arguments: rows) func `what is written is read as the manual says`(_ row: Row) {
    let read = OutputValues(parsing: Array(row.text.utf8), declared: row.declared)
    #expect(read.values == row.values)
    #expect(read.problems == row.problems)
  }

  @Test func `all values together have a limit, by their names' order`() {
    let names = (10..<20).map { "n\($0)" }
    let text = names.map { "\($0)=\(String(repeating: "x", count: 4_000))\n" }.joined()
    let read = OutputValues(parsing: Array(text.utf8), declared: names)
    #expect(read.values.keys.sorted() == ["n10", "n11", "n12", "n13"])
    #expect(read.problems.first == "'n14' has no room: all together have more than 16384 bytes")
    #expect(read.problems.last == "3 more")
    // Control characters take six bytes each in a receipt.
    let bells = OutputValues(parsing: Array("n10=\(String(repeating: "\u{7}", count: 4_000))".utf8), declared: names)
    #expect(bells.values.isEmpty && bells.problems.count == 1)
  }

  @Test func `whatever stands there, reading ends with values or problems`() {
    var generator = SeededGenerator(seed: testSeed)
    let pieces = ["rows", "=", "\n", "{", "}", "\"", ":", ",", "1", ".", "e", "[", "]", "\\u00", "\0", "é", " ", "-"]
    for _ in 0..<5_000 {
      var bytes = Array(
        (0..<Int.random(in: 0...12, using: &generator)).map { _ in pieces.randomElement(using: &generator) ?? "" }
          .joined().utf8)
      if !bytes.isEmpty, Bool.random(using: &generator) {
        bytes[Int.random(in: bytes.indices, using: &generator)] = .random(in: 0...255, using: &generator)
      }
      let read = OutputValues(parsing: bytes, declared: ["rows"])
      #expect(read.values.keys.allSatisfy { $0 == "rows" } && read.problems.count <= 4, "seed \(testSeed)")
      #expect(read.problems.allSatisfy { TerminalText.neutralised($0) == $0 }, "seed \(testSeed)")
    }
  }

  /// What stands in the place of the file when the run has ended.
  struct Trap: Sendable, CustomTestStringConvertible {
    var line: String
    var problem: String?
    var testDescription: String { line }
  }

  @Test(arguments: [
    Trap(line: "rm $f"), Trap(line: "rm $f; mkfifo $f", problem: "outputs is not a regular file"),
    Trap(line: "rm $f; ln -s /etc/passwd $f", problem: "outputs is not a regular file"),
    Trap(line: "rm $f; mkdir $f", problem: "outputs is not a regular file"),
    Trap(line: "rm $f; ln -s /dev/zero $f", problem: "outputs is not a regular file"),
    Trap(line: "truncate -s 300000 $f", problem: "the file has more than 262144 bytes"),
    Trap(line: "truncate -s 1T $f", problem: "the file has more than 262144 bytes"),
    Trap(line: "chmod 0 $f; echo rows=1", problem: isRoot() ? nil : "Permission denied"),
  ])
  func `what stands in the file's place neither hangs nor leaks`(_ trap: Trap) async throws {
    let bench = try Workbench()
    let spec = RunSpec(program: .command(["/bin/sh", "-c", "f=$BELFRY_OUTPUT; \(trap.line)"]))
    let shim = try bench.launcher.start(bench.attempt(spec), from: bench.store, in: bench.runPath())
    #expect(try await shim.record().ending == .exited(0))
    let read = shim.folder.outputValues(declared: ["rows"])
    #expect(read.values.isEmpty)
    if let problem = trap.problem { #expect(read.problems.count == 1 && read.problems[0].contains(problem), "\(read)") }
    if trap.problem == nil { #expect(read.problems.isEmpty) }
  }

  @Test(.enabled(if: isRoot(), "needs root: to make a device"))
  func `a device in the file's place is not opened`() async throws {
    let bench = try Workbench()
    let spec = RunSpec(program: .command(["/bin/sh", "-c", "rm $BELFRY_OUTPUT; mknod $BELFRY_OUTPUT c 1 5"]))
    let shim = try bench.launcher.start(bench.attempt(spec), from: bench.store, in: bench.runPath())
    #expect(try await shim.record().ending == .exited(0))
    #expect(shim.folder.outputValues(declared: ["rows"]).problems == ["outputs is not a regular file"])
  }

  @Test(.enabled(if: isRoot(), "needs root: to become another user"))
  func `another user writes its outputs, reads its event, and changes neither's place`() async throws {
    let bench = try Workbench()
    chmod(bench.files.path(""), 0o711)
    var spec = RunSpec(
      program: .command([
        "/bin/sh", "-c",
        """
        echo rows=3 >> "$BELFRY_OUTPUT"
        grep -q '"kind":"schedule"' "$BELFRY_EVENT" && echo "ok=true" >> "$BELFRY_OUTPUT"
        echo x 2>/dev/null >> "$BELFRY_EVENT" || echo "event kept"
        rm -f "$BELFRY_EVENT" 2>/dev/null || echo "event stays"
        rm -f "$BELFRY_OUTPUT" 2>/dev/null || echo "outputs stay"
        exit 5
        """,
      ]))
    spec.user = "nobody"
    let shim = try bench.launcher.start(bench.attempt(spec), from: bench.store, in: bench.runPath())
    let end = try await shim.ended()
    #expect(try shim.folder.text() == "event kept\nevent stays\noutputs stay\n")
    // Kept on failure too.
    let values = shim.folder.outputValues(declared: ["rows", "ok"])
    let attempt = end.attempt(
      number: 1, success: [0], output: KeptOutput(), values: values, started: Timestamp(seconds: 0),
      now: Timestamp(seconds: 0))
    #expect(attempt.state == .failed && attempt.outputs == ["rows": .integer(3), "ok": .boolean(true)])
    #expect(attempt.reason == "exit code 5")
  }

  @Test func `problems stand in the reason and change no outcome`() {
    let end = AttemptEnd(.lost(.shimDied))
    let values = OutputValues(parsing: Array("a".utf8), declared: ["rows"])
    let attempt = end.attempt(
      number: 1, success: [0], output: KeptOutput(), values: values, started: Timestamp(seconds: 0),
      now: Timestamp(seconds: 0))
    #expect(attempt.state == .lost)
    #expect(
      attempt.reason == "the shim was killed while the job may have been running; outputs: line 1 is not NAME=VALUE")
  }
}

/// Why a run runs, as it reads it.
@Suite struct EventFileTests {
  @Test func `a schedule's run is told of its triggers`() throws {
    var attempt = try Workbench().attempt(
      RunSpec(program: .command(["true"]), params: ["keep": .integer(3), "ratio": .decimal("0.10")]), number: 2)
    attempt.triggers = [
      .cron(expression: "30 2 * * *", timezone: "Europe/Berlin"), .every(.seconds(600)), .at(Timestamp(seconds: 0)),
    ]
    #expect(
      String(decoding: EventFile.bytes(attempt), as: UTF8.self) == #"""
        {"version":1,"kind":"schedule","nominal":"2026-11-18T11:06:40Z","triggers":[\#
        {"kind":"cron","cron":"30 2 * * *","timezone":"Europe/Berlin"},{"kind":"every","everyMs":600000},\#
        {"kind":"at","at":"1970-01-01T00:00:00Z"}],\#
        "job":"team/job","run":"\#(attempt.run)","attempt":2,"agent":"host-1",\#
        "commit":"\#(attempt.commit)","params":{"keep":3,"ratio":0.10}}

        """#)
  }

  @Test func `a person's run is told who asked`() throws {
    var attempt = try Workbench().attempt(RunSpec(program: .command(["true"])))
    attempt.occurrence.cause = .person(request: "r-1")
    attempt.person = "ana"
    let json = try JSONValue(parsing: EventFile.bytes(attempt), limit: 10_000)
    #expect(json["kind"] == "person" && json["request"] == "r-1" && json["person"] == "ana")
    #expect(json["triggers"] == nil && json["params"] == .object([]))
    attempt.person = nil
    #expect(try JSONValue(parsing: EventFile.bytes(attempt), limit: 10_000)["person"] == nil)
  }
}
