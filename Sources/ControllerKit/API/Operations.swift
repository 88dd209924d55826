import Git
import HTTPTypes
import Logging
import Model
import Planning
import Platform
import Results
import Schedule
import Trust
import Wire
import ZoneInfo

/// Answers the API's questions from what the services know.
struct Operations: APIOperations {
  let reconciler: Reconciler
  let mirror: SourceMirror
  let poke: Signal
  let keeper: ResultsKeeper
  let artifacts: ArtifactStore
  let logs: LogDesk
  let configuration: ControllerConfiguration
  let zones: ZoneDatabase
  let version: String
  let logger: Logger

  private var clock: WallClock { reconciler.clock }

  // MARK: - Status

  func status() async -> JSONValue {
    let now = clock.now
    let snapshot = await reconciler.snapshot()
    let members = await reconciler.fleet.members
    return .members([
      "version": .string(version),
      "epoch": .integer(snapshot.terms.epoch),
      "laterEpoch": await reconciler.fleet.laterEpoch?.json,
      "now": .timestamp(now),
      "source": await sourceJSON(),
      "results": await resultsJSON(),
      "agents": agentsJSON(members, judgeAgents(snapshot, now: now)),
      "jobs": await jobsJSON(snapshot, at: now),
    ])
  }

  private func sourceJSON() async -> JSONValue {
    let source = reconciler.source
    let status = await source.desired.source
    return .members([
      "repository": .string(configuration.source.remote.publicURL),
      "branch": .string(configuration.source.branch),
      "commit": await source.commit.map { .string($0.text) },
      "status": .string(status.word),
      "reason": status.reason.map(JSONValue.string),
      "checked": await source.checked.map(JSONValue.timestamp),
      "diagnostics": .array(await source.diagnostics.map(\.json)),
    ])
  }

  private func resultsJSON() async -> JSONValue {
    let fence = await keeper.fence
    let reason = if let fence { fence } else { await keeper.trouble }
    return .members([
      "repository": .string(configuration.results.remote.publicURL),
      "branch": .string(configuration.results.branch),
      "tip": await keeper.pushed.map { .string($0.text) },
      "pending": .integer(Int64(await keeper.pending)),
      "state": .string(fence != nil ? "fenced" : reason != nil ? "waiting" : "ok"),
      "reason": reason.map(JSONValue.string),
    ])
  }

  private func agentsJSON(_ members: [FleetState.Member], _ verdicts: [AgentID: AgentStatus]) -> JSONValue {
    [
      "connected": .integer(Int64(members.count { $0.agent.connected })),
      "known": .integer(Int64(members.count)),
      "list": .array(members.map { $0.json(verdicts[$0.agent.id]) }),
    ]
  }

  private func jobsJSON(_ snapshot: PlanSnapshot, at now: Timestamp) async -> JSONValue {
    let latest = await keeper.recent.latest
    let lastRuns = latest.mapValues { runs in
      runs.compactMapValues { receipt in if case .ran(let state) = receipt.outcome { state } else { nil } }
    }
    let verdicts = judgeJobs(snapshot, problems: await problems(), lastRuns: lastRuns, now: now)
    return .array(
      snapshot.desired.jobs.values.sorted { $0.job.name < $1.job.name }.map { desired in
        let name = desired.job.name
        let verdict = verdicts[name]
        let last = latest[name]?.values.max { $0.occurrence.nominal < $1.occurrence.nominal }
        let eligible = snapshot.agents.count { desired.job.targets.include(agent: $0.name, labels: $0.labels) }
        return .members([
          "job": .string(name.text),
          "sync": .string((verdict?.sync ?? .unknown).rawValue),
          "health": .string((verdict?.health ?? .unknown).rawValue),
          "syncReason": verdict?.syncReason.map(JSONValue.string),
          "healthReason": verdict?.healthReason.map(JSONValue.string),
          "bundle": .string(desired.bundle.hex),
          "commit": .string(desired.commit.text),
          "holders": .integer(Int64(snapshot.agents.count { $0.held[name]?.bundle == desired.bundle })),
          "eligible": .integer(Int64(eligible)),
          "next": nextDue(desired.job, after: now).map(JSONValue.timestamp),
          "lastOutcome": last.map { .string($0.outcome.description) },
          "lastNominal": last.map { .timestamp($0.occurrence.nominal) },
        ])
      })
  }

  /// The first thing that is wrong with each job whose manifest has errors.
  private func problems() async -> [JobName: String] {
    await reconciler.source.mistakes.mapValues {
      $0.first?.rendered.firstLine ?? "'belfry validate' shows what is wrong"
    }
  }

