import Model
import Planning
import Schedule

// Small values that tests are made of.

func name(_ text: String) throws -> JobName { try JobName(text) }

/// A digest that is the same for the same text, and nothing more.
func digest(_ text: String) throws -> Digest {
  var hash = StableHash()
  hash.combine(text)
  return try Digest(hex: hash.hex(digits: 32) + hash.hex(digits: 32))
}

func commit(_ text: String) throws -> CommitID { try CommitID(String(try digest(text).hex.prefix(40))) }

func agentID(_ number: Int) -> AgentID { AgentID(random: (UInt64(number), UInt64(number))) }

/// 2026-11-20T00:00:00Z and so many seconds.
func at(_ seconds: Int64) -> Timestamp { Timestamp(seconds: 1_795_132_800 + seconds) }

func time(_ text: String) -> Timestamp { Timestamp(rfc3339: text) ?? Timestamp(seconds: 0) }

func sampleJob(
  _ name: String, every seconds: Int64 = 60, triggers: [Trigger]? = nil, suspension: Suspension? = nil,
  overlap: Overlap = .skip, targets: Targets = Targets(), run: RunSpec = RunSpec(program: .command(["true"])),
  retry: RetryPolicy = RetryPolicy()
) throws -> Job {
  Job(
    name: try JobName(name), suspension: suspension, triggers: triggers ?? [.every(.seconds(seconds))],
    overlap: overlap, targets: targets, run: run, retry: retry)
}

func desired(_ job: Job, version: String = "1", files: [BundleFile] = []) throws -> DesiredJob {
  DesiredJob(
    job: job, bundle: try digest("\(job.name) \(version)"), commit: try commit("commit \(version)"), files: files)
}

func desired(_ name: String, version: String = "1", targets: Targets = Targets()) throws -> DesiredJob {
  try desired(try sampleJob(name, targets: targets), version: version)
}

func firing(
  _ job: Job, version: String = "1", lease: Duration = .seconds(7 * 86_400)
) throws -> FiringJob {
  FiringJob(
    job: job, bundle: try digest("\(job.name) \(version)"), commit: try commit("commit \(version)"), lease: lease,
    schedule: try JobSchedule(job, agent: agentID(7)) { _ in TimeZoneRules.utc })
}
