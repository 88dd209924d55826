import Foundation
import Model
import TestSupport

/// Lives of an agent, each with one thing that goes wrong, and after each of them the question whether every run that
/// began has its one receipt.
final class FaultMatrix {
  private let site: Site
  /// The agent's state folder is on it; without root it is on the disk like everything else.
  private let disk: SmallDisk?
  private let page: FaultPage
  private let programs: FaultyPrograms
  private let say: (String) -> Void
  private var account = FaultAccount()
  private var traces: FaultTraces
  private var agent: Program?
  private var commits = 0
  /// What the last person to ask was told.
  private var accepted: Set<String> = []

  private var witness: String { site.folder.path("witness") }
  private var state: String { disk.map { $0.path + "/agent" } ?? site.folder.path("agent-torture") }

  init(_ site: Site, say: @escaping (String) -> Void) throws {
    self.site = site
    self.say = say
    disk = geteuid() == 0 ? try SmallDisk(kilobytes: 48 << 10) : nil
    try site.folder.write("witness", "")
    page = try FaultPage(
      folder: site.folder, root: disk.map { $0.path + "/agent" } ?? site.folder.path("agent-torture"))
    programs = try FaultyPrograms(page: page, folder: site.folder)
    traces = try FaultTraces(site, state: disk.map { $0.path + "/agent" } ?? site.folder.path("agent-torture"))
  }

  // MARK: - The whole

  func begin() async throws {
    try await startAgent()
    try site.commit(FaultJob.all.reduce(into: [:]) { $0.merge($1.files(witness: witness)) { $1 } }, "Begin")
    try await goesOn()
  }

  /// One life. What is found wrong is thrown at the end of it.
  func live(_ row: FaultRow) async throws {
    if case .fullDisk = row.fault, disk == nil { return }
    let before = try lines()
    account.begin(row.fault)
    let hasStruck = try await strike(row)
    page.disarm()
    disk?.free()
    try await superviseAgent()
    askAsPerson()
    try await goesOn()
    try await complete(before)
    say("\(row): \(hasStruck ? "struck" : "did not come to pass")")
  }

  func end() async throws {
    let paths = FaultJob.all.flatMap { $0.files(witness: witness).keys }
    let commit = try site.commit(Dictionary(uniqueKeysWithValues: paths.map { ($0, String?.none) }), "Stop")
    try await site.status("drained", within: .seconds(90)) { status in
      let agent = status.agent("torture")
      return status["source"]?["commit"]?.stringValue == commit && agent?["sync"]?.stringValue == "Synced"
        && agent?["running"]?.arrayValue?.isEmpty == true && agent?["spooled"]?.integerValue == 0
        && status["results"]?["pending"]?.integerValue == 0
    }
    try await complete(try lines())
    for run in accepted.subtracting(account.receipts.keys) { throw wrong(["a person's run \(run) has no receipt"]) }
    try await traces.end(account.receipts.values)
    account.checkCoverage()
    try account.checkLogs(site)
    try fail(account.problems)
    try git("fsck", "--strict", in: site.results)
    _ = try await eventually("nothing of any run is left") { [self] in
      // But for folders that the next runs could use again.
      let runs = try FileManager.default.contentsOfDirectory(atPath: state + "/runs").filter { !$0.hasPrefix("spare-") }
      return runs.isEmpty && jobs().isEmpty ? true : nil
    }
    say("\(account.receipts.count) receipts, \(try lines().count(where: \.isBegin)) attempts")
  }

  // MARK: - Programs

  private func launch(crashAt: String? = nil) throws -> Program {
    let program = try site.launchAgent(
      "torture", stateFolder: state, more: ["--shim", programs.shim, "--quarantine", "0", "--disk-reserve", "1M"],
      environment: ["LD_PRELOAD": programs.library, "BELFRY_FAULTS": page.path], crashAt: crashAt)
    agent = program
    return program
  }

  /// Until it is ready; what a fault has left may keep it from it for a moment, as it would keep a service.
  private func startAgent() async throws {
    _ = try await eventually("the agent starts", within: .seconds(60)) { [self] in
      let program = try launch()
      return await program.line(containing: "ready torture") != nil ? true : nil
    }
  }

  /// As a service manager does: one that has ended, be it a moment after its fault, is started again.
  private func superviseAgent() async throws { if agent?.hasEnded != false { try await startAgent() } }

  // MARK: - Faults

