import Foundation
import Model
import TestSupport
import Testing

/// `belfry logs -f` on runs of a real controller and agent, while these die.
@Suite(.serialized, .sharedSite, .timeLimit(.minutes(10)))
struct FollowTests {
  /// Has a job run once; its run's id.
  private func order(_ name: String, more: String = "", body: String, on site: Site) async throws -> String {
    if (try? site.agent("f")) == nil { try await site.startAgent("f") }
    let commit = try site.commit(site.job(name, every: "7d", more: more, body: body))
    _ = try await site.synced(commit, job: name)
    return try run(name, on: site)
  }

  private func run(_ name: String, on site: Site) throws -> String {
    let answer = try site.belfry("run", name, "--config", site.configuration(), "--format", "json")
    let json = try JSONValue(parsing: Array(answer.output.utf8), limit: 1 << 20)
    return try #require(json["runs"]?.arrayValue?.first?["run"]?.stringValue, "\(answer)")
  }

  private func follow(_ words: String, _ more: String..., on site: Site) throws -> Program {
    try Program("belfry", ["logs", "-f", words, "--config", site.configuration()] + more)
  }

  private func lines(_ program: Program, _ start: String) -> [String] {
    program.output.split(separator: "\n").map(String.init).filter { $0.hasPrefix(start) }
  }

  @Test func outputComesWithoutAGapWhileAgentAndControllerDie() async throws {
    let site = try Site.current
    let run = try await order(
      "follow/long", body: "for i in $(seq 1 400); do echo line $i; sleep 0.02; done\n", on: site)
    let program = try follow(run, on: site)
    #expect(await program.line(containing: "line 40") != nil)
    await (try site.agent("f")).destroy()
    try await site.startAgent("f")
    #expect(await program.line(containing: "line 150") != nil)
    await (try site.controller).destroy()
    try await site.startController()
    #expect(await program.end(within: .seconds(60)) == 0, "\(program.output.suffix(2_000))")
    #expect(lines(program, "line ") == (1...400).map { "line \($0)" })
    // It has ended: the same from the log that is kept.
    let again = try site.belfry("logs", "-f", String(run.prefix(12)), "--config", site.configuration())
    #expect(again.status == 0 && again.output == (1...400).map { "line \($0)\n" }.joined(), "\(again.errors)")
  }

  @Test func aFirstRunThatIsGoingIsSaid() async throws {
    let site = try Site.current
    let gate = site.folder.path("going-gate")
    let run = try await order("follow/going", body: "while [ ! -e \(gate) ]; do sleep 0.05; done\n", on: site)
    let said = try await eventually("the controller knows that it is going") {
      let said = try site.belfry("logs", "follow/going", "--config", site.configuration())
      return said.errors.contains("run \(run) of follow/going is still going on f") ? said : nil
    }
    #expect(said.status == 1 && said.errors.contains("'belfry logs -f \(run.prefix(12))'"), "\(said)")
    _ = try command(["touch", gate])
    try await site.receipt("follow/going", "its end") { $0.run == run }
  }

  @Test func attemptsFollowEachOtherAndTheExitCodeIsTheRuns() async throws {
    let site = try Site.current
    let run = try await order(
      "follow/twice", more: "retry: {attempts: 2, backoff: 1s}\n",
      body: "echo attempt-$BELFRY_ATTEMPT >&2; exit $BELFRY_ATTEMPT\n", on: site)
    let program = try follow(run, "--format", "json", on: site)
    #expect(await program.end(within: .seconds(60)) == 1, "\(program.output.suffix(2_000))")
    let texts = try lines(program, "{").compactMap { line in
      try JSONValue(parsing: Array(line.utf8), limit: 1 << 20)["text"]?.stringValue
    }
    #expect(texts == ["attempt-1\n", "attempt-2\n"])
    #expect(lines(program, "{").last?.contains(#""end":"Failed""#) == true)
  }

  @Test func aRunThatWaitsIsFollowedFromItsTurnOn() async throws {
    let site = try Site.current
    let gate = site.folder.path("follow-gate")
    _ = try await order(
      "follow/queue", more: "overlap: queue\n",
      body: "while [ ! -e \(gate) ]; do sleep 0.05; done; echo run $BELFRY_RUN_ID\n", on: site)
    let second = try run("follow/queue", on: site)
    let program = try follow(second, on: site)
    #expect(await program.line(containing: "waits for its turn") != nil)
    _ = try command(["touch", gate])
    #expect(await program.end(within: .seconds(60)) == 0, "\(program.output)")
    #expect(lines(program, "run ") == ["run \(second)"])
  }
}
