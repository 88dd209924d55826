import Foundation
import Model
import TestSupport
import Testing

/// What a run finds and gives back, from the manifest to the results branch.
@Suite(.serialized, .sharedSite(Site.Layout()), .timeLimit(.minutes(10)))
struct RunViewTests {
  @Test func outputsStandInTheReceiptAndOnTheCommands() async throws {
    let site = try Site.current
    try await site.startAgent("view-1")
    try site.commit(
      site.job(
        "view/outputs", agents: ["view-1"], more: "outputs: [rows, table]\n",
        body:
          #"echo "rows=42" >>"$BELFRY_OUTPUT"; echo "table=orders" >>"$BELFRY_OUTPUT"; echo "x=1" >>"$BELFRY_OUTPUT"; exit 3"#
      ))
    let receipt = try await site.receipt("view/outputs", "the first") { $0.outcome == "Failed" }
    let clone = site.folder.path("clone-outputs")
    try git("clone", "-q", "--branch", Site.branch, site.results, clone, in: site.folder.path)
    let history = try site.belfry("history", "view/outputs", in: clone)
    #expect(history.output.contains("rows=42, table=orders"), "\(history)")
    #expect(history.output.contains("outputs: 'x' is not declared"))
    let json = try site.belfry("history", "view/outputs", "--format", "json", in: clone)
    #expect(json.output.contains(#""rows": 42"#), "\(json)")
    #expect(receipt.exitCode == 3)
    let page = try await eventually("the job's page") { try site.file("jobs/view/outputs/README.md") }
    #expect(page.contains("rows=42"))
  }

  @Test func aPersonsRunIsToldWhoAskedAndWithWhichParameters() async throws {
    let site = try Site.current
    try await site.startAgent("view-2")
    let commit = try site.commit(
      site.job(
        "view/asked", every: "7d", agents: ["view-2"], run: "  params: {keep: 14, ratio: 0.5}\n",
        body: #"cat "$BELFRY_EVENT""#))
    _ = try await site.synced(commit, job: "view/asked")
    let wrong = try site.belfry("run", "view/asked", "--param", "keep=many", "--config", site.configuration())
    #expect(wrong.status != 0 && wrong.errors.contains("parameter 'keep' must be an integer"), "\(wrong)")
    let asked = try command(
      [
        "timeout", "60", Program.folder + "/belfry", "run", "view/asked", "--param", "keep=3", "--wait", "--config",
        site.configuration(),
      ], in: site.work, environment: ["SUDO_USER": "ana"])
    #expect(asked.status == 0, "\(asked)")
    let receipt = try await site.receipt("view/asked", "the person's") { $0.outcome == "Succeeded" }
    let event = try JSONValue(
      parsing: Array(try #require(try site.log("view/asked", of: receipt)).utf8), limit: 10_000, decimals: true)
    #expect(event["kind"] == "person" && event["person"] == "ana")
    #expect(event["params"]?["keep"] == 3 && event["params"]?["ratio"]?["decimal"] == "0.5")
    #expect(event["run"]?.stringValue == receipt.run)
  }

  @Test func aKeptFolderOutlivesRunsAndAgentsAndLeavesWithItsJob() async throws {
    let site = try Site.current
    let agent = try await site.startAgent("view-3")
    try site.commit(
      site.job(
        "view/kept", agents: ["view-3"], run: "  workdir: keep\n", body: "echo x >> count; wc -l < count"))
    try await site.receipt("view/kept", "the third") {
      $0.outcome == "Succeeded" && (try? site.log("view/kept", of: $0)) == "3\n"
    }
    let folder = site.folder.path("agent-view-3") + "/work/view+kept"
    #expect(access(folder + "/work/count", F_OK) == 0)
    await agent.destroy()
    try await site.startAgent("view-3")
    try await site.receipt("view/kept", "a later one") {
      ((try? site.log("view/kept", of: $0)).flatMap { $0 }?.count ?? 0) >= 2 && $0.outcome == "Succeeded"
    }
    try site.commit(["jobs/view/kept.yaml": nil])
    _ = try await eventually("the folder is gone") { access(folder, F_OK) == 0 ? nil : true }
  }
}
