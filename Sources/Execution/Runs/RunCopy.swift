import Glibc
import Model

/// A folder in which a person can repeat an attempt by hand: the bundle's files, the environment, and a script that does what
/// the shim does, as far as a script can. Nothing in it is secret: values of secrets are left out.
public struct RunCopy: Sendable {
  public var attempt: AttemptSpec
  /// Where this agent finds what runs plug-ins and requests.
  public var executors: Executors
  /// Where the agent has the folders that jobs keep; nil where that is not known.
  public var keptFolders: String?

  public init(_ attempt: AttemptSpec, executors: Executors = Executors(), keptFolders: String? = nil) {
    self.attempt = attempt
    self.executors = executors
    self.keptFolders = keptFolders
  }

  /// What stands in place of a secret.
  public static let redacted = "REDACTED"

  /// Makes the folder, which must not exist. Throws `missing` or `corrupted` when the store has not the bundle's files.
  public func write(to path: String, from store: BundleStore) throws(ExecutionError) {
    let folder = try RunFolder.create(at: path)
    do throws(ExecutionError) {
      try fill(folder, from: store)
    } catch {
      try? folder.remove()
      throw error
    }
  }

  private func fill(_ folder: RunFolder, from store: BundleStore) throws(ExecutionError) {
    let run = attempt.program
    try folder.furnish(for: nil)
    try folder.writeEvent(EventFile.bytes(attempt), group: nil)
    let executor = executor
    let program = try PreparedProgram.prepare(
      run, files: attempt.files, from: store, in: folder, executor: executor)
    try Self.openUp(folder.bundle, attempt.files)
    // Where the job's user is not to be had, its own HOME is missing: better than no copy.
    let user = run.user.flatMap { try? HostUser.find($0) }
    var variables = try RunEnvironment.variables(
      of: attempt, host: attempt.host, user: user, folder: folder)
    if executor != nil {
      variables["BELFRY_ANSWER"] = folder.answerFile
      if executors.allowsLinkLocal { variables["BELFRY_HTTP_LINK_LOCAL"] = "allowed" }
    }
    if !run.secretNames.isEmpty { variables["BELFRY_SECRETS"] = try writeSecrets(in: folder) }
    try folder.write(Array(environment(variables, folder: folder.path).utf8), to: "environment")
    try folder.write(try ExecutorInput.bytes(of: attempt) ?? Array((run.input ?? "").utf8), to: "stdin")
    try folder.write(Array(script(program.program, program.arguments, folder: folder.path).utf8), to: "run.sh")
    guard chmod(folder.path + "/run.sh", 0o755) == 0 else {
      throw ExecutionError(errno: errno, "cannot make run.sh executable")
    }
  }

  /// What runs the program: where this agent finds it, else by its name, for whoever puts it on the PATH; nil for what runs by
  /// itself.
  private var executor: String? {
    let found = try? executors.path(for: attempt.program.program)
    return (found ?? nil) ?? Executors.name(for: attempt.program.program)
  }

  /// A file for each secret, as the run has them, that says where to put the value.
  private func writeSecrets(in folder: RunFolder) throws(ExecutionError) -> String {
    let descriptor = try folder.open()
    try descriptor.makeFolder("secrets", mode: 0o700)
    for name in attempt.program.secretNames {
      try folder.write(Array(Self.redacted.utf8), to: "secrets/\(name)")
    }
    return folder.path + "/secrets"
  }

  /// A copy to work with: its owner may change it.
  private static func openUp(_ bundle: String, _ files: [BundleFile]) throws(ExecutionError) {
    var paths = [bundle]
    for file in files {
      let segments = file.path.split(separator: "/")
      paths += segments.indices.map { "\(bundle)/\(segments[...$0].joined(separator: "/"))" }
    }
    for path in Set(paths).sorted() {
      var status = stat()
      guard lstat(path, &status) == 0, chmod(path, status.st_mode & 0o777 | 0o600 | (status.st_mode & 0o500)) == 0
      else {
        throw ExecutionError(errno: errno, "cannot open up \(path)")
      }
    }
  }

  /// One `export` a line; paths below the folder by `$BELFRY_HERE`, which no job can set, so that it can be moved.
  private func environment(_ variables: [String: String], folder: String) -> String {
    var text = "# The run's variables, all of them. $BELFRY_HERE is this folder.\n"
    for (name, value) in variables.sorted(by: { $0.key < $1.key }) {
      text += "export \(name)=\(Self.quoted(value, folder: folder, by: "BELFRY_HERE"))\n"
    }
    var secrets: [String] = []
    if case .variables(let wanted) = attempt.program.secrets { secrets = wanted.keys.sorted() }
    for name in secrets { text += "export \(name)='\(Self.redacted)'  # a secret\n" }
    return text
  }

