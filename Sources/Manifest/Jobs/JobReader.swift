import Model
import ZoneInfo

/// A job as its document and its defaults say, before anything else of the commit is looked at.
struct DraftJob: Sendable {
  /// Nil when something that the job needs is missing or wrong.
  var job: Job?
  /// Known for many a bad job too, so that their mistakes are reported together with the others.
  var needs: FileNeeds
}

/// What a job wants from the rest of the commit.
struct FileNeeds: Sendable {
  var script: (path: String, place: SourcePlace)?
  /// The job names one, so that the script's `#!` line and run bit do not matter.
  var hasInterpreter = false
  /// The patterns of `files`.
  var patterns: [(glob: Glob, place: SourcePlace)] = []
  /// The calendars of `blackout`.
  var blackout: [CalendarClaim] = []
}

/// Reads the mapping of one job. Every mistake goes to the sink; the job is only good when there is no error.
struct JobReader {
  let sink: DiagnosticSink
  let zones: ZoneDatabase
  /// Reading `defaults`: `job` is out of place.
  var isDefaults = false
  /// Nothing is missed: parts of the document were refused already, and complaints about gaps would mislead.
  var isPartial = false
  /// The file that the job's own document stands in, to tell its keys from those of defaults.
  var source: SourceText?

  func read(_ node: YAMLNode) -> DraftJob {
    guard var fields = FieldReader(node, JobFields.job, sink) else { return DraftJob(needs: FileNeeds()) }
    let name = name(&fields)
    let summary = fields.take("description")?.string(bytes: 1...10_000)
    let owner = fields.take("owner")?.string(bytes: 1...500)
    let labels = fields.take("labels").flatMap(labels) ?? [:]
    let suspension = fields.take("suspend").flatMap(suspension)
    let triggers = triggers(&fields)
    let times = times(&fields, of: name, triggers)
    let targets = fields.take("targets").map(targets) ?? Targets()
    let run = take("run", &fields).flatMap(run)
    let retry = fields.take("retry").map(retry) ?? RetryPolicy()
    let blackout = fields.take("blackout").map(blackout) ?? []
    let outputs = fields.take("outputs").flatMap(outputs) ?? []
    let artifacts = fields.take("artifacts").flatMap(artifacts) ?? []
    fields.finish()
    var needs = run?.needs ?? FileNeeds()
    needs.blackout = blackout
    guard let name, let triggers, let spec = run?.spec else { return DraftJob(needs: needs) }
    var job = Job(
      name: name, summary: summary, owner: owner, labels: labels, suspension: suspension, triggers: triggers,
      starts: times.starts, expires: times.expires, missed: times.missed, startBy: times.startBy,
      overlap: times.overlap, targets: targets, run: spec, retry: retry)
    job.outputs = outputs
    job.artifacts = artifacts
    if let problem = job.workFolderProblem {
      run?.workFolder?.fail(problem, suggestion: "write 'workdir: fresh', or another overlap such as queue")
    }
    return DraftJob(job: job, needs: needs)
  }

  /// A required key, where anything is required.
  func take(_ key: String, _ fields: inout FieldReader) -> ValueReader? {
    isDefaults || isPartial ? fields.take(key) : fields.require(key)
  }

  private func name(_ fields: inout FieldReader) -> JobName? {
    if isDefaults {
      fields.take("job").map { sink.error(at: $0.keyPlace, "'job' cannot be a default: it names one job") }
      return nil
    }
    guard let value = fields.take("job") else { return nil }  // reported by the loader, which looks at the first key
    guard let text = value.string(bytes: 1...1_000) else { return nil }
    do {
      return try JobName(text)
    } catch {
      value.fail(Legible.text(error.description), suggestion: Self.nameSuggestion(for: text))
      return nil
    }
  }

  /// The name in lower case and with `-` for what is not allowed, when that makes it a name.
  private static func nameSuggestion(for text: String) -> String? {
    let mended = text.lowercased().map { $0 == " " || $0 == "_" || $0 == ":" ? "-" : $0 }
    guard let name = try? JobName(String(mended)), name.text != text else { return nil }
    return "did you mean '\(name)'?"
  }

