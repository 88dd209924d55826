import Glibc
import Model

/// A folder in which a person can repeat an attempt by hand: the bundle's files, the environment, and a script that does what
/// the shim does. Nothing in it is secret: values of secrets are left out.
public struct RunCopy: Sendable {
  public var attempt: AttemptSpec
  /// Variables that the run gets secrets in.
  public var secretVariables: [String]

  public init(_ attempt: AttemptSpec, secretVariables: [String] = []) {
    self.attempt = attempt
    self.secretVariables = secretVariables
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
    // By its name: where it lies is for this host to know, and it may not be here any more.
    let executor = Executors.name(for: run.program)
    let program = try PreparedProgram.prepare(
      run, files: attempt.files, from: store, in: folder, executor: executor)
    try Self.openUp(folder.bundle, attempt.files)
    // Where the job's user is not to be had, its own HOME is missing: better than no copy.
    let user = run.user.flatMap { try? HostUser.find($0) }
    var variables = try RunEnvironment.variables(
      of: attempt, host: attempt.host, user: user, folder: folder)
    if executor != nil { variables["BELFRY_ANSWER"] = folder.answerFile }
    try folder.write(Array(environment(variables, folder: folder.path).utf8), to: "environment")
    try folder.write(try ExecutorInput.bytes(of: attempt) ?? Array((run.input ?? "").utf8), to: "stdin")
    try folder.write(Array(script(program.program, program.arguments, folder: folder.path).utf8), to: "run.sh")
    guard chmod(folder.path + "/run.sh", 0o755) == 0 else {
      throw ExecutionError(errno: errno, "cannot make run.sh executable")
    }
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

  /// One `export` a line; paths below the folder by `$here`, so that it can be moved.
  private func environment(_ variables: [String: String], folder: String) -> String {
    var text = "# The run's variables, all of them. $here is this folder.\n"
    for (name, value) in variables.sorted(by: { $0.key < $1.key }) {
      text += "export \(name)=\(Self.quoted(value, folder: folder))\n"
    }
    for name in secretVariables.sorted() { text += "export \(name)='\(Self.redacted)'  # a secret\n" }
    return text
  }

  private func script(_ program: String, _ arguments: [String], folder: String) -> String {
    let words = ([program] + arguments.dropFirst()).map { Self.quoted($0, folder: folder) }.joined(separator: " ")
    var lines = [
      "#!/bin/sh",
      "# Repeats attempt \(attempt.number) of run \(attempt.run.text) of \(attempt.occurrence.job.text). See README.md.",
      "here=$(CDPATH= cd -- \"$(dirname -- \"$0\")\" && pwd) || exit",
      "# With nothing of the caller's environment, as the agent does it.",
      "[ \"${BELFRY_DEBUG:-}\" = clean ] || exec env -i BELFRY_DEBUG=clean /bin/sh \"$here/run.sh\"",
      "unset BELFRY_DEBUG",
      ". \"$here/environment\"",
      "umask 022",
    ]
    if let files = attempt.program.limits.files { lines.append("ulimit -n \(files)") }
    var prefix = "env -u PWD -u OLDPWD -u SHLVL -u _"
    if let nice = attempt.program.limits.nice { prefix = "nice -n \(nice) " + prefix }
    if let user = attempt.program.user {
      lines += [
        "if [ \"$(id -un)\" != \(Self.quoted(user, folder: "")) ]; then",
        "  chown -R \(Self.quoted(user, folder: "")) \"$here\"/bundle \"$here\"/work \"$here\"/tmp \"$here\"/artifacts \"$here\"/outputs "
          + "\"$here\"/event.json || exit",
        "  as='setpriv --reuid=\(user) --regid='$(id -g \(user))' --init-groups --no-new-privs --'",
        "fi",
      ]
      prefix = "${as:-} " + prefix
    }
    lines += [
      "cd \"$here/work\" || exit",
      "exec \(prefix) \(words) <\"$here/stdin\"",
    ]
    return lines.joined(separator: "\n") + "\n"
  }

  /// As one word of the shell.
  static func quoted(_ text: String, folder: String) -> String {
    func single(_ text: some StringProtocol) -> String {
      text.isEmpty
        ? "" : "'" + text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
    }
    guard !folder.isEmpty, text == folder || text.hasPrefix(folder + "/") else {
      return text.isEmpty ? "''" : single(text)
    }
    return "\"$here\"" + single(text.dropFirst(folder.count))
  }
}