  /// Lets it happen; false when it did not come to that.
  private func strike(_ row: FaultRow) async throws -> Bool {
    switch row.fault {
    case .agentDies(let point):
      await agent?.destroy()
      let armed = try launch(crashAt: "\(point):\(row.after + 1)")
      if row.needsAssignment { try await change(armed) }
      guard await armed.end(within: .seconds(15)) == 137 else {
        await armed.destroy()
        return false
      }
      return true
    case .shimDies(let point):
      page.crashShim(at: point, skip: row.after)
      return try await happens { self.page.shimDeaths > 0 }
    case .killed(let victim):
      try await moreBegin(row.after + 1)
      return try await kill(victim, row)
    case .call(let call, let who, let error, let place):
      page.arm(call, of: who, error: error, place: place, skip: row.after, times: row.times)
      if row.needsAssignment { try await change(nil) }
      let hasStruck = try await happens { self.page.hits > 0 || self.agent?.hasEnded == true }
      // The rest of them strike, or it gives up.
      if hasStruck {
        _ = try await happens(.seconds(3)) { self.page.hits >= row.times || self.agent?.hasEnded == true }
      }
      return hasStruck
    case .fullDisk:
      try disk?.fill()
      let hasStruck = try await happens {
        try self.site.status()?.agent("torture")?["problems"]?.arrayValue?.isEmpty == false
      }
      return hasStruck
    case .powerCut:
      try await moreBegin(row.after + 1)
      try await cutPower(row)
      return true
    case .clockSet(let seconds):
      page.setClock(by: seconds)
      return true
    case .controllerDies:
      await (try site.controller).destroy()
      try await moreBegin(2 + row.after)
      try await site.startController()
      return true
    case .controllerDiesAt(let point):
      await (try site.controller).destroy()
      let armed = try site.launchController(crashAt: "\(point):\(row.after + 1)")
      let hasStruck = await armed.end(within: .seconds(15)) == 137
      await armed.destroy()
      try await site.startController()
      return hasStruck
    case .restart:
      agent?.signal(SIGTERM)
      return await agent?.end(within: .seconds(30)) != nil
    }
  }

  private func kill(_ victim: Fault.Victim, _ row: FaultRow) async throws -> Bool {
    var generator = SeededGenerator(seed: row.seed)
    let shims = site.processes(with: state + "/runs/").sorted()
    func strike(_ pids: [Int32]) -> Bool {
      for pid in pids { Foundation.kill(pid, SIGKILL) }
      return !pids.isEmpty
    }
    switch victim {
    case .agent:
      await agent?.destroy()
      return true
    case .shim: return strike(Array(shims.shuffled(using: &generator).prefix(1)))
    case .job: return strike(Array(jobs().sorted().shuffled(using: &generator).prefix(1)))
    case .agentAndShims:
      agent?.signal(SIGKILL)
      let hit = strike(shims)
      await agent?.destroy()
      return hit
    case .everything:
      agent?.signal(SIGKILL)
      let hit = strike(shims + jobs())
      await agent?.destroy()
      return hit
    }
  }

  /// Processes of the jobs: whatever has the witness in its environment.
  private func jobs() -> [Int32] {
    let mark = Array("WITNESS=\(witness)".utf8)
    let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
    return names.compactMap(Int32.init).filter { pid in
      guard let environment = FileManager.default.contents(atPath: "/proc/\(pid)/environ") else { return false }
      return environment.split(separator: 0).contains { Array($0) == mark }
    }
  }

  /// Kills everything at once. Files of a run whose end was not made durable may be there, empty, full of zeros, or gone.
  private func cutPower(_ row: FaultRow) async throws {
    var generator = SeededGenerator(seed: row.seed)
    agent?.signal(SIGKILL)
    await agent?.destroy()
    let runs = state + "/runs"
    if Bool.random(using: &generator) {
      // Runs that end without anybody who would take what they leave.
      _ = try await happens(.seconds(4)) {
        try FileManager.default.contentsOfDirectory(atPath: runs).contains { name in
          Self.isDurable("\(runs)/\(name)") && access("\(runs)/\(name)/taken", F_OK) != 0
            && (try? FileManager.default.contentsOfDirectory(atPath: "\(runs)/\(name)/artifacts").isEmpty) == false
        }
      }
    }
    _ = try await eventually("everything is dead") { [self] in
      let all = site.processes(with: state + "/runs/") + jobs()
      for process in all { Foundation.kill(process, SIGKILL) }
      return all.isEmpty ? true : nil
    }
    try page.restartMachine()
    try traces.forgetMemory()
    for name in try FileManager.default.contentsOfDirectory(atPath: runs).sorted() {
      let status = "\(runs)/\(name)/status"
      let bytes = FileManager.default.contents(atPath: status).map(Array.init) ?? []
      // What jobs write is not synced by anybody, until an artifact is sealed (`taken/NUMBER`).
      let files = FileManager.default.enumerator(atPath: "\(runs)/\(name)")?.compactMap { $0 as? String } ?? []
      for file in files.sorted() {
        let isJobs = ["artifacts/", "work/"].contains { file.hasPrefix($0) }
        let isOnTheWay = file.hasPrefix("taken/") && [".moved", ".vetted", ".copy"].contains { file.hasSuffix($0) }
        if isJobs || isOnTheWay, Bool.random(using: &generator) { truncate("\(runs)/\(name)/\(file)", 0) }
      }
      guard !Self.isDurable("\(runs)/\(name)"), !bytes.isEmpty else { continue }
      switch Int.random(in: 0..<4, using: &generator) {
      case 0: try FileManager.default.removeItem(atPath: "\(runs)/\(name)")
      case 1: try Data().write(to: URL(fileURLWithPath: status))
      case 2: try Data(count: bytes.count).write(to: URL(fileURLWithPath: status))
      default: break
      }
    }
  }

