import CLibYAML
import ControllerKit
import Git
import Model
import Planning
import ZoneInfo

/// Seconds that a fresh process took for its first plan.
struct ColdRun: Codable {
  var list = 0.0
  var load = 0.0
  var plan = 0.0
  var total: Double { list + load + plan }
  var actions = 0
  var peakMemory = 0.0

  /// Everything between a mirror on disk and a plan for agents that hold nothing yet.
  static func measure(mirror: String, commit: CommitID, agents: Int) throws -> ColdRun {
    var run = ColdRun()
    let loader = RepositoryLoader(zones: ZoneDatabase(), location: ("file:///bench.git", "main"))
    let repository = try Stopwatch.add(to: &run.list) {
      let repository = try Repository.open(at: mirror)
      _ = try repository.listing(of: commit)
      return repository
    }
    let loaded = try Stopwatch.add(to: &run.load) { try loader.load(commit: commit, from: repository) }
    try PlannedFleet.check(loaded)
    let plan = try Stopwatch.add(to: &run.plan) {
      Planning.plan(try PlannedFleet.snapshot(of: loaded, agents: agents), now: PlannedFleet.now)
    }
    run.actions = plan.actions.count
    run.peakMemory = ProcFile.peakMemory()
    return run
  }
}

/// Seconds for the least that loading needs: each blob read, and each manifest through libyaml with nothing done about
/// its events.
struct ColdFloor: Codable {
  var blobs = 0.0
  var events = 0.0
  var total: Double { blobs + events }
  var peakMemory = 0.0

  static func measure(mirror: String, commit: CommitID) throws -> ColdFloor {
    var run = ColdFloor()
    let repository = try Repository.open(at: mirror)
    let files = try repository.listing(of: commit)
    let manifests = try Stopwatch.add(to: &run.blobs) {
      var manifests: [[UInt8]] = []
      for file in files {
        let bytes = try repository.blob(file.id, limit: 1 << 20)
        if file.path.hasSuffix(".yaml") { manifests.append(bytes) }
      }
      return manifests
    }
    try Stopwatch.add(to: &run.events) { for bytes in manifests { try readEvents(bytes) } }
    run.peakMemory = ProcFile.peakMemory()
    return run
  }

  private static func readEvents(_ bytes: [UInt8]) throws(BenchError) {
    var parser = yaml_parser_t()
    var event = yaml_event_t()
    yaml_parser_initialize(&parser)
    defer { yaml_parser_delete(&parser) }
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING)
    let isRead = bytes.withUnsafeBufferPointer { buffer in
      yaml_parser_set_input_string(&parser, buffer.baseAddress, buffer.count)
      while true {
        guard yaml_parser_parse(&parser, &event) == 1 else { return false }
        defer { yaml_event_delete(&event) }
        if event.type == YAML_STREAM_END_EVENT { return true }
      }
    }
    guard isRead else { throw BenchError("libyaml cannot read a manifest of the benchmark") }
  }
}

/// Seconds for each of several commits that change one manifest, in a process that has loaded everything before.
struct WarmRun: Codable {
  var fetches: [Double] = []
  var loads: [Double] = []
  var plans: [Double] = []
  var totals: [Double] { zip(fetches, zip(loads, plans)).map { $0 + $1.0 + $1.1 } }
  /// Of the last plan.
  var actions = 0
  var peakMemory = 0.0

  static func measure(source: String, mirror: String, steps: [CommitID], agents: Int) throws -> WarmRun {
    var run = WarmRun()
    let remote = Remote(url: source)
    let origin = try Repository.open(at: source)
    let repository = try Repository.open(at: mirror)
    let loader = RepositoryLoader(zones: ZoneDatabase(), location: (source, "main"))
    let first = try repository.fetch("main", from: remote, into: BenchSource.fetched).tip
    var snapshot = try PlannedFleet.snapshot(of: loader.load(commit: first, from: repository), agents: agents)
    snapshot = snapshot.applying(Planning.plan(snapshot, now: PlannedFleet.now))
    for step in steps {
      try origin.setReference("refs/heads/main", to: step, expecting: origin.tip(ofBranch: "main"))
      var (fetch, load, plan) = (0.0, 0.0, 0.0)
      let tip = try Stopwatch.add(to: &fetch) {
        try repository.fetch("main", from: remote, into: BenchSource.fetched).tip
      }
      let loaded = try Stopwatch.add(to: &load) { try loader.load(commit: tip, from: repository) }
      try PlannedFleet.check(loaded)
      let made = Stopwatch.add(to: &plan) {
        snapshot.desired = DesiredState(loaded.jobs)
        return Planning.plan(snapshot, now: PlannedFleet.now)
      }
      guard !made.isEmpty else { throw BenchError("a commit changed nothing in the plan") }
      snapshot = snapshot.applying(made)
      run.fetches.append(fetch)
      run.loads.append(load)
      run.plans.append(plan)
      run.actions = made.actions.count
    }
    try origin.setReference("refs/heads/main", to: first, expecting: origin.tip(ofBranch: "main"))
    run.peakMemory = ProcFile.peakMemory()
    return run
  }
}
