import Model
import Results
import Testing
import Trust

@testable import CommandKit

@Suite struct RunReportTests {
  private let first = "0123456789abcdef0123"
  private let second = "abcdef0123456789abcd"

  private func report() throws -> RunReport {
    let body = try json(
      #"{"runs":[{"agent":"db-1","run":"\#(first)"},{"agent":"db-2","run":"\#(second)"},{"agent":"db-3","refusal":"still running"}]}"#
    )
    return try RunReport(answer: .init(status: 200, body: body))
  }

  @Test func acceptedAndRefused() throws {
    let report = try report()
    #expect(
      report.text == """
        AGENT  RUN                   STATE     NOTE
        db-1   0123456789abcdef0123  Accepted
        db-2   abcdef0123456789abcd  Accepted
        db-3                         Refused   still running

        """)
    #expect(report.unfinished.map(\.text) == [first, second])
    #expect(!report.isFine(waited: false))
  }

  @Test func waitingEndsWithTheOutcomes() throws {
    let body = try json(#"{"runs":[{"agent":"db-1","run":"\#(first)"}]}"#)
    var report = try RunReport(answer: .init(status: 200, body: body))
    #expect(report.isFine(waited: false) && !report.isFine(waited: true))
    let run = try RunID(first)
    report.update(run, with: try json(#"{"state":"Running"}"#))
    #expect(report.unfinished == [run])
    let signed = try Signers().receipt(state: .failed, reason: "out of cheese").signed.value
    report.update(
      run, with: ["state": "Failed".json, "receipt": signed.json, "commit": String(repeating: "c", count: 40).json])
    #expect(report.unfinished.isEmpty && !report.isFine(waited: true))
    #expect(
      report.text == """
        AGENT  RUN                   STATE   TOOK  NOTE
        db-1   0123456789abcdef0123  Failed  1.2s  exit 3, out of cheese

        """)
    report.update(run, with: try json(#"{"state":"Succeeded"}"#))
    #expect(report.isFine(waited: true))
  }

  @Test func anEndIsSaidOnce() throws {
    #expect(try Signers().receipt(state: .failed, reason: "exit code 3").signed.value.note == "exit code 3")
    #expect(try Signers().receipt(state: .failed).signed.value.note == "exit 3")
    let other = try Signers().receipt(
      state: .failed, reason: "exit code 3; 2 processes that it left behind had to be ended")
    #expect(other.signed.value.note == "exit code 3; 2 processes that it left behind had to be ended")
  }

  @Test func refusalsAreErrors() throws {
    let body = try json(#"{"error":"there is no job 'a'","hint":"did you mean 'b'?"}"#)
    let error = try #require(throws: CommandError.self) { try RunReport(answer: .init(status: 404, body: body)) }
    #expect(error == CommandError(.bad, "there is no job 'a'", hint: "did you mean 'b'?"))
    let denied = try #require(throws: CommandError.self) {
      try RunReport(answer: .init(status: 401, body: json(#"{"error":"no permission"}"#)))
    }
    #expect(denied.status == .unreachable)
  }
}

extension String {
  var json: JSONValue { .string(self) }
}