  /// Whether the run folder has an exit record; the shim has synced it then.
  private static func isDurable(_ folder: String) -> Bool {
    let bytes = FileManager.default.contents(atPath: folder + "/status").map(Array.init) ?? []
    return bytes.count >= 1032 && bytes[1024..<1032].elementsEqual("BFENDED1".utf8)
  }

  /// A commit that makes an assignment.
  private func change(_ program: Program?) async throws {
    _ = await program?.line(containing: "connected")
    commits += 1
    try site.commit([
      "jobs/fault/other.yaml": "job: fault/other\ntriggers: [{every: 300d}]\nrun: {script: scripts/other.sh}\n",
      "scripts/other.sh": "#!/bin/sh\n: \(commits)\n",
    ])
  }

  // MARK: - Waiting

  private func happens(_ limit: Duration = .seconds(12), _ condition: () throws -> Bool) async throws -> Bool {
    (try? await eventually("it strikes", within: limit) { try condition() ? true : nil }) != nil
  }

  private func lines() throws -> [WitnessLine] {
    String(decoding: FileManager.default.contents(atPath: witness) ?? Data(), as: UTF8.self)
      .split(separator: "\n").compactMap { WitnessLine($0) }
  }

  private func moreBegin(_ count: Int) async throws {
    let before = try lines().count(where: \.isBegin)
    _ = try await eventually("\(count) more attempts begin", within: .seconds(60)) {
      try self.lines().count(where: \.isBegin) >= before + count ? true : nil
    }
  }

  private func askAsPerson() {
    let answer = try? site.belfry("run", FaultJob.person, "--config", site.configuration(), "--format", "json")
    guard let answer, let json = try? JSONValue(parsing: Array(answer.output.utf8), limit: 1 << 20) else { return }
    for run in json["runs"]?.arrayValue ?? [] { run["run"]?.stringValue.map { _ = accepted.insert($0) } }
  }

  /// A run that began after this moment ends well.
  private func goesOn() async throws {
    let begun = Set(try lines().map(\.run))
    do {
      _ = try await eventually("the agent goes on", within: .seconds(60)) {
        try await self.superviseAgent()
        try self.account.readReceipts(self.site)
        return self.account.receipts.values.contains { receipt in
          receipt.json["job"]?.stringValue == "fault/tick" && receipt.outcome == "Succeeded"
            && !begun.contains(receipt.run)
        } ? true : nil
      }
    } catch {
      let status = try site.status()?.text ?? "no status"
      throw wrong(["\(error)", "\(try lines().count(where: \.isBegin)) attempts", status])
    }
  }

  /// Each run that had begun by then has its receipt, and nothing contradicts anything.
  private func complete(_ begun: [WitnessLine]) async throws {
    do {
      _ = try await eventually("each run has its receipt", within: .seconds(60)) {
        try await self.superviseAgent()
        try self.account.readReceipts(self.site)
        return self.account.missing(begun).isEmpty ? true : nil
      }
    } catch {
      throw wrong(["no receipts of \(account.missing(begun).sorted())"])
    }
    account.check(try lines())
    try fail(account.problems + traces.look(account.receipts.values, output: agent?.output ?? ""))
  }

  private func fail(_ problems: [String]) throws { if !problems.isEmpty { throw wrong(problems) } }

  private func wrong(_ problems: [String]) -> CommandFailure {
    CommandFailure(
      description: problems.prefix(10).joined(separator: "\n") + "\nthe agent said: \(agent?.output.suffix(3000) ?? "")"
    )
  }
}
