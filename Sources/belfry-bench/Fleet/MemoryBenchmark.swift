import ArgumentParser
import Foundation
import Model
import Platform

struct MemoryCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "memory",
    abstract: "What an agent takes at rest, and what each running job takes on top.",
    discussion: """
      Examples:
        belfry-bench memory --jobs 200
      """)

  @OptionGroup var options: BenchOptions
  @Option(help: "Jobs that run at once; 100, or 20 with --quick.") var jobs: Int?

  func run() async throws {
    let jobs = max(1, jobs ?? (options.quick ? 20 : 100))
    try await options.measure { try await MemoryBenchmark(jobs: jobs).run(into: $0) }
  }
}

/// Memory of a real agent, shared pages divided among those who share them (PSS): before its jobs are due, and while they
/// sleep, their shims included. What the jobs' own programs take is theirs.
struct MemoryBenchmark {
  var jobs: Int

  /// Until the jobs are due: connections stand by then, and everything is installed.
  private static let quiet = 25

  func run(into report: Report) async throws {
    report.heading("memory", "\(jobs) jobs that sleep, at once")
    try await BenchFolder.with("memory") { folder in
      let due = Timestamp(seconds: WallClock.system.now.seconds + Int64(Self.quiet))
      let manifests = Dictionary(
        uniqueKeysWithValues: (1...jobs).map {
          ("j\($0).yaml", "job: load/j\($0)\ntriggers: [{at: \"\(due)\"}]\nrun: {command: [/bin/sleep, \"45\"]}\n")
        })
      try await RunningFleet.with(manifests, in: folder) { fleet in
        let left = due - .seconds(6) - WallClock.system.now
        try await Task.sleep(for: max(left, .zero))
        let idle = ProcFile.proportionalMemory(of: fleet.agent)
        try await Task.sleep(for: due + .seconds(8) - WallClock.system.now)
        let shims = Self.children(of: fleet.agent)
        guard shims.count == jobs else { throw BenchError("\(shims.count) shims run, and not \(jobs)") }
        let busy = ProcFile.proportionalMemory(of: fleet.agent)
        let shim = shims.reduce(0) { $0 + ProcFile.proportionalMemory(of: $1) }
        report.add(Figure("agent at rest: memory (PSS)", idle, .mebibytes, target: 25))
        report.add(Figure("shim of a running job", shim / Double(jobs), .mebibytes))
        report.add(
          Figure(
            "each running job, agent and shim together", (shim + busy - idle) / Double(jobs), .mebibytes, target: 1))
      }
    }
    report.end()
  }

  private static func children(of process: pid_t) -> [pid_t] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
    return names.compactMap { pid_t($0) }.filter { pid in
      ProcFile.lines("/proc/\(pid)/status").contains("PPid:\t\(process)")
    }
  }
}
