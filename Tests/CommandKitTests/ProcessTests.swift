import TestSupport
import Testing

/// What only a real process shows.
@Suite struct ProcessTests {
  struct Row: Sendable, CustomTestStringConvertible {
    var script: String
    var status: Int32
    var errors = ""
    var testDescription: String { script }
  }

  static let rows = [
    // A reader that goes away is no error, and does not hide one.
    Row(script: "belfry --help | true", status: 0),
    Row(script: "cd / && belfry --generate-completion-script bash | head -c 1 >/dev/null", status: 0),
    Row(script: "cd / && belfry history 2>/dev/null | true", status: 3),
    Row(
      script: "belfry --help >/dev/full", status: 3,
      errors: "error: cannot write to standard output: No space left on device\n"),
    Row(
      script: "belfry --help >&-", status: 3, errors: "error: cannot write to standard output: Bad file descriptor\n"),
    Row(script: "belfry next --nope 2>/dev/null", status: 2),
    Row(script: "cd / && belfry next --cron '@daily' -n 1000 | head -n 1 >/dev/null", status: 0),
    Row(script: "belfry next --cron '99 * * * *' 2>/dev/null", status: 1),
    Row(script: "cd / && belfry why data/backup 02:30 2>/dev/null", status: 3),
    Row(script: "belfry simulate --assume soon 2>/dev/null", status: 2),
    Row(script: "belfry keys </dev/null >/dev/null", status: 0),
  ]

  @Test(arguments: rows) func exitCodesReachTheShell(_ row: Row) throws {
    let path = Program.folder + ":" + (ProcessEnvironment["PATH"] ?? "")
    let result = try command(["bash", "-o", "pipefail", "-c", row.script], environment: ["PATH": path])
    #expect(result.status == row.status)
    #expect(result.errors == row.errors)
  }
}
