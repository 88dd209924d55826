import Glibc
import Model

/// What every run sees of its host, whatever the agent's own environment is.
public struct HostEnvironment: Hashable, Sendable {
  public var path: String
  /// Of the user that jobs run as.
  public var home: String
  public var language: String
  public var timezone: String

  public init(
    path: String = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", home: String = "/",
    language: String = "C.UTF-8", timezone: String = "UTC"
  ) {
    self.path = path
    self.home = home
    self.language = language
    self.timezone = timezone
  }
}

extension HostEnvironment {
  /// With the home of the agent's own user, as cron(8) has it for a job that names nobody.
  public static let own = HostEnvironment(agentUser: geteuid())

  /// What runs see of an agent that runs as `user`. The home is that of /etc/passwd and of no other source: a directory
  /// service may hang, and nobody waits for one for a job that names no user.
  public init(agentUser user: UInt32) {
    let bytes = try? Descriptor(open: "/etc/passwd", O_RDONLY).readWhole(limit: 1 << 20, name: "/etc/passwd")
    self.init(home: Self.home(of: user, in: String(decoding: bytes ?? [], as: UTF8.self)) ?? "/")
  }

  /// The sixth field of the first line of passwd(5) with the number; nil when there is none, or no absolute path in it.
  static func home(of user: UInt32, in passwd: String) -> String? {
    for line in passwd.split(separator: "\n") {
      let fields = line.split(separator: ":", omittingEmptySubsequences: false)
      guard fields.count == 7, fields[2] == String(user) else { continue }
      return fields[5].hasPrefix("/") ? String(fields[5]) : nil
    }
    return nil
  }
}

/// The environment of a run: pure, and complete. Nothing else reaches the job, least of all from the agent.
public enum RunEnvironment {
  /// Throws `refused` for a variable or parameter that a manifest could not have set.
  ///
  /// The job's own variables may replace PATH, HOME, LANG, TZ, TMPDIR and those of its user, and nothing of Belfry's. `user` is
  /// whom it runs as, where the manifest says so.
  static func variables(
    of attempt: AttemptSpec, host: HostEnvironment, user: HostUser? = nil, folder: RunFolder
  ) throws(ExecutionError) -> [String: String] {
    var variables = [
      "PATH": host.path, "HOME": host.home, "LANG": host.language, "TZ": host.timezone, "TMPDIR": folder.temporary,
    ]
    if let user {
      variables["HOME"] = user.home
      variables["SHELL"] = user.shell
      variables["USER"] = user.name
      variables["LOGNAME"] = user.name
    }
    for (name, value) in attempt.program.env {
      if let problem = RefusedVariables.problem(in: name) { throw ExecutionError(.refused, problem) }
      variables[name] = value
    }
    variables["BELFRY_JOB"] = attempt.occurrence.job.text
    variables["BELFRY_RUN_ID"] = attempt.run.text
    variables["BELFRY_ATTEMPT"] = String(attempt.number)
    variables["BELFRY_AGENT"] = attempt.agent.text
    variables["BELFRY_SCHEDULED_TIME"] = attempt.occurrence.nominal.description
    variables["BELFRY_TRIGGER"] = attempt.occurrence.cause == .schedule ? "schedule" : "person"
    variables["BELFRY_COMMIT"] = attempt.commit.text
    variables["BELFRY_BUNDLE"] = folder.bundle
    variables["BELFRY_EVENT"] = folder.eventFile
    variables["BELFRY_OUTPUT"] = folder.outputFile
    variables["BELFRY_ARTIFACTS"] = folder.artifacts
    variables["BELFRY_PARAMS"] = json(attempt.params)
    for (name, value) in attempt.params {
      guard RefusedVariables.isIdentifier(name) else {
        throw ExecutionError(.refused, "'\(name.prefix(60))' is not the name of a parameter")
      }
      guard variables.updateValue(value.text, forKey: "BELFRY_PARAM_\(name.uppercased())") == nil else {
        throw ExecutionError(.refused, "two parameters would both be BELFRY_PARAM_\(name.uppercased())")
      }
    }
    return variables
  }

  /// One JSON object, names in ascending order.
  static func json(_ params: [String: ParameterValue]) -> String {
    let members = params.sorted { $0.key < $1.key }.map { "\(JSONValue.string($0.key).text):\($0.value.plainJSONText)" }
    return "{\(members.joined(separator: ","))}"
  }
}
