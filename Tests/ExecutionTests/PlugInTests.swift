import Foundation
import Glibc
import Model
import Synchronization
import TestSupport
import Testing

@testable import Execution

/// Jobs that an executor of the agent runs.
@Suite(.timeLimit(.minutes(10))) struct PlugInTests {
  private static let shipped = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().appending(path: "executors").path

  /// A bench with plug-ins: each name with its script.
  private func bench(_ plugIns: [String: String] = [:]) throws -> (bench: Workbench, folder: String) {
    let files = try Workbench().files
    let folder = files.path("plugins")
    mkdir(folder, 0o755)
    let bench = try Workbench(
      launcher: ShimLauncher(
        path: ProcessEnvironment["BELFRY_TEST_SHIM"], executors: Executors(plugIns: [files.path("absent"), folder])))
    kept.withLock { $0.append(files) }
    for (name, script) in plugIns {
      try Self.install(try files.write("\(name).sh", "#!/bin/sh\n\(script)\n", executable: true), name, in: folder)
    }
    chmod(bench.files.path(""), 0o711)
    return (bench, folder)
  }

  /// By another process: a program that this one has open for writing, if only in a child that another test has just forked,
  /// cannot be run (ETXTBSY).
  private static func install(_ program: String, _ name: String, in folder: String) throws {
    try command(["install", "-m", "755", program, "\(folder)/belfry-executor-\(name)"])
  }

  private func call(_ name: String, _ with: JSONValue = [:]) throws -> RunSpec {
    RunSpec(program: .plugIn(PlugInCall(name: try PlugInName(name), with: with)))
  }

  /// The attempt as it would stand in a receipt.
  private func run(
    _ bench: Workbench, _ spec: RunSpec, files: [BundleFile] = [], secrets: SecretValues = [:]
  ) async throws -> (attempt: Receipt.Attempt, answer: ExecutorAnswer?, output: String) {
    let path = bench.runPath("run\(UInt64.random(in: 0 ... .max))")
    let shim = try bench.launcher.start(
      try bench.attempt(spec, files: files), secrets: secrets, from: bench.store, in: path)
    let end = try await shim.ended()
    var attempt = end.attempt(
      number: 1, success: spec.success, output: KeptOutput(), started: Timestamp(seconds: 0), now: Timestamp(seconds: 0)
    )
    let answer = Result { () throws(JSONError) in try shim.folder.answer() }
    attempt.heed(answer)
    return (attempt, try? answer.get(), try shim.folder.text())
  }

  @Test func `it gets the run as JSON and is a process like any other`() async throws {
    let (bench, _) = try bench([
      "show": #"cat; echo; printf '%s' "$BELFRY_JOB $A $(cat work 2>/dev/null)"; stat -c %a "$BELFRY_ANSWER""#
    ])
    var spec = try call("show", ["deep": ["b": .array([1, "x", true])], "a": "é"])
    spec.params = ["rate": .decimal("0.25"), "keep": .integer(7), "name": .string("a\"b")]
    spec.env = ["A": "variable"]
    let result = try await run(bench, spec)
    let lines = result.output.split(separator: "\n").map(String.init)
    let start = #"{"version":1,"job":"team/job","run":""#
    #expect(lines[0].hasPrefix(start), "\(lines)")
    #expect(
      lines[0].hasSuffix(
        #"","params":{"keep":7,"name":"a\"b","rate":0.25},"with":{"deep":{"b":[1,"x",true]},"a":"é"}}"#), "\(lines)")
    #expect(
      lines[0].contains(#""attempt":1,"agent":"host-1","nominal":"2026-"#)
        && lines[0].contains(#""cause":"schedule","commit":"abab"#))
    #expect(lines.last == "team/job variable 600")
    #expect(result.attempt.state == .succeeded && result.attempt.reason == nil && result.answer == nil)
  }

  struct Row: Sendable, CustomTestStringConvertible {
    let testDescription: String
    var script: String
    var state = RunState.failed
    var reason: String?
  }

  @Test(arguments: [
    Row(testDescription: "no answer", script: "exit 0", state: .succeeded),
    Row(testDescription: "no answer and an exit code", script: "exit 3", reason: "exit code 3"),
    Row(testDescription: "a success", script: #"echo '{"outcome":"succeeded"}' >"$BELFRY_ANSWER""#, state: .succeeded),
    Row(
      testDescription: "a success with words", script: #"printf '{"reason":"3 rows"}' >"$BELFRY_ANSWER""#,
      state: .succeeded,
      reason: "3 rows"),
    Row(
      testDescription: "a failure",
      script: #"printf '%s' '{"outcome":"failed","reason":"no\nsuch table"}' >"$BELFRY_ANSWER""#,
      reason: "no\\nsuch table"),
    Row(
      testDescription: "a failure without words", script: #"echo '{"outcome":"failed"}' >"$BELFRY_ANSWER""#,
      reason: "its executor says that it has failed"),
    Row(
      testDescription: "a success and an exit code",
      script: #"echo '{"outcome":"succeeded","reason":"ok"}' >"$BELFRY_ANSWER"; exit 1"#,
      reason: "ok; exit code 1"),
    Row(
      testDescription: "an answer on standard output", script: #"echo '{"outcome":"failed"}'"#, state: .succeeded),
    Row(
      testDescription: "no JSON", script: #"echo done >"$BELFRY_ANSWER""#,
      reason: "its executor's answer cannot be read: at byte 0: no JSON value begins like this"),
    Row(
      testDescription: "an unknown member", script: #"echo '{"status":1}' >"$BELFRY_ANSWER""#,
      reason: "its executor's answer cannot be read: answer: unknown member 'status'"),
    Row(
      testDescription: "an unknown outcome", script: #"echo '{"outcome":"Succeeded"}' >"$BELFRY_ANSWER""#,
      reason: #"its executor's answer cannot be read: answer.outcome: "Succeeded" does not fit"#),
    Row(
      testDescription: "too much", script: #"head -c 65537 /dev/zero >"$BELFRY_ANSWER""#,
      reason: "its executor's answer cannot be read: the answer has more than 65536 bytes"),
    Row(
      testDescription: "a fifo in its place", script: #"rm -f "$BELFRY_ANSWER"; mkfifo "$BELFRY_ANSWER" || true"#,
      reason: "its executor's answer cannot be read: the answer is not a regular file"),
    Row(
      testDescription: "a link in its place",
      script: #"rm -f "$BELFRY_ANSWER"; ln -s /etc/passwd "$BELFRY_ANSWER" || true"#,
      reason: nil),
  ])
  func `an answer counts`(_ row: Row) async throws {
    let (bench, _) = try bench(["x": row.script])
    let result = try await run(bench, try call("x"))
    if row.testDescription == "a link in its place" {
      #expect(result.attempt.state == .failed && result.attempt.reason?.contains("cannot be read") == true)
    } else {
      #expect(result.attempt.state == row.state && result.attempt.reason == row.reason, "\(result.attempt)")
    }
  }

  @Test func `a secret in an answer is taken out by the shim`() async throws {
    let (bench, _) = try bench([
      "x": #"printf '{"outcome":"failed","reason":"wrong password %s"}' "$PW" >"$BELFRY_ANSWER""#
    ])
    var spec = try call("x")
    let name = try SecretName("db")
    spec.secrets = .variables(["PW": name])
    let result = try await run(bench, spec, secrets: [name: Secret(Array("hunter2hunter2".utf8))])
    #expect(result.attempt.reason == "wrong password ***")
  }

  @Test func `a timeout wins over an answer`() async throws {
    let (bench, _) = try bench(["x": #"echo '{"outcome":"succeeded"}' >"$BELFRY_ANSWER"; exec sleep 600"#])
    var spec = try call("x")
    spec.timeout = .milliseconds(300)
    #expect(try await run(bench, spec).attempt.state == .timedOut)
  }

  @Test(arguments: [
    "../x", "a/b", "", ".", "..", "A", "a.b", "a_b", "-a", "a-", "a b", "a\0b", String(repeating: "a", count: 41),
  ])
  func `a name leads nowhere else`(_ name: String) { #expect(throws: NameError.self) { try PlugInName(name) } }

  @Test func `only what root alone can change is a plug-in`() throws {
    let (bench, folder) = try bench(["open": "true", "plain": "true", "good": "true"])
    chmod(folder + "/belfry-executor-open", 0o777)
    chmod(folder + "/belfry-executor-plain", 0o644)
    symlink(folder + "/belfry-executor-good", folder + "/belfry-executor-link")
    mkdir(folder + "/belfry-executor-folder", 0o755)
    mkfifo(folder + "/belfry-executor-fifo", 0o755)
    for (name, words) in [
      ("open", "may be changed by others"), ("plain", "has no run bit"), ("link", "cannot be used"),
      ("folder", "is not a regular file"), ("fifo", "is not a regular file"), ("absent", "has no plug-in absent"),
    ] {
      let error = #expect(throws: ExecutionError.self) {
        try bench.launcher.executors.path(for: try call(name).program)
      }
      #expect(error?.code == .noExecutor && error?.message.contains(words) == true, "\(name): \(error as Any)")
    }
    #expect(try bench.launcher.executors.path(for: try call("good").program) == folder + "/belfry-executor-good")
    chmod(folder, 0o777)
    #expect(throws: ExecutionError.self) { try bench.launcher.executors.path(for: try call("good").program) }
    chmod(folder, 0o755)
    if isRoot() {
      chown(folder + "/belfry-executor-good", 65_534, 65_534)
      #expect(throws: ExecutionError.self) { try bench.launcher.executors.path(for: try call("good").program) }
    }
  }

  // MARK: - The one that is shipped

  private func sql(
    _ with: JSONValue, params: [String: ParameterValue] = [:], files texts: [(path: String, text: String)] = []
  ) async throws -> (attempt: Receipt.Attempt, answer: ExecutorAnswer?, output: String) {
    let bench = try Workbench(
      launcher: ShimLauncher(path: ProcessEnvironment["BELFRY_TEST_SHIM"], executors: Executors(plugIns: [Self.copy()]))
    )
    var spec = try call("sql", with)
    spec.params = params
    return try await run(bench, spec, files: try bench.put(texts, executable: false))
  }

  /// In a folder whose permissions are those of an installed one, whatever those of the checkout are.
  private static func copy() throws -> String {
    let folder = try TemporaryFolder()
    chmod(folder.path, 0o755)
    try install(shipped + "/belfry-executor-sql", "sql", in: folder.path)
    kept.withLock { $0.append(folder) }
    return folder.path
  }

  @Test func `sql binds what it is given and answers with rows`() async throws {
    let files = try TemporaryFolder()
    let database = files.path("o.db")
    try #require(
      command([
        "sqlite3", database,
        "create table o(id integer, name text); insert into o values (1, 'a'), (2, 'b''c'), (3, null)",
      ]).status == 0)
    let hostile = "'); drop table o; --"
    let found = try await sql(
      [
        "database": .string(database), "statement": "select id, name, :x as x from o where name = :name",
        "parameters": ["x": .string(hostile)],
      ],
      params: ["name": .string("b'c")])
    #expect(found.attempt.state == .succeeded, "\(found)")
    let row = #"{"id":2,"name":"b'c","x":"'); drop table o; --"}"#
    #expect(found.output == "[\(row)]\n")
    #expect(
      found.answer?.outputs == [
        "rows": 1, "result": .string("[\(row)]"), "id": 2, "name": "b'c", "x": .string(hostile),
      ])

    let all = try await sql(
      ["database": .string(database), "file": "sql/all.sql"],
      files: [("sql/all.sql", "select id from o\n order by id;\n")])
    #expect(all.answer?.outputs == ["rows": 3, "result": #"[{"id":1},{"id":2},{"id":3}]"#])
    let none = try await sql(
      ["database": .string(database), "statement": "insert into o values (4, :n)"], params: ["n": .integer(5)])
    #expect(none.answer?.outputs?["rows"] == 0 && none.attempt.state == .succeeded)
    #expect(try command(["sqlite3", database, "select typeof(name), name from o where id = 4"]).output == "text|5\n")
  }

  @Test(arguments: [
    (#"{"database":"o.db","statement":"select 1"}"#, "absolute path"), (#"{"statement":"select 1"}"#, "absolute path"),
    (#"{"database":":memory:"}"#, "one of statement and file"),
    (#"{"database":":memory:","statement":"select 1","file":"a"}"#, "one of statement and file"),
    (#"{"database":":memory:","statment":"select 1"}"#, "keys that sql does not know: statment"),
    (#"{"database":":memory:","file":"../answer"}"#, "a path within the bundle"),
    (#"{"database":":memory:","file":"none.sql"}"#, "the bundle holds no none.sql"),
    (#"{"database":":memory:","statement":"select * from nowhere"}"#, "no such table"),
    (#"{"database":":memory:","statement":".shell touch pwned"}"#, "safe mode"),
    (#"{"database":":memory:","statement":"select readfile('/etc/passwd')"}"#, "safe mode"),
    (#"{"database":":memory:","statement":"attach '/tmp/x' as x"}"#, "safe mode"),
    (#"{"database":"/nonexistent/o.db","statement":"select 1"}"#, "there is no database"),
    (#"{"database":":memory:","statement":"select 1","parameters":[1]}"#, "a mapping"),
  ])
  func `sql says what is wrong`(_ with: String, _ words: String) async throws {
    let result = try await sql(try JSONValue(parsing: Array(with.utf8), limit: 1 << 20))
    #expect(result.attempt.state == .failed && result.attempt.reason?.contains(words) == true, "\(result)")
    #expect(result.output.components(separatedBy: words).count == 2, "said once: \(result.output)")
  }
}

/// Folders that have to stay while launchers point into them.
private let kept = Mutex<[TemporaryFolder]>([])
