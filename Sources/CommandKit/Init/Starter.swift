/// The repository that `belfry init` makes.
enum Starter {
  struct File: Hashable {
    let path: String
    let text: String
    var isExecutable = false
  }

  static let files = [
    File(path: "belfry.yaml", text: root),
    File(path: "jobs/hello.yaml", text: hello),
    File(path: "jobs/disk-report.yaml", text: diskReport),
    File(path: "scripts/hello.sh", text: script, isExecutable: true),
    File(path: "README.md", text: readme),
  ]

  /// What to do next; `path` is as the user wrote it.
  static func nextSteps(_ path: String, isCommitted: Bool) -> String {
    let enter = path == "." ? "" : "  cd \(path)\n"
    let commit = isCommitted ? "" : "  git add -A && git commit -m 'Start a schedule'\n"
    return """

      Next:
      \(enter)\(commit)  belfry validate                  # every mistake, with line and column
        belfry next                      # when the jobs are due
        belfry dev . --for 30s           # a controller and an agent in one process, with throw-away keys
        git log belfry/results           # what ran

      """
  }

  private static let root = """
    # Belfry reads this file first.
    belfry: 1                    # version of the manifest format
    jobs: [jobs/**/*.yaml]       # which files hold jobs

    # Holds for every job that does not say otherwise. A defaults.yaml in a folder below jobs/ comes nearer and wins.
    defaults:
      owner: ops@example.com
      run:
        timeout: 5m              # an attempt that takes longer is stopped

    """

  private static let hello = """
    job: hello
    description: A first job, so that there is something to see
    triggers:
      - every: 10s
    run:
      script: scripts/hello.sh   # a file of this repository; its #! line says the interpreter
      params:
        greeting: hello          # the script sees it as BELFRY_PARAM_GREETING

    """

  private static let diskReport = """
    job: disk-report
    description: How full the disks are, every morning
    triggers:
      - cron: "30 6 * * *"       # minute, hour, day of month, month, day of week
        # timezone: Europe/Berlin   (default: UTC)
        # dst: {gap: skip}          (default: after the gap; when the clock leaves 06:30 out)
        # jitter: 5m                (spreads the agents over five minutes)
    # missed: latest             # what an agent missed while it was down: latest, all or skip
    # startBy: 2h                # too late to start; default: never
    # overlap: skip              # while the last run is still going: skip, queue, replace or allow
    # targets:
    #   match: {role: db}        # only agents with this label; without targets the job runs on every agent
    run:
      command: [df, -h]          # a program of the host, without a shell
      timeout: 30s
    retry: {attempts: 2, backoff: 10s}

    """

  private static let script = """
    #!/bin/sh
    # Runs with a clean environment; what it prints becomes the run's log.
    set -eu

    echo "${BELFRY_PARAM_GREETING:-hello} from ${BELFRY_AGENT:-nobody}, run ${BELFRY_RUN_ID:-by hand}"

    """

  private static let readme = """
    # Our schedule

    What runs, when and where, kept by Belfry. To change it, commit. To see what ran, read the branch `belfry/results`.
    To roll back, revert.

    | where | what |
    | --- | --- |
    | `belfry.yaml` | which files hold jobs, and what holds for all of them |
    | `jobs/` | one YAML document for each job |
    | `scripts/` | what the jobs run; scripts need a `#!` line and the run bit (`chmod +x`) |

    ```sh
    belfry validate              # before you commit
    belfry plan                  # what your changes would do
    belfry next                  # when jobs are due
    belfry history               # what ran, after `git fetch`
    belfry rollback hello        # reverts the last commit that changed the job
    ```

    """
}
