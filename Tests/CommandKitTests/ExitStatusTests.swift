import ArgumentParser
import Git
import Model
import Platform
import Testing
import Trust

@testable import CommandKit

@Suite struct ExitStatusTests {
  struct Row: Sendable, CustomTestStringConvertible {
    var what: String
    var error: any Error
    var status: CommandKit.ExitStatus
    var says: String
    var testDescription: String { what }
  }

  private struct Surprise: Error { let secret = "do not show" }

  static let rows = [
    Row(what: "said already", error: CommandKit.ExitStatus.bad, status: .bad, says: ""),
    Row(
      what: "our own", error: CommandError(.unreachable, "no way", hint: "try this"), status: .unreachable,
      says: "error: no way\nhint: try this\n"),
    Row(what: "usage", error: ValidationError("give one"), status: .usage, says: "error: give one"),
    Row(what: "name", error: NameError("bad name"), status: .usage, says: "error: bad name\n"),
    Row(what: "conflict", error: GitError(.conflict, "conflict"), status: .bad, says: "error: conflict\n"),
    Row(what: "remote gone", error: GitError(.unreachable, "gone"), status: .unreachable, says: "error: gone\n"),
    Row(what: "refused", error: GitError(.authentication, "who"), status: .unreachable, says: "error: who\n"),
    Row(what: "signature", error: TrustError(.badSignature, "flipped"), status: .bad, says: "error: flipped\n"),
    Row(what: "JSON", error: JSONError("odd", at: 3), status: .bad, says: "error: at byte 3: odd\n"),
    Row(
      what: "escape sequences", error: CommandError(.bad, "a\u{1b}[2Jb\nc"), status: .bad,
      says: "error: a<U+001B>[2Jb\nc\n"),
    Row(what: "a bug", error: Surprise(), status: .bug, says: "error: an unexpected error of type Surprise\n"),
  ]

  @Test(arguments: rows) func everyErrorHasItsCode(_ row: Row) {
    let ending = Ending(row.error)
    #expect(ending.status == row.status)
    #expect(ending.complaint.hasPrefix(row.says), "\(ending.complaint)")
    #expect(!ending.complaint.contains("do not show"))
    #expect(ending.output.isEmpty)
  }

  struct Line: Sendable, CustomTestStringConvertible {
    var arguments: [String]
    var says: String
    var testDescription: String { arguments.joined(separator: " ") }
  }

  static let wrong = [
    Line(arguments: ["frobnicate"], says: "frobnicate"),
    Line(arguments: ["validate", "--nope"], says: "Unknown option '--nope'"),
    Line(arguments: ["validate", "a", "-C", "b"], says: "exclude each other"),
    Line(arguments: ["next", "Bad Name"], says: "must begin and end with a lower-case letter"),
    Line(arguments: ["next", "-n", "0"], says: "a number from 1"),
    Line(arguments: ["next", "--from", "tomorrow"], says: "want a time"),
    Line(arguments: ["next", "--timezone", "UTC"], says: "--timezone is that of --cron"),
    Line(arguments: ["next", "--cron", "* * * * *", "--at", "HEAD"], says: "--cron reads no repository"),
    Line(arguments: ["next", "--agent", "DB 1"], says: "name"),
    Line(arguments: ["why", "a"], says: "time"),
    Line(arguments: ["why", "a", "tomorrow"], says: "want a time such as"),
    Line(arguments: ["why", "a", "2026-02-30", "02:30"], says: "want a time such as"),
    Line(arguments: ["history", "--format", "xml"], says: "xml"),
    Line(arguments: ["run"], says: "job"),
    Line(arguments: ["run", "a", "--param", "novalue"], says: "want name=value"),
    Line(arguments: ["run", "a", "--param", "x=1", "--param", "x=2"], says: "given twice"),
    Line(arguments: ["logs"], says: "run"),
    Line(arguments: ["verify"], says: "give a FILE, or --run RUN"),
    Line(arguments: ["verify", "a", "--run", "b"], says: "give a FILE, or --run RUN"),
    Line(arguments: ["rollback", "--remote", "x", "--no-push"], says: "exclude each other"),
    Line(arguments: ["keys", "generate"], says: "path"),
    Line(arguments: ["status", "--api", "http://example.com"], says: "wants a token"),
    Line(arguments: ["status", "--api", "http://127.0.0.1:1", "--config", "x"], says: "exclude each other"),
    Line(arguments: ["plan", "a", "b", "c"], says: "Unexpected argument 'c'"),
  ]

  @Test(arguments: wrong) func wrongUsageIsTwo(_ line: Line) async {
    let ran = await Stage(folder: "/").run(line.arguments)
    #expect(ran.status == .usage)
    #expect(ran.errors.contains(line.says), "\(ran.errors)")
    #expect(ran.errors.hasPrefix("error: "))
    #expect(ran.output.isEmpty)
  }

  @Test func noRepositoryIsThree() async throws {
    let ran = await Stage(folder: "/").run("history")
    #expect(ran.status == .unreachable)
    #expect(ran.errors == "error: '.' is not in a git repository\nhint: change into one, or name it with -C PATH\n")
  }

  @Test func noControllerIsThree() async {
    let ran = await Stage(folder: "/").run("status", "--config", "/nonexistent/controller.yaml")
    #expect(ran.status == .unreachable)
    #expect(ran.errors.hasPrefix("error: there is no controller configuration at /nonexistent/controller.yaml\nhint: "))
  }
}
