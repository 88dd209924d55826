import Model

extension RunCopy {
  /// In what a repetition by hand is another thing than the run was: a line each, for people.
  public var differences: [String] {
    let program = attempt.program
    var lines = [
      "no timeout (the run had \(program.timeout.manifestText)), no cgroup, no shim: what it leaves behind goes on",
      "all of its output is shown, with nothing cut out and no secret covered",
    ]
    if program.isolation != .none {
      lines.append(
        "isolate: \(program.isolation.rawValue) is not repeated: it sees and can change the host as any program can")
    }
    lines += limitDifferences(program.limits)
    if !program.secretNames.isEmpty {
      lines.append(
        "secrets are not here: 'secrets/' and variables say \(Self.redacted); put the values there to have them")
    }
    if let user = program.user { lines.append("it runs as \(user) only when you are root, and else as you") }
    if program.workFolder == .keep { lines.append(keptDifference) }
    do throws(ExecutionError) { _ = try executors.path(for: program.program) } catch {
      lines.append("its executor is looked for on the PATH of 'environment', because \(error)")
    }
    return lines
  }

  private func limitDifferences(_ limits: RunSpec.Limits) -> [String] {
    var lines: [String] = []
    let grouped = [
      limits.memory.map { _ in "memory" }, limits.cpusThousandths.map { _ in "cpus" },
      limits.processes.map { _ in "processes" },
    ].compactMap { $0 }
    if !grouped.isEmpty {
      lines.append(
        "limits (\(grouped.joined(separator: ", "))) hold by a scope of systemd, for root where systemd runs, and else not at all"
      )
    }
    if limits.disk != nil {
      lines.append("limits.disk bounds each file, that for its output too, and its folders are not measured")
    }
    return lines
  }

  private var keptDifference: String {
    let begins = "workdir: keep: work/ begins empty"
    guard let keptFolders else { return begins }
    let folder = KeptFolders.workFolder(of: attempt.occurrence.job, in: keptFolders)
    return begins + "; for what the job's folder holds by now: cp -a \(Self.quoted(folder, folder: ""))/. work/"
  }
}
