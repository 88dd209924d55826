import ArgumentParser

struct ReconcileCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "reconcile",
    abstract: "From a repository to a plan: all of it, and after one commit.",
    discussion: """
      Examples:
        belfry-bench reconcile
        belfry-bench reconcile --manifests 100000 --runs 3
      """)

  @OptionGroup var options: BenchOptions
  @Option(help: "Manifests in the repository.") var manifests = 10_000
  @Option(help: "Scripts in the repository.") var scripts = 1_000
  @Option(help: "Agents to plan for.") var agents = 20
  @Option(help: "Processes that load everything.") var runs: Int?
  @Option(help: "Commits that change one manifest.") var commits: Int?

  func validate() throws {
    guard manifests > 0, scripts >= 50, agents > 0, runs ?? 1 > 0, commits ?? 1 > 0 else {
      throw ValidationError("want at least 1 manifest, 50 scripts, 1 agent, 1 run and 1 commit")
    }
  }

  func run() async throws {
    let benchmark = ReconcileBenchmark(
      content: SourceContent(manifests: manifests, scripts: scripts), agents: agents,
      runs: runs ?? (options.quick ? 2 : 7), commits: commits ?? (options.quick ? 5 : 15))
    try await options.measure { try await benchmark.run(into: $0) }
  }
}

/// Loads a repository with all of its manifests in a fresh process, then follows commits that change one of them.
struct ReconcileBenchmark {
  var content = SourceContent(manifests: 10_000, scripts: 1_000)
  var agents = 20
  var runs: Int
  var commits: Int

  /// Holds for the default sizes.
  private var isStandard: Bool { content.manifests == 10_000 && content.scripts == 1_000 && agents == 20 }

  func run(into report: Report) async throws {
    report.heading(
      "reconcile",
      "\(content.manifests) manifests, \(content.scripts) scripts, \(agents) agents; medians of \(runs) processes and of "
        + "\(commits) commits")
    try await BenchFolder.with("reconcile") { folder in
      let source = try await BenchSource.make(content, steps: commits, in: folder)
      try await cold(source, report)
      try await warm(source, report)
    }
    report.end()
  }

  private func cold(_ source: BenchSource, _ report: Report) async throws {
    var ours: [ColdRun] = []
    var floors: [ColdFloor] = []
    for _ in 0..<runs {
      ours.append(
        try await Tool.worker(["cold", source.mirror, source.base, "--agents", "\(agents)"], ColdRun.self))
      floors.append(try await Tool.worker(["cold-floor", source.mirror, source.base], ColdFloor.self))
    }
    let floor = floors.map(\.total).median
    report.add(
      Figure(
        "cold: open, list, load, digests, plan", ours.map(\.total).median, .seconds,
        beside: .floor("read the blobs (Git module), libyaml's events", floor), target: isStandard ? 3 : nil))
    report.add(Figure("  open and list", ours.map(\.list).median * 1e3, .milliseconds))
    report.add(
      Figure(
        "  load: read, parse, check, digests", ours.map(\.load).median * 1e3, .milliseconds,
        beside: .floor(
          "blobs \(rounded(floors.map(\.blobs).median)) ms, libyaml \(rounded(floors.map(\.events).median)) ms",
          floor * 1e3)))
    report.add(Figure("  plan: \(ours.first?.actions ?? 0) actions", ours.map(\.plan).median * 1e3, .milliseconds))
    report.add(
      Figure(
        "cold: peak memory (VmHWM)", ours.map(\.peakMemory).median, .mebibytes,
        beside: .floor("the floor's process", floors.map(\.peakMemory).median)))
  }

  private func warm(_ source: BenchSource, _ report: Report) async throws {
    let run = try await Tool.worker(
      ["warm", source.repository, source.mirror, "--agents", "\(agents)", "--steps"] + source.steps, WarmRun.self)
    let floor = try await source.gitFloor()
    report.add(
      Figure(
        "one commit: fetch, load, plan", run.totals.median * 1e3, .milliseconds,
        beside: .floor("git fetch and git diff-tree", floor.median * 1e3), target: isStandard ? 200 : nil))
    report.add(Figure("  slowest of \(commits)", (run.totals.max() ?? 0) * 1e3, .milliseconds))
    report.add(Figure("  fetch", run.fetches.median * 1e3, .milliseconds))
    report.add(Figure("  load", run.loads.median * 1e3, .milliseconds))
    report.add(Figure("  plan: \(run.actions) actions", run.plans.median * 1e3, .milliseconds))
    report.add(Figure("  peak memory (VmHWM)", run.peakMemory, .mebibytes))
  }

  private func rounded(_ seconds: Double) -> Int { Int((seconds * 1e3).rounded()) }
}
