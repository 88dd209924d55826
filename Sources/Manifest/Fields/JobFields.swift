/// The keys of a job's mappings. Readers, suggestions, documentation and the schema all take them from here.
public enum JobFields {
  public static let job = table(
    "a job",
    [
      Field("job", "a name such as orders/backup", "names the job; the document's first key", isRequired: true),
      Field("description", "a text", "what it is for"),
      Field("owner", "a text", "whom to ask"),
      Field("labels", "a mapping of labels", "for people and tools to find it by"),
      Field("suspend", "true, false, or reason and until", "does not fire by itself while this is in force"),
      Field("triggers", "a list of triggers", "what makes it due", isRequired: true),
      Field("overlap", "skip or allow", "when the last run on the same agent is still going; default skip"),
      Field("targets", "match and agents", "which agents hold it; default all"),
      Field("run", "script or command", "what is executed", isRequired: true),
      Field("retry", "attempts, backoff, factor, max, on", "repeats failed attempts; default 1 attempt"),
      .later("missed", "latest, all or skip", "what to do about instants missed while down"),
      .later("startBy", "a duration", "how late a run may still start"),
      .later("blackout", "a list of calendars", "during which it does not fire"),
      .later("starts", "an instant", "does not fire before"),
      .later("expires", "an instant", "does not fire after"),
      .later("rollout", "a mapping", "runs on some agents at a time"),
      .later("outputs", "a list of names", "declared output values"),
      .later("artifacts", "a list of patterns", "files sent back"),
      .later("keep", "a mapping", "how long logs are kept"),
      .later("notify", "a list", "whom to tell"),
    ])

  public static let suspend = table(
    "suspend",
    [
      Field("reason", "a text", "for people"),
      Field("until", "an instant", "when it ends by itself"),
    ])

  public static let cron = table(
    "a cron trigger",
    [
      Field(
        "cron", "5 fields, or 6 with seconds first, or a nickname", "fires when wall time matches", isRequired: true),
      Field("timezone", "a name such as Europe/Berlin", "whose wall time; default UTC"),
    ] + triggersLater)

  public static let every = table(
    "an every trigger",
    [
      Field(
        "every", "a duration of at least 1s", "fires on its multiples since 1970-01-01T00:00:00Z", isRequired: true),
      .later("from", "an instant", "counts from there"),
    ] + triggersLater)

  public static let at = table(
    "an at trigger",
    [Field("at", "an instant such as 2026-12-01T03:00:00+01:00", "fires once", isRequired: true)] + triggersLater)

  /// For a trigger of no kind that this version fires.
  public static let otherTrigger = table(
    "a trigger",
    [
      Field("cron", "an expression", "see above"),
      Field("timezone", "a name such as Europe/Berlin", "with cron"),
      Field("every", "a duration", "see above"),
      Field("at", "an instant", "see above"),
    ] + triggersLater)

  private static let triggersLater: [Field] = [
    .later("after", "a job's name", "fires when another job has ended"),
    .later("outcome", "success, failure or any", "with after"),
    .later("webhook", "a name", "fires on a signed HTTP request"),
    .later("secret", "a secret's name", "with webhook"),
    .later("change", "true", "fires for each new version of the job"),
    .later("params", "a mapping", "with after and webhook"),
    .later("when", "a CEL expression", "fires only if true"),
    .later("dst", "gap and repeat", "what happens when clocks change"),
    .later("jitter", "a duration", "spreads agents"),
  ]

  public static let targets = table(
    "targets",
    [
      Field("match", "a mapping of labels to a value or a list", "all labels must have any of their values"),
      Field("agents", "a list of agents' names", "only these"),
      .later("where", "a CEL expression", "when labels are not enough"),
      .later("pick", "all or a number", "how many of them hold it"),
      .later("spread", "a label", "with pick"),
      .later("failover", "a duration", "with pick"),
    ])

