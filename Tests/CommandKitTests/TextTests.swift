import Model
import Schedule
import Testing

@testable import CommandKit

@Suite struct TextTests {
  @Test func tablesAlignAndLeaveOutEmptyColumns() {
    var table = Table("JOB", "EMPTY", "OUTCOME", "NOTE")
    table.add("a", nil, "Succeeded")
    table.add("data/backup", "", "Failed", "exit 3\u{1b}[2J")
    #expect(
      table.text == """
        JOB          OUTCOME    NOTE
        a            Succeeded
        data/backup  Failed     exit 3<U+001B>[2J

        """)
    #expect(Table("A").text.isEmpty)
  }

  struct Span: Sendable {
    var milliseconds: Int64
    var span: String
    var took: String
  }

  @Test(arguments: [
    Span(milliseconds: 0, span: "0ms", took: "0ms"),
    Span(milliseconds: 350, span: "350ms", took: "350ms"),
    Span(milliseconds: 1_000, span: "1s", took: "1s"),
    Span(milliseconds: 1_250, span: "1s", took: "1.2s"),
    Span(milliseconds: 59_999, span: "59s", took: "59.9s"),
    Span(milliseconds: 245_000, span: "4m05s", took: "4m05s"),
    Span(milliseconds: 11_520_000, span: "3h12m", took: "3h12m"),
    Span(milliseconds: 187_200_000, span: "2d4h", took: "2d4h"),
  ]) func spans(_ row: Span) {
    #expect(Humane.span(.milliseconds(row.milliseconds)) == row.span)
    #expect(Humane.took(.milliseconds(row.milliseconds)) == row.took)
  }

  @Test func relativeTimes() {
    let now = Stage.now
    #expect(Humane.relative(now, to: now) == "now")
    #expect(Humane.relative(now + .seconds(90), to: now) == "in 1m30s")
    #expect(Humane.relative(now - .seconds(7_200), to: now) == "2h00m ago")
    #expect(Humane.relative(Timestamp(microseconds: .min), to: Timestamp(microseconds: .max)).hasSuffix(" ago"))
  }

  @Test func localTimesKeepTheInstant() {
    #expect(Humane.local(Stage.now, in: .utc) == "2026-11-20T12:00:00Z")
  }

  @Test func timesAndParametersAreRead() throws {
    #expect(try timeArgument("2026-11-20") == time("2026-11-20T00:00:00Z"))
    #expect(try timeArgument("2026-11-20T02:30:00+01:00") == time("2026-11-20T01:30:00Z"))
    #expect(throws: NameError.self) { try timeArgument("20.11.2026") }
    let parameter = try parameterArgument("query=a=b")
    #expect(parameter.key == "query" && parameter.value == "a=b")
    #expect(try parameterArgument("empty=").value.isEmpty)
    #expect(throws: NameError.self) { try parameterArgument("=x") }
  }
}