  private func outputs(_ value: ValueReader) -> [String]? {
    let names = value.list(count: 1...Job.outputLimit, of: "names") { name -> String? in
      guard let text = name.string(bytes: 1...1_000) else { return nil }
      if let problem = Job.problem(inOutput: text) { name.fail(problem) }
      return text
    }
    guard let names else { return nil }
    if let twice = names.first(where: { name in names.count { $0 == name } > 1 }) {
      value.fail("'outputs' names \(Legible.quoted(twice)) twice")
    }
    return names
  }

  private func artifacts(_ value: ValueReader) -> [String]? {
    value.list(count: 1...Job.artifactPatternLimit, of: "patterns") { pattern -> String? in
      guard let text = pattern.string(bytes: 1...4_096) else { return nil }
      guard !text.hasPrefix("/") else {
        pattern.fail(
          "an artifact is a file below the working folder",
          suggestion: "for a file elsewhere, let the run put it into $BELFRY_ARTIFACTS")
        return nil
      }
      do throws(GlobError) {
        return try Glob(text).text
      } catch {
        pattern.fail(error.message, suggestion: error.suggestion)
        return nil
      }
    }
  }

  private func labels(_ value: ValueReader) -> [String: String]? {
    guard let entries = value.entries(count: 0...64, of: "labels") else { return nil }
    var labels: [String: String] = [:]
    for entry in entries {
      checkLabelKey(entry)
      if let text = labelValue(entry) { labels[entry.name] = text }
    }
    return labels
  }

  func checkLabelKey(_ entry: ValueReader) {
    guard let problem = LabelRules.problem(inKey: entry.name) else { return }
    sink.error(at: entry.keyPlace, problem)
  }

  func labelValue(_ value: ValueReader) -> String? {
    guard let text = value.string(bytes: 1...1_000) else { return nil }
    if let problem = LabelRules.problem(inValue: text) {
      value.fail(problem)
      return nil
    }
    return text
  }

  private func suspension(_ value: ValueReader) -> Suspension? {
    if value.node.entries == nil, value.node.scalar != nil {
      return value.boolean() == true ? Suspension() : nil
    }
    guard var fields = value.fields(JobFields.suspend) else { return nil }
    let reason = fields.take("reason")?.string(bytes: 1...1_000)
    let until = fields.take("until")?.timestamp()
    fields.finish()
    if value.node.entries?.isEmpty == true {
      value.fail("'suspend' wants true, false, or a mapping with reason and until", suggestion: "write true")
    }
    return Suspension(reason: reason, until: until)
  }

  private func targets(_ value: ValueReader) -> Targets {
    guard var fields = value.fields(JobFields.targets) else { return Targets() }
    var targets = Targets()
    if let match = fields.take("match") { targets.match = self.match(match) }
    if let agents = fields.take("agents") {
      targets.agents = agents.list(count: 1...10_000, of: "agents' names", agentName)
    }
    fields.finish()
    return targets
  }

  private func match(_ value: ValueReader) -> [String: [String]] {
    // An empty match would mean every agent: too much to be said by nothing.
    guard let entries = value.entries(count: 1...64, of: "labels") else { return [:] }
    var match: [String: [String]] = [:]
    for entry in entries {
      checkLabelKey(entry)
      if entry.node.scalar != nil {
        match[entry.name] = labelValue(entry).map { [$0] }
      } else {
        match[entry.name] = entry.list(count: 1...1_000, of: "values", labelValue)
      }
    }
    return match
  }

  private func agentName(_ value: ValueReader) -> AgentName? {
    guard let text = value.string(bytes: 1...1_000) else { return nil }
    do {
      return try AgentName(text)
    } catch {
      let lower = text.lowercased()
      let isOnlyCase = lower != text && (try? AgentName(lower)) != nil
      value.fail(Legible.text(error.description), suggestion: isOnlyCase ? "did you mean '\(lower)'?" : nil)
      return nil
    }
  }
}