  public static let run = table(
    "run",
    [
      Field("script", "a path in the repository", "a file of the repository"),
      Field("command", "a list of words", "a program on the host, without a shell"),
      Field("interpreter", "a list of words", "in place of the script's #! line"),
      Field("args", "a list of words", "the script's arguments"),
      Field("files", "a list of patterns", "further files of the repository that travel with it"),
      Field("params", "a mapping", "typed parameters, which a person may override"),
      Field("env", "a mapping", "environment variables"),
      Field("timeout", "a duration from 1s to 7d", "of each attempt; default 1h"),
      Field("success", "a list of exit codes", "that mean success; default [0]"),
      .later("http", "a mapping", "an HTTP request"),
      .later("plugin", "a mapping", "an executor on the agent"),
      .later("secrets", "a mapping", "variables from secrets that the agent holds"),
      .later("user", "a user's name", "whom it runs as"),
      .later("workdir", "fresh or keep", "where it runs"),
      .later("stdin", "a text", "its standard input"),
      .later("kill", "signal and grace", "how it is stopped"),
      .later("limits", "a mapping", "memory, processor and the like"),
    ])

  public static let retry = table(
    "retry",
    [
      Field("attempts", "a whole number from 1 to 100", "in all, the first included; default 1"),
      Field("backoff", "a duration", "before the second attempt; default 10s"),
      Field("factor", "a number from 1 to 100", "each further pause is so many times longer; default 2"),
      Field("max", "a duration", "no pause is longer; default 5m"),
      Field("on", "a list of failed, timedOut, lost", "which ends are worth another; default failed and timedOut"),
    ])

  /// `belfry.yaml`.
  public static let root = FieldTable(
    "belfry.yaml",
    [
      Field("belfry", "1", "the version of the format", isRequired: true),
      Field("jobs", "a list of patterns", "which files hold jobs; default jobs/**/*.yaml"),
      Field("defaults", "any of a job's keys", "for every job"),
      .later("calendars", "a mapping", "for blackout"),
    ])

  /// Every table, in the order of the documentation.
  public static let all = [root, job, suspend, cron, every, at, otherTrigger, targets, run, retry]

  /// Every field with its path, such as `run.timeout`: what is read, and (`isSupported` is false) what is refused as not
  /// supported yet. Those of `belfry.yaml` begin with its name.
  public static func list() -> [(path: String, field: Field)] {
    var list: [(path: String, field: Field)] = []
    var known: Set<String> = []
    for (prefix, table) in [
      ("belfry.yaml: ", root), ("", job), ("suspend.", suspend), ("triggers.", cron), ("triggers.", every),
      ("triggers.", at), ("triggers.", otherTrigger), ("targets.", targets), ("run.", run), ("retry.", retry),
    ] {
      for field in table.fields where known.insert(prefix + field.name).inserted {
        list.append((prefix + field.name, field))
      }
    }
    return list
  }

  private static func table(_ title: String, _ fields: [Field]) -> FieldTable {
    let names = Set(fields.map(\.name))
    var elsewhere = homes.filter { !names.contains($0.key) }
    // Within a trigger, "in triggers" would say nothing.
    if title.hasSuffix("trigger") { elsewhere = elsewhere.filter { $0.value != "triggers" } }
    if title != "a cron trigger", title.hasSuffix("trigger") { elsewhere["timezone"] = "a cron trigger" }
    return FieldTable(title, fields, elsewhere: elsewhere)
  }

  /// Where keys belong that people tend to put elsewhere.
  private static let homes: [String: String] = {
    let run = ["script", "command", "interpreter", "args", "files", "params", "env", "timeout", "success"]
    var homes = Dictionary(uniqueKeysWithValues: run.map { ($0, "run") })
    for key in ["cron", "every", "at", "timezone"] { homes[key] = "triggers" }
    for key in ["match", "agents"] { homes[key] = "targets" }
    for key in ["attempts", "backoff"] { homes[key] = "retry" }
    for key in ["owner", "labels", "suspend", "triggers", "overlap", "targets", "retry"] {
      homes[key] = "the job itself"
    }
    return homes
  }()
}