  private func nextDue(_ job: Job, after now: Timestamp) -> Timestamp? {
    if let suspension = job.suspension, suspension.isInForce(at: now) { return nil }
    return (try? JobSchedule(job, zone: zones.zone(named:)))?.nextDueOutsideBlackouts(after: now)?.nominal
  }

  /// What the results branch's front page says about what is to come.
  func overview() async -> Overview {
    let now = clock.now
    let jobs = await reconciler.source.desired.jobs
    return Overview(
      jobs: jobs.mapValues { desired in
        let isSuspended = desired.job.suspension?.isInForce(at: now) ?? false
        return Overview.Outlook(next: nextDue(desired.job, after: now), note: isSuspended ? "Suspended" : nil)
      })
  }

  // MARK: - Plans

  func snapshot() async -> JSONValue {
    let snapshot = await reconciler.snapshot()
    let jobs = snapshot.desired.jobs.values.sorted { $0.job.name < $1.job.name }
    return .members([
      "epoch": .integer(snapshot.terms.epoch),
      "source": .members([
        "repository": .string(configuration.source.remote.publicURL),
        "branch": .string(configuration.source.branch),
        "status": .string(snapshot.desired.source.word),
        "reason": snapshot.desired.source.reason.map(JSONValue.string),
      ]),
      "terms": [
        "lifetimeMs": .milliseconds(snapshot.terms.lifetime), "leaseMs": .milliseconds(snapshot.terms.lease),
      ],
      "jobs": .array(
        jobs.map {
          ["job": .string($0.job.name.text), "bundle": .string($0.bundle.hex), "commit": .string($0.commit.text)]
        }),
      "agents": .array(snapshot.agents.map(\.snapshotJSON)),
    ])
  }

  func acceptSource(_ commit: CommitID) async throws(APIError) -> JSONValue {
    await mirror.accept(commit)
    poke.raise()
    logger.warning("a rewritten source history was accepted", metadata: ["commit": "\(commit)"])
    return ["accepted": .string(commit.text)]
  }

  // MARK: - Runs

  func run(_ request: RunRequest, by user: String) async throws(APIError) -> JSONValue {
    let now = clock.now
    let snapshot = await reconciler.snapshot()
    guard let desired = snapshot.desired.jobs[request.job] else { throw await absence(of: request.job, in: snapshot) }
    let params = try parameters(request.params, of: desired.job)
    let targets = try targets(request, desired, snapshot)
    let name = "api-" + RandomName.hex(bytes: 8)
    var answers: [JSONValue] = []
    var accepted = 0
    await withTaskGroup(of: (AgentState, RunID, String?).self) { group in
      for agent in targets {
        group.addTask {
          await dispatch(desired, to: agent, request: name, params: params, person: request.person, at: now)
        }
      }
      for await (agent, run, refusal) in group {
        if refusal == nil {
          accepted += 1
          logs.hub.ordered(LogHub.Ordered(run: run, job: request.job, agent: agent.id))
        }
        answers.append(
          .members([
            "agent": .string(agent.name.text), "run": refusal == nil ? .string(run.text) : nil,
            "refusal": refusal.map(JSONValue.string),
          ]))
      }
    }
    logger.info(
      "run ordered", metadata: ["job": "\(request.job)", "by": "\(request.person ?? user)", "accepted": "\(accepted)"])
    guard accepted > 0 else {
      let why = answers.compactMap { $0["refusal"]?.stringValue }.first ?? "no answer"
      throw APIError(.conflict, "no agent accepted the run of '\(request.job)': \(why)")
    }
    return ["runs": .array(answers.sorted { ($0["agent"]?.stringValue ?? "") < ($1["agent"]?.stringValue ?? "") })]
  }

  /// Why a job cannot be run that is not desired.
  private func absence(of job: JobName, in snapshot: PlanSnapshot) async -> APIError {
    if let mistakes = await reconciler.source.mistakes[job] { return Self.refusal(of: job, for: mistakes) }
    switch snapshot.desired.source {
    case .unknown(let reason), .incomplete(let reason):
      return APIError(.notFound, "no job '\(job)' is known", hint: "it may be there all the same: \(reason)")
    case .known:
      let nearest = Suggestion.nearest(to: job.text, among: snapshot.desired.jobs.keys.map(\.text).sorted())
      return APIError(.notFound, "there is no job '\(job)'", hint: nearest.map { "did you mean '\($0)'?" })
    }
  }