  private func script(_ program: String, _ arguments: [String], folder: String) -> String {
    let words = ([program] + arguments.dropFirst()).map { Self.quoted($0, folder: folder) }.joined(separator: " ")
    let limits = attempt.program.limits
    var lines = [
      "#!/bin/sh",
      "# Repeats attempt \(attempt.number) of run \(attempt.run.text) of \(attempt.occurrence.job.text). See README.md.",
      "#", "# It differs from the real run:",
    ]
    lines += differences.map { "# - \(Self.oneLine($0))" }
    lines += [
      "",
      "here=$(CDPATH= cd -- \"$(dirname -- \"$0\")\" && pwd) || exit",
      "# With nothing of the caller's environment, as the agent does it.",
      "[ \"${BELFRY_DEBUG:-}\" = clean ] || exec env -i BELFRY_DEBUG=clean /bin/sh \"$here/run.sh\"",
      "unset BELFRY_DEBUG",
      "# What is done with the rights of whoever runs this is done without the job's variables.",
      "PATH=/usr/sbin:/usr/bin:/sbin:/bin BELFRY_HERE=$here",
      "export PATH BELFRY_HERE",
      "umask 022",
    ]
    // Outermost first: what takes root's rights stands before they are given up.
    var prefix: [String] = []
    if attempt.program.isolation != .none {
      lines.append("echo 'run.sh: not isolated: what the job changes on this host, it changes' >&2")
    }
    if let scope = Self.scope(limits) {
      lines += [
        "scope=",
        "if [ \"$(id -u)\" = 0 ] && [ -d /run/systemd/system ] && command -v systemd-run >/dev/null; then",
        "  scope='systemd-run --scope --quiet \(scope)'",
        "else",
        "  echo 'run.sh: without systemd, or without root, there is no bound on memory, processors and processes' >&2",
        "fi",
      ]
      prefix.append("$scope")
    }
    if let nice = limits.nice { prefix.append("nice -n \(nice)") }
    if let files = limits.files { lines.append("ulimit -n \(files)") }
    if let disk = limits.disk {
      lines += [
        "length=",
        "if command -v prlimit >/dev/null; then length='prlimit --fsize=\(disk):\(disk)'; fi",
      ]
      prefix.append("$length")
    }
    if let user = attempt.program.user {
      lines += [
        "as=",
        "if [ \"$(id -un)\" != \(Self.quoted(user, folder: "")) ]; then",
        "  for part in environment bundle work tmp artifacts outputs answer secrets event.json; do",
        "    [ ! -e \"$here/$part\" ] || chown -R \(Self.quoted(user, folder: "")) \"$here/$part\" || exit",
        "  done",
        "  as='setpriv --reuid=\(user) --regid='$(id -g \(user))' --init-groups --no-new-privs --'",
        "fi",
      ]
      prefix.append("$as")
    }
    let inner = #". "$BELFRY_HERE/environment"; unset BELFRY_HERE PWD OLDPWD SHLVL INVOCATION_ID; exec "$@""#
    prefix.append("/bin/sh -c '\(inner)' sh")
    lines += [
      "cd \"$here/work\" || exit",
      "exec \(prefix.joined(separator: " ")) \(words) <\"$here/stdin\"",
    ]
    return lines.joined(separator: "\n") + "\n"
  }

  /// For a comment: a line break must not end it and begin a command.
  private static func oneLine(_ text: String) -> String {
    String(String.UnicodeScalarView(text.unicodeScalars.map { $0 == "\r" || $0 == "\n" ? " " : $0 }))
  }

  /// The properties of systemd.resource-control(5) that hold what the run's cgroup would; nil when there is nothing to hold.
  private static func scope(_ limits: RunSpec.Limits) -> String? {
    var words: [String] = []
    if let memory = limits.memory { words.append("-p MemoryMax=\(memory) -p MemorySwapMax=0") }
    if let cpus = limits.cpusThousandths { words.append("-p CPUQuota=\(max(1, cpus / 10))%") }
    if let processes = limits.processes { words.append("-p TasksMax=\(processes)") }
    return words.isEmpty ? nil : words.joined(separator: " ")
  }

  /// As one word of the shell, in which `variable` stands for the folder.
  static func quoted(_ text: String, folder: String, by variable: String = "here") -> String {
    guard !folder.isEmpty, text == folder || text.hasPrefix(folder + "/") else { return ShellWord.quoted(text) }
    return "\"$\(variable)\"" + ShellWord.quoted(text.dropFirst(folder.count))
  }
}
