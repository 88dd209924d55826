/// A repository of jobs as a company of many teams could have it. The same numbers always give the same bytes.
struct SourceContent {
  var manifests: Int
  var scripts: Int

  struct File {
    var path: String
    var isExecutable = false
    var text: String
  }

  /// Sorted as they come; `belfry.yaml` first.
  var files: [File] {
    var files = [File(path: "belfry.yaml", text: Self.root)]
    files += (0..<Self.teams).map { team in
      let text = "owner: team-\(team)@example.com\nlabels: {team: t\(team)}\n"
      return File(path: "\(folder(ofTeam: team))/defaults.yaml", text: text)
    }
    files += (0..<manifests).map { File(path: path(ofManifest: $0), text: manifest($0, revision: 0)) }
    files += (0..<scripts).map { File(path: path(ofScript: $0), isExecutable: true, text: script($0)) }
    return files
  }

  private static let teams = 50
  static let roles = ["db", "web", "cache", "queue", "build"]
  static let regions = ["eu-1", "eu-2", "us-1", "ap-1"]

  private static let root = """
    belfry: 1
    jobs: [jobs/**/*.yaml]
    defaults:
      run: {timeout: 5m, env: {COMPANY: lantern}}

    """

  private func folder(ofTeam team: Int) -> String { "jobs/team-\(team)" }
  func path(ofManifest index: Int) -> String { "\(folder(ofTeam: index % Self.teams))/job-\(index).yaml" }
  private func path(ofScript index: Int) -> String { "scripts/team-\(index % Self.teams)/task-\(index).sh" }

  /// `revision` makes another text, and another bundle.
  func manifest(_ index: Int, revision: Int) -> String {
    let team = index % Self.teams
    let script = path(ofScript: (index / Self.teams * Self.teams + team) % scripts)
    let program =
      index % 10 == 9
      ? "command: [/usr/bin/find, /var/tmp, -mtime, \"+\(index % 28)\"]"
      : "script: \(script)\n  args: [--part, \"\(index)\"]"
    return """
      # Asked for by team \(team) in ticket \(4_000 + index); ask there before changing the time.
      job: team-\(team)/job-\(index)
      description: Looks after part \(index) of what team \(team) runs
      labels: {tier: \(["gold", "silver", "bronze"][index % 3])}
      triggers:
      \(trigger(index))
      \(target(index))
      run:
        \(program)
        params: {database: orders-\(index % 100), keep: \(7 + index % 7)}
        env: {PGHOST: db-\(index % 20).internal, REVISION: "\(revision)"}
        timeout: \(1 + index % 50)m   # was 1h
      retry: {attempts: \(1 + index % 3), backoff: 10s, on: [failed, timedOut]}

      """
  }

  private func trigger(_ index: Int) -> String {
    switch index % 4 {
    case 0: "  - every: \(1 + index % 59)m"
    case 1: "  - cron: \"*/\(1 + index % 30) * * * *\""
    default:
      "  - cron: \"\(index % 60) \(index % 24) * * \(["*", "MON-FRI", "SUN"][index % 3])\"\n"
        + "    timezone: \(["Europe/Berlin", "America/New_York", "Asia/Tokyo"][index % 3])"
    }
  }

  private func target(_ index: Int) -> String {
    let role = Self.roles[index % Self.roles.count]
    let region = Self.regions[index / 7 % Self.regions.count]
    return "targets:\n  match: {role: \(role)" + (index % 2 == 0 ? ", region: [\(region)]}" : "}")
  }

  private func script(_ index: Int) -> String {
    var text = "#!/bin/sh\n# Task \(index).\nset -eu\n"
    for step in 0..<20 { text += "echo \"task \(index): step \(step) of 20 at $(date +%T)\"\n" }
    return text
  }
}