  /// Of a job that never had a good version; with one, that would be in force.
  static func refusal(of job: JobName, for mistakes: [Diagnostic]) -> APIError {
    let shown = mistakes.prefix(5).map(\.rendered)
    let more = mistakes.count > 5 ? ["and \(mistakes.count - 5) more"] : []
    return APIError(
      .conflict,
      (["the manifest of '\(job)' has mistakes, and there is no earlier version of it without:"] + shown + more)
        .joined(separator: "\n"), hint: "'belfry validate' shows all of them; mend and push them, and it can be run")
  }

  private func dispatch(
    _ desired: DesiredJob, to agent: AgentState, request: String, params: [String: ParameterValue],
    person: String?, at now: Timestamp
  ) async -> (AgentState, RunID, String?) {
    let occurrence = Occurrence(job: desired.job.name, nominal: now, cause: .person(request: request))
    let run = occurrence.run(on: agent.id)
    guard let nonce = await reconciler.fleet.session(of: agent.id)?.nonce else {
      return (agent, run, "\(agent.name) is not connected")
    }
    let order = Dispatch(
      agent: agent.id, epoch: reconciler.terms.epoch, nonce: nonce, job: desired.job.name, bundle: desired.bundle,
      request: request, nominal: now, startBy: now + .seconds(60), params: params,
      person: person)
    do {
      let reply = try await reconciler.fleet.dispatch(order, key: reconciler.key, patience: .seconds(10))
      return (agent, run, reply.refusal.isEmpty ? nil : AgentWords.safe(reply.refusal, bytes: 500))
    } catch {
      return (agent, run, "\(error)")
    }
  }

  private func parameters(_ given: [String: String], of job: Job) throws(APIError) -> [String: ParameterValue] {
    var params: [String: ParameterValue] = [:]
    for (name, text) in given.sorted(by: { $0.key < $1.key }) {
      guard let declared = job.run.params[name] else {
        let nearest = Suggestion.nearest(to: name, among: job.run.params.keys.sorted())
        let hint = nearest.map { "did you mean '\($0)'?" } ?? "declare it under run.params in the manifest"
        throw APIError(.badRequest, "'\(job.name)' has no parameter '\(name.prefix(60))'", hint: hint)
      }
      guard let value = declared.reading(text) else {
        throw APIError(.badRequest, "parameter '\(name)' must be \(declared.kind), not '\(text.prefix(60))'")
      }
      params[name] = value
    }
    if let problem = job.run.problem(with: params) { throw APIError(.badRequest, problem) }
    return params
  }

  /// The connected agents that hold the job's present version and are meant.
  private func targets(
    _ request: RunRequest, _ desired: DesiredJob, _ snapshot: PlanSnapshot
  ) throws(APIError) -> [AgentState] {
    let holders = snapshot.agents.filter { $0.held[request.job]?.bundle == desired.bundle }
    for name in request.agents where !holders.contains(where: { $0.name == name }) {
      let known = holders.map(\.name.text).sorted().prefix(10).joined(separator: ", ")
      throw APIError(
        .notFound, "agent '\(name)' does not hold '\(request.job)'",
        hint: known.isEmpty ? "no agent holds its present version" : "held by: \(known)")
    }
    let meant = holders.filter { $0.connected && (request.agents.isEmpty || request.agents.contains($0.name)) }
    guard !meant.isEmpty else {
      throw APIError(
        .conflict, "no connected agent holds '\(request.job)' in its present version",
        hint: "'belfry status' shows the agents and the job's targets")
    }
    return meant
  }

  func run(_ id: RunID) async throws(APIError) -> JSONValue {
    if let known = await keeper.recent[id] {
      return .members([
        "run": .string(id.text), "state": .string(known.receipt.outcome.description),
        "agent": .string(known.receipt.agentName.text), "receipt": known.receipt.json,
        "commit": known.commit.map { .string($0.text) },
      ])
    }
    for member in await reconciler.fleet.members {
      guard let running = member.report?.running.first(where: { $0.run == id }) else { continue }
      return .members([
        "run": .string(id.text), "state": .string(RunState.running.rawValue), "agent": .string(member.agent.name.text),
        "job": .string(running.job.text), "started": .timestamp(running.started),
        "attempt": .integer(Int64(running.attempt)),
      ])
    }
    throw APIError(
      .notFound, "run \(id) is not known here",
      hint: "it may not have been reported yet; older runs are on the results branch: 'belfry history'")
  }

  // MARK: - Logs

  func follow(
    _ words: String, from position: LogPosition
  ) async throws(APIError) -> AsyncThrowingStream<FollowEvent, any Error> {
    try await logs.follow(words, from: position)
  }
}
