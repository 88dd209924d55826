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
      Field("starts", "an instant", "is not due before"),
      Field("expires", "an instant", "is not due from then on"),
      Field("missed", "latest, skip, all or {all: N}", "what becomes of instants missed while down; default latest"),
      Field("startBy", "a duration from 1s to 7d", "how late a run may still start; default however late"),
      Field(
        "overlap", "skip, allow, queue, replace or {queue: N}",
        "when the last run on the same agent is still going; default skip"),
      Field("targets", "match and agents", "which agents hold it; default all"),
      Field("run", "script, command, http or plugin", "what is executed", isRequired: true),
      Field("retry", "attempts, backoff, factor, max, on", "repeats failed attempts; default 1 attempt"),
      Field("blackout", "a list of calendars of belfry.yaml", "while one is in force it does not fire by itself"),
      .later("rollout", "a mapping", "runs on some agents at a time"),
      Field("outputs", "a list of names", "the values that a run gives back through BELFRY_OUTPUT"),
      Field("artifacts", "a list of patterns", "files below the working folder that are sent back"),
      .later("keep", "a mapping", "how long logs are kept"),
      .later("notify", "a list", "whom to tell"),
    ])

  public static let suspend = table(
    "suspend",
    [
      Field("reason", "a text", "for people"),
      Field("until", "an instant", "when it ends by itself"),
    ])

  /// `missed` with a number.
  public static let missed = table(
    "missed", [Field("all", "a whole number from 1 to 10000", "at most so many, the latest, are made up for")])

  /// `overlap` with a number.
  public static let overlap = table(
    "overlap", [Field("queue", "a whole number from 1 to 100", "at most so many wait for their turn")])

  public static let cron = table(
    "a cron trigger",
    [
      Field(
        "cron", "5 to 7 fields, or a nickname", "fires when wall time matches", isRequired: true),
      Field("timezone", "a name such as Europe/Berlin", "whose wall time; default UTC"),
      Field("dst", "gap and repeat", "what happens when the zone's clock changes"),
      Field("jitter", "a duration from 1s to 1d", "each agent starts later by a share of it"),
    ] + triggersLater)

  public static let dst = table(
    "dst",
    [
      Field("gap", "after or skip", "of times that the clock leaves out; default after"),
      Field("repeat", "first, second or both", "of times that the clock shows twice; default first"),
    ])

  public static let every = table(
    "an every trigger",
    [
      Field(
        "every", "a duration of at least 1s", "fires on its multiples since 1970-01-01T00:00:00Z, or since from",
        isRequired: true),
      Field("from", "an instant", "counts from there, and does not fire before"),
      Field("jitter", "a duration from 1s to 1d", "each agent starts later by a share of it; less than the interval"),
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
      Field("dst", "gap and repeat", "with cron"),
      Field("every", "a duration", "see above"),
      Field("from", "an instant", "with every"),
      Field("jitter", "a duration", "with cron and every"),
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
      Field("http", "method, url, headers, body, expect, timeout, follow and tls", "an HTTP request"),
      Field("plugin", "name and with", "an executor on the agent"),
      Field("secrets", "variables with secrets' names, or a list of names", "secrets that the agent holds"),
      Field("user", "a user's name", "whom it runs as; default the agent's own user"),
      Field("stdin", "a text", "its standard input; default empty"),
      Field("kill", "signal and grace", "how it is stopped when its time is up; default TERM, and KILL after 10s"),
      Field("limits", "memory, cpus, processes, disk, files, nice, output", "what it may take of the host"),
      Field("isolate", "none, files or full", "how far it is kept apart from its host; default none"),
      Field("write", "a list of absolute paths", "what it may write to although it is isolated"),
      Field("workdir", "fresh or keep", "an empty folder for each attempt, or one that is kept; default fresh"),
    ])

  /// No `table`: `with` is the plug-in's own, and what its keys are called says nothing about ours.
  public static let plugIn = FieldTable(
    "plugin",
    [
      Field("name", "a name such as sql", "which executor: belfry-executor-NAME", isRequired: true),
      Field("with", "a mapping", "what it is told"),
    ])

  public static let http = FieldTable(
    "http",
    [
      Field("method", "GET, HEAD, POST, PUT, PATCH, DELETE or OPTIONS", "default GET"),
      Field("url", "a URL, with ${param.NAME} behind its host", "whom it asks", isRequired: true),
      Field("headers", "a mapping", "with ${param.NAME} and ${secret.NAME}"),
      Field("body", "a text", "with ${param.NAME} and ${secret.NAME}"),
      Field("expect", "status and body", "which answers are good; default a status of 200-299"),
      Field("timeout", "a duration from 1s to 1h", "of each request; default 30s"),
      Field("follow", "a whole number from 0 to 10", "how many redirects are followed; default 0"),
      Field("tls", "ca or insecure", "whom to believe in place of the host's authorities"),
    ],
    foreign: [
      "data": "body", "json": "body", "payload": "body", "uri": "url", "header": "headers", "verb": "method",
      "redirects": "follow", "maxRedirects": "follow", "status": "expect", "followRedirects": "follow",
    ])

  public static let httpExpect = FieldTable(
    "expect",
    [
      Field("status", "a list such as [200-299, 404]", "good statuses"),
      Field("body", "a regular expression", "has to match somewhere in the answer"),
    ], foreign: ["statusCode": "status", "code": "status", "match": "body", "contains": "body"])

  public static let httpTLS = FieldTable(
    "tls",
    [
      Field("ca", "a path of the repository, or an absolute one", "certificates to trust in place of the host's"),
      Field("insecure", "true or false", "believes whoever answers; default false"),
    ], foreign: ["verify": "insecure", "skipVerify": "insecure", "insecureSkipVerify": "insecure", "cacert": "ca"])

  public static let kill = table(
    "kill",
    [
      Field("signal", "TERM, INT, HUP, QUIT, USR1 or USR2", "asks it to end; default TERM"),
      Field("grace", "a duration up to 10m", "until it is killed; default 10s"),
    ])

  public static let limits = table(
    "limits",
    [
      Field("files", "a whole number from 16 to 1048576", "open files of each process"),
      Field("nice", "a whole number from -20 to 19", "gives way to others the more the higher it is"),
      Field("memory", "a size such as 512M, from 4M", "of all its processes together"),
      Field("cpus", "a number from 0.01 to 1024", "processors that all its processes together may use"),
      Field("processes", "a whole number from 1 to 4194304", "processes and threads that it may have at a time"),
      Field("disk", "a size such as 1G, from 64K", "of its working folder, and of each file that it writes"),
      Field("output", "a size from 64K to 1G", "what the agent keeps of each attempt's output; default 1M"),
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
      Field("calendars", "a mapping of names to calendars", "that jobs name in blackout"),
    ])

  /// One of `calendars` of `belfry.yaml`.
  public static let calendar = FieldTable(
    "a calendar",
    [
      Field("timezone", "a name such as Europe/Berlin", "whose days and times of day are meant; default UTC"),
      Field("dates", "a list of dates and of FIRST..LAST", "whole days, both included"),
      Field("weekly", "a list of days, from and to", "on weekdays, all day or between two times of day"),
      Field("cron", "a list of cron and for", "from each instant of an expression on, for so long"),
      Field("spans", "a list of from and to", "from one instant to another"),
      Field("ics", "a path or a list of paths in the repository", "the events of iCalendar files"),
    ],
    elsewhere: [
      "days": "an element of 'weekly'", "for": "an element of 'cron'", "from": "an element of 'weekly' or 'spans'",
      "to": "an element of 'weekly' or 'spans'",
    ])

  public static let calendarWeekly = FieldTable(
    "a weekly window",
    [
      Field("days", "a list such as [sat, sun] or [mon-fri]", "on which it begins", isRequired: true),
      Field("from", "a time of day such as \"22:00\"", "included; default 00:00"),
      Field(
        "to", "a time of day such as \"06:00\"", "not included; earlier than from is on the next day; default 24:00"),
    ], elsewhere: ["timezone": "the calendar itself"])

  public static let calendarCron = FieldTable(
    "a cron window",
    [
      Field("cron", "an expression, as in triggers but without H", "when it begins", isRequired: true),
      Field("for", "a duration from 1s to 366d", "how long it lasts", isRequired: true),
    ], elsewhere: ["timezone": "the calendar itself"])

  public static let calendarSpan = FieldTable(
    "a span",
    [
      Field("from", "an instant such as 2026-12-24T12:00:00+01:00", "included", isRequired: true),
      Field("to", "an instant", "not included", isRequired: true),
    ])

  /// Every table, in the order of the documentation.
  public static let all = [
    root, calendar, calendarWeekly, calendarCron, calendarSpan, job, suspend, cron, dst, every, at, otherTrigger,
    missed, overlap, targets, run, plugIn, http, httpExpect, httpTLS, kill, limits, retry,
  ]

  /// Every field with its path, such as `run.timeout`: what is read, and (`isSupported` is false) what is refused as not
  /// supported yet. Those of `belfry.yaml` begin with its name.
  public static func list() -> [(path: String, field: Field)] {
    var list: [(path: String, field: Field)] = []
    var known: Set<String> = []
    for (prefix, table) in [
      ("belfry.yaml: ", root), ("belfry.yaml: calendars.", calendar),
      ("belfry.yaml: calendars.weekly.", calendarWeekly), ("belfry.yaml: calendars.cron.", calendarCron),
      ("belfry.yaml: calendars.spans.", calendarSpan), ("", job), ("suspend.", suspend), ("triggers.", cron),
      ("triggers.", every), ("triggers.", at), ("triggers.", otherTrigger), ("triggers.dst.", dst), ("missed.", missed),
      ("overlap.", overlap), ("targets.", targets), ("run.", run), ("run.plugin.", plugIn), ("run.http.", http),
      ("run.http.expect.", httpExpect),
      ("run.http.tls.", httpTLS), ("run.kill.", kill), ("run.limits.", limits),
      ("retry.", retry),
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
    if title.hasSuffix("trigger") {
      for (key, home) in ["timezone": "a cron trigger", "dst": "a cron trigger", "from": "an every trigger"]
      where !names.contains(key) {
        elsewhere[key] = home
      }
    }
    return FieldTable(title, fields, elsewhere: elsewhere, foreign: foreign)
  }

  /// Where keys belong that people tend to put elsewhere.
  private static let homes: [String: String] = {
    let run = [
      "script", "command", "http", "plugin", "interpreter", "args", "files", "params", "env", "timeout", "success",
      "user", "stdin",
      "secrets", "kill",
      "limits", "workdir", "isolate", "write",
    ]
    var homes = Dictionary(uniqueKeysWithValues: run.map { ($0, "run") })
    for key in ["cron", "every", "at", "timezone", "dst", "jitter", "from"] { homes[key] = "triggers" }
    for key in ["gap", "repeat"] { homes[key] = "dst of a cron trigger" }
    for key in ["match", "agents"] { homes[key] = "targets" }
    for key in ["attempts", "backoff"] { homes[key] = "retry" }
    for key in ["signal", "grace"] { homes[key] = "kill of run" }
    for key in ["nice", "memory", "cpus", "processes", "disk"] { homes[key] = "limits of run" }
    for key in [
      "owner", "labels", "suspend", "triggers", "starts", "expires", "missed", "startBy", "overlap", "targets", "retry",
      "outputs", "artifacts",
    ] {
      homes[key] = "the job itself"
    }
    return homes
  }()

  /// Keys of Kubernetes, APScheduler, Quartz, Airflow, systemd and others, and ours for the same.
  private static let foreign: [String: String] = {
    let words = [
      "overlap": [
        "concurrency", "concurrencyPolicy", "maxInstances", "max_active_runs", "max_instances", "overlapPolicy",
      ],
      "missed": ["Persistent", "backfill", "catchUp", "catch_up", "catchup", "coalesce", "misfire", "misfirePolicy"],
      "startBy": ["catchupWindow", "deadline", "misfire_grace_time", "startingDeadlineSeconds"],
      "starts": ["startAt", "startDate", "startTime", "start_date"],
      "expires": ["endAt", "endDate", "endTime", "end_date", "until"],
      "jitter": ["RandomizedDelaySec", "randomDelay", "random_delay", "splay"],
      "dst": ["daylightSaving", "dstPolicy"],
      "timezone": ["CRON_TZ", "TZ", "tz"],
      "triggers": ["schedule", "schedules"],
      "suspend": ["disabled", "enabled", "is_paused", "paused"],
      "timeout": ["activeDeadlineSeconds", "execution_timeout"],
      "attempts": ["backoffLimit", "retries"],
      "user": ["User", "runAs", "runAsUser", "run_as", "run_as_user"],
      "nice": ["Nice"],
      "isolate": ["ProtectSystem", "isolation", "sandbox"],
      "write": ["ReadWritePaths", "writable"],
      "memory": ["MemoryMax", "mem", "mem_limit", "memory_limit"],
      "cpus": ["CPUQuota", "cpu", "cpu_limit"],
      "processes": ["TasksMax", "LimitNPROC", "nproc", "pids", "pids_limit"],
      "disk": ["LimitFSIZE", "fsize"],
      "files": ["LimitNOFILE", "nofile"],
      "grace": ["TimeoutStopSec", "kill_timeout", "terminationGracePeriodSeconds"],
      "signal": ["KillSignal", "kill_signal"],
      "workdir": ["WorkingDirectory", "cwd", "workingDir", "working_dir"],
    ]
    return Dictionary(
      words.flatMap { ours, theirs in theirs.map { ($0, ours) } }, uniquingKeysWith: { first, _ in first })
  }()
}
