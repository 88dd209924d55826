import Foundation
import Model
import TestSupport
import Testing

/// Commands that talk to a running controller, and the one that is a whole installation by itself.
@Suite(.serialized, .sharedSite, .timeLimit(.minutes(10)))
struct CommandTests {
  private func began(_ site: Site) async throws {
    if (try? site.agent("c")) == nil { try await site.startAgent("c") }
  }

  @Test func runWaitsAndTellsHowItEnded() async throws {
    let site = try Site.current
    try await began(site)
    let commit = try site.commit(
      site.job(
        "command/exit", every: "7d", run: "  params: {code: 0, word: none}\n",
        body: "echo \"$BELFRY_PARAM_WORD\"; exit \"$BELFRY_PARAM_CODE\"\n"))
    _ = try await site.synced(commit, job: "command/exit")
    func run(_ arguments: String...) throws -> CommandResult {
      try command(
        ["timeout", "60", Program.folder + "/belfry", "run", "command/exit", "--config", site.configuration()]
          + arguments)
    }
    let fine = try run("--wait", "--param", "word=hello", "--format", "json")
    #expect(fine.status == 0, "\(fine)")
    let json = try JSONValue(parsing: Array(fine.output.utf8), limit: 1 << 20)
    let id = try #require(json["runs"]?.arrayValue?.first?["run"]?.stringValue)
    let receipt = try await site.receipt("command/exit", "of the run") { $0.run == id }
    #expect(try site.log("command/exit", of: receipt) == "hello\n")
    #expect(try run("--wait", "--param", "code=4").status == 1)
    let followed = try run("-f", "--param", "word=shown", "--param", "code=3")
    #expect(followed.status == 1 && followed.output == "shown\n", "\(followed)")
    #expect(followed.errors.contains("Failed") && followed.errors.contains("exit code 3"), "\(followed)")
    let undeclared = try run("--param", "colour=red")
    #expect(undeclared.status != 0 && undeclared.errors.contains("colour"), "\(undeclared)")
    let unknown = try site.belfry("run", "command/exti", "--config", site.configuration())
    #expect(unknown.status != 0 && unknown.errors.contains("command/exit"), "\(unknown)")
    let broken = try site.commit([
      "jobs/command/broken.yaml": "job: command/broken\ntriggers: [{every: 7d}]\nrun: {comand: [\"true\"]}\n"
    ])
    try await site.status("the commit is read") { $0["source"]?["commit"]?.stringValue == broken }
    let refused = try site.belfry("run", "command/broken", "--config", site.configuration())
    #expect(
      refused.status == 1 && refused.errors.contains("the manifest of 'command/broken' has mistakes"), "\(refused)")
    #expect(refused.errors.contains("jobs/command/broken.yaml:3:7: error: "), "\(refused)")
    try site.commit(["jobs/command/broken.yaml": nil])
  }

  @Test(.enabled(if: geteuid() == 0, "needs root: to become another user"))
  func aJobRunsAsItsUserFromTheManifestToTheLog() async throws {
    let site = try Site.current
    try await began(site)
    // As /var/lib: others may pass through.
    chmod(site.folder.path, 0o711)
    try site.commit([
      "scripts/who.sh": "#!/bin/sh\nid -un; ulimit -n; nice; cat\n",
      "jobs/command/who.yaml": """
      job: command/who
      triggers: [{every: 2s}]
      run:
        script: scripts/who.sh
        user: nobody
        stdin: "from the manifest\\n"
        limits: {files: 99, nice: 3}
      ---
      job: command/nobody-knows
      triggers: [{every: 2s}]
      run: {command: ["true"], user: no-such-user-here}
      """,
    ])
    let receipt = try await site.receipt("command/who", "of a run") { $0.outcome == "Succeeded" }
    #expect(try site.log("command/who", of: receipt) == "nobody\n99\n3\nfrom the manifest\n")
    let failed = try await site.receipt("command/nobody-knows", "of its failure")
    #expect(failed.outcome == "Failed" && failed.json.text.contains("this host has no user no-such-user-here"))
    try site.commit(["jobs/command/who.yaml": nil])
  }

  /// What time does to a job, from the manifest to the record and back to the person who asks.
  @Test func whatDidNotRunIsExplainedFromTheBranches() async throws {
    let site = try Site.current
    try await began(site)
    try site.commit([
      "belfry.yaml":
        "belfry: 1\ncalendars: {always: {spans: [{from: 2026-01-01T00:00:00Z, to: 2099-01-01T00:00:00Z}]}}\n"
    ])
    let commit = try site.commit(
      site.job("time/slow", more: "overlap: skip\n", body: "sleep 3.5\n").merging(
        site.job("time/frozen", every: "2s", more: "blackout: [always]\n")
      ) { $1 }.merging(
        site.job("time/paused", every: "2s", more: "suspend: {until: 2099-01-01T00:00:00Z, reason: moving}\n")
      ) { $1 })
    _ = try await site.synced(commit, job: "time/slow")
    let overlapped = try await site.receipt("time/slow", "an overlap") { $0.outcome == "SkippedOverlap" }
    #expect(overlapped.reason.contains("still going"), "\(overlapped.json.text)")
    let ran = try await site.receipt("time/slow", "a run") { $0.outcome == "Succeeded" }
    // Its end lets what it kept from running become one record.
    let folded = try await site.receipt("time/slow", "a fold") {
      $0.outcome == "SkippedOverlap" && $0.seconds.count > 1
    }
    try git("fetch", "-q", "origin", in: site.work)
    func why(_ job: String, _ time: Timestamp) throws -> JSONValue {
      let answer = try site.belfry("why", job, time.description, "--format", "json")
      return try JSONValue(parsing: Array(answer.output.utf8), limit: 1 << 20)
    }
    #expect(try why("time/slow", ran.nominal)["verdict"]?.stringValue == "ran")
    for skip in [overlapped, folded] {
      let answer = try why("time/slow", skip.nominal)
      #expect(answer["verdict"]?.stringValue == "skipped", "\(answer.text)")
      #expect(answer["summary"]?.stringValue?.contains(skip.reason) == true, "\(answer.text)")
    }
    let status = try site.status()
    #expect(status?.job("time/frozen")?["next"]?.stringValue?.hasPrefix("2099-") == true, "after the freeze")
    let next = try site.belfry("next", "--at", "origin/main")
    #expect(next.output.contains("time/paused") && next.output.contains("moving"), "\(next)")
    let simulated = try site.belfry("simulate", "time/slow", "time/frozen", "--at", "origin/main", "--format", "json")
    #expect(simulated.output.contains("SkippedOverlap") && simulated.output.contains("blackout"), "\(simulated)")
    // The freeze ends with the next commit, and says what it kept from running.
    try site.commit(site.job("time/frozen", every: "2s"))
    let frozen = try await site.receipt("time/frozen", "the freeze") { $0.outcome == "SkippedBlackout" }
    #expect(frozen.reason.contains("always"), "\(frozen.json.text)")
    #expect(try site.sightings("time/frozen").allSatisfy { $0.nominal > frozen.nominal })
    #expect(try site.sightings("time/paused").isEmpty)
  }

  @Test func planTellsWhatTheFleetWouldDo() async throws {
    let site = try Site.current
    try await began(site)
    let commit = try site.commit(site.job("command/planned"))
    _ = try await site.synced(commit, job: "command/planned")
    let nothing = try site.belfry("plan", "--config", site.configuration())
    #expect(nothing.status == 0 && !nothing.output.contains("command/planned"), "\(nothing)")
    for (path, text) in site.job("command/planned", body: "echo changed\n") {
      try site.folder.write("work/" + path, text ?? "", executable: path.hasSuffix(".sh"))
    }
    try git("commit", "-q", "-a", "-m", "Not pushed", in: site.work)
    let planned = try site.belfry("plan", "--config", site.configuration())
    #expect(
      planned.status == 0 && planned.output.contains("command/planned") && planned.output.contains("c"), "\(planned)")
    try git("reset", "-q", "--hard", commit, in: site.work)
  }

  @Test func rollbackBringsTheOldBundleBack() async throws {
    let site = try Site.current
    try await began(site)
    let first = try site.commit(site.job("command/rolled", body: "echo one\n"))
    let bundle = try #require(try await site.synced(first, job: "command/rolled")["bundle"]?.stringValue)
    let second = try site.commit(site.job("command/rolled", body: "echo two\n"))
    #expect(try await site.synced(second, job: "command/rolled")["bundle"]?.stringValue != bundle)
    let answer = try site.belfry("rollback", "command/rolled", "--yes")
    #expect(answer.status == 0, "\(answer)")
    let third = try git("rev-parse", "HEAD", in: site.work)
    #expect(third != second)
    #expect(try await site.synced(third, job: "command/rolled")["bundle"]?.stringValue == bundle)
  }

  @Test func theAPIWantsItsToken() async throws {
    let site = try Site.current
    let address = try String(contentsOfFile: site.folder.path("controller-state/api.address"), encoding: .utf8).trimmed
    let place = address.replacing(":", with: "/")
    func ask(_ path: String, _ header: String = "", host: String = "127.0.0.1") throws -> String {
      let request = "GET \(path) HTTP/1.1\\r\\nHost: \(host)\\r\\n\(header)Connection: close\\r\\n\\r\\n"
      return try command(["timeout", "10", "bash", "-c", "exec 3<>/dev/tcp/\(place); printf '\(request)' >&3; cat <&3"])
        .output
    }
    #expect(try ask("/healthz").hasPrefix("HTTP/1.1 200"))
    #expect(try ask("/v1/status").hasPrefix("HTTP/1.1 401"))
    #expect(try ask("/v1/status", "Authorization: Bearer wrong\\r\\n").hasPrefix("HTTP/1.1 401"))
    let token = try String(contentsOfFile: site.folder.path("controller-state/api.token"), encoding: .utf8).trimmed
    #expect(try ask("/v1/status", "Authorization: Bearer \(token)\\r\\n").hasPrefix("HTTP/1.1 200"))
    #expect(
      try ask("/v1/status", "Authorization: Bearer \(token)\\r\\n", host: "evil.example").hasPrefix("HTTP/1.1 421"))
    let attributes = try FileManager.default.attributesOfItem(atPath: site.folder.path("controller-state/api.token"))
    #expect((attributes[.posixPermissions] as? NSNumber)?.intValue == 0o600)
  }

  @Test(arguments: [true, false])
  func devEndsCleanlyWithEverythingCommitted(isBare: Bool) async throws {
    let site = try Site(Site.Layout())
    try site.commit(site.job("dev/tick", body: "echo dev\n"))
    let path = isBare ? site.source : site.work
    let before = isBare ? "" : try git("status", "--porcelain", in: site.work)
    let program = try Program("belfry", ["dev", path, "--for", "4s"])
    #expect(await program.line(containing: "ready agents=") != nil, "\(program.output)")
    #expect(await program.end(within: .seconds(60)) == 0, "\(program.output)")
    let seen = try site.sightings("dev/tick")
    #expect(seen.count >= 2)
    #expect(program.output.components(separatedBy: "assignment sent").count == 2, "once is enough: \(program.output)")
    let lines = try git("grep", "-h", "-e", "^", Site.branch, "--", "runs/dev/tick/**.ndjson", in: path).split(
      separator: "\n")
    let runs = try lines.map {
      try JSONValue(parsing: Array($0.utf8), limit: 1 << 20)["predicate"]?["run"]?.stringValue ?? ""
    }
    #expect(Set(seen.map(\.run)).isSubset(of: runs))
    #expect(try git("log", "--format=%s", Site.branch, in: path).contains("succeeded"))
    if !isBare { #expect(try git("status", "--porcelain", in: site.work) == before, "the work tree is as it was") }
    #expect(site.processes(with: "belfry").isEmpty)
    await site.close()
  }
}
