import Foundation
import Model
import TestSupport
import Testing

/// From a commit to a committed result, and back by a revert.
@Suite(.serialized, .sharedSite(Site.Layout(resultsElsewhere: true)), .timeLimit(.minutes(10)))
struct WholeWayTests {
  @Test func aCommittedJobRunsAndItsResultsAreCommitted() async throws {
    let site = try Site.current
    try await site.startAgent("web-1", labels: "role=web")
    try await site.startAgent("db-1", labels: "role=db")
    try site.commit(
      site.job("way/first", more: "description: shows the way\n", body: "echo out of the script\n").merging(
        ["jobs/way/defaults.yaml": "targets: {match: {role: web}}\n"]) { $1 })
    let receipt = try await site.receipt("way/first", "success") { $0.outcome == "Succeeded" }
    #expect(receipt.exitCode == 0)
    #expect(receipt.agent == "web-1", "only web-1 has the label")
    #expect(try site.log("way/first", of: receipt) == "out of the script\n")
    #expect(try site.sightings("way/first").contains { $0.run == receipt.run && $0.nominal == receipt.nominal })
    let page = try await eventually("the job's page") { try site.file("jobs/way/first/README.md") }
    #expect(page.contains("Succeeded"))
    let overview = try await eventually("the overview") { try site.file("README.md") }
    #expect(overview.contains("way/first"))
  }

  @Test func theResultsBranchHoldsUpToPlainGit() async throws {
    let site = try Site.current
    try await site.receipt("way/first", "any")
    // The clone is what anybody else would have.
    let clone = site.folder.path("clone")
    try git("clone", "-q", "--branch", Site.branch, site.results, clone, in: site.folder.path)
    try git("fsck", "--strict", "--full", in: clone)
    let branches = try git("for-each-ref", "--format=%(refname)", in: site.results)
    #expect(branches == "refs/heads/\(Site.branch)", "the source is elsewhere")
    #expect(try git("for-each-ref", "--format=%(refname)", in: site.source) == "refs/heads/main")

    if (try? command(["sh", "-c", "command -v ssh-keygen"]))?.status == 0 {
      let line = site.generated.split(separator: "\n").first { $0.hasPrefix("Allowed signers") }
      let signers = try site.folder.write(
        "signers", String(line?.dropFirst("Allowed signers".count) ?? "").trimmed + "\n")
      for commit in try git("rev-list", Site.branch, in: clone).split(separator: "\n") {
        try git("-c", "gpg.ssh.allowedSignersFile=\(signers)", "verify-commit", String(commit), in: clone)
      }
    } else {
      print("ssh-keygen is missing: the commits' signatures were not checked with git")
    }
  }

  @Test func aPlainCloneTellsHistoryLogsAndProof() async throws {
    let site = try Site.current
    let receipt = try await site.receipt("way/first", "success") { $0.outcome == "Succeeded" }
    let clone = site.folder.path("clone-2")
    try git("clone", "-q", "--branch", Site.branch, site.results, clone, in: site.folder.path)
    let history = try site.belfry("history", "way/first", "--verify", in: clone)
    #expect(history.status == 0 && history.output.contains("Succeeded"), "\(history)")
    let logs = try site.belfry("logs", String(receipt.run.prefix(12)), in: clone)
    #expect(logs.output == "out of the script\n", "\(logs)")
    let verify = try site.belfry("verify", "--run", receipt.run, in: clone)
    #expect(verify.status == 0, "\(verify)")
    let path = try #require(try site.paths("runs/way/first").first { $0.hasSuffix(".ndjson") })
    #expect(try site.belfry("verify", path, in: clone).status == 0)
    // One changed byte, and it is refused.
    let text = try String(contentsOfFile: clone + "/" + path, encoding: .utf8)
    try text.replacing("\"Succeeded\"", with: "\"Succeedes\"").write(
      toFile: clone + "/" + path, atomically: true, encoding: .utf8)
    #expect(try site.belfry("verify", path, in: clone).status == 1)
  }

  @Test func aChangeChangesAndARevertGivesTheSameBundleBack() async throws {
    let site = try Site.current
    let first = try site.commit(site.job("way/greeting", agents: ["web-1"], body: "echo version one\n"))
    let bundle = try #require(try await site.synced(first, job: "way/greeting")["bundle"]?.stringValue)
    try await site.receipt("way/greeting", "version one") { $0.bundle == bundle && $0.outcome == "Succeeded" }

    let second = try site.commit(site.job("way/greeting", agents: ["web-1"], body: "echo version two\n"))
    let changed = try #require(try await site.synced(second, job: "way/greeting")["bundle"]?.stringValue)
    #expect(changed != bundle)
    let receipt = try await site.receipt("way/greeting", "version two") { $0.bundle == changed }
    #expect(try site.log("way/greeting", of: receipt) == "version two\n")

    try git("revert", "--no-edit", second, in: site.work)
    try git("push", "-q", "origin", "main", in: site.work)
    let third = try git("rev-parse", "HEAD", in: site.work)
    #expect(try await site.synced(third, job: "way/greeting")["bundle"]?.stringValue == bundle)
    let last = try await site.receipt("way/greeting", "back again") {
      $0.bundle == bundle && $0.nominal > receipt.nominal
    }
    #expect(try site.log("way/greeting", of: last) == "version one\n")
  }

  @Test func aRemovedJobStopsFiring() async throws {
    let site = try Site.current
    try site.commit(site.job("leaving/soon", agents: ["db-1"]))
    try await site.receipt("leaving/soon", "any")
    let commit = try site.commit(["jobs/leaving/soon.yaml": nil])
    try await site.status("nobody holds anything") { status in
      status["source"]?["commit"]?.stringValue == commit && status.agent("db-1")?["jobs"]?.integerValue == 0
        && status.agent("db-1")?["sync"]?.stringValue == "Synced"
    }
    let seen = try site.sightings("leaving/soon").count
    // Two more seconds of another job pass, and of this one nothing has come.
    let now = try await site.receipt("way/first", "now").nominal
    try await site.receipt("way/first", "two seconds later") { $0.nominal >= now + .seconds(2) }
    #expect(try site.sightings("leaving/soon").count == seen)
  }
}

extension String {
  var trimmed: String { trimmingCharacters(in: .whitespacesAndNewlines) }
}
