import Manifest
import Testing

struct ScriptRow: CustomTestStringConvertible, Sendable {
  var name: String
  var head: String
  var executable = true
  var interpreter: [String]?
  /// Part of the message; nil for a script that is fine.
  var problem: String?
  var testDescription: String { name }
}

@Suite struct ScriptCheckTests {
  @Test(arguments: [
    ScriptRow(name: "a shell script", head: "#!/bin/sh\necho\n"),
    ScriptRow(name: "env", head: "#!/usr/bin/env python3\n"),
    ScriptRow(name: "a blank after the mark", head: "#! /bin/sh -e\n"),
    ScriptRow(name: "no line end", head: "#!/bin/sh"),
    ScriptRow(name: "no line", head: "echo\n", problem: "has no #! line"),
    ScriptRow(name: "no line, an interpreter", head: "echo\n", interpreter: ["/bin/sh"]),
    ScriptRow(name: "nothing", head: "", problem: "has no #! line"),
    ScriptRow(name: "CR LF", head: "#!/bin/sh\r\n", problem: "ends with CR LF"),
    ScriptRow(name: "CR LF after a flag", head: "#!/bin/sh -e\r\n", problem: "ends with CR LF"),
    ScriptRow(name: "CR LF further down is the interpreter's affair", head: "#!/usr/bin/python3\nprint()\r\n"),
    ScriptRow(name: "a relative interpreter", head: "#!bin/sh\n", problem: "is not an absolute path"),
    ScriptRow(name: "no interpreter", head: "#!\n", problem: "names no interpreter"),
    ScriptRow(name: "env alone", head: "#!/usr/bin/env \n", problem: "gives env no program"),
    ScriptRow(name: "a byte order mark", head: "\u{feff}#!/bin/sh\n", problem: "byte order mark"),
    ScriptRow(name: "no run bit", head: "#!/bin/sh\n", executable: false, problem: "has no run bit"),
    ScriptRow(name: "no run bit, an interpreter", head: "#!/bin/sh\n", executable: false, interpreter: ["/bin/sh"]),
    ScriptRow(
      name: "a long line", head: "#!/bin/sh " + String(repeating: "x", count: 300) + "\n",
      problem: "more than 256 bytes"),
    ScriptRow(
      name: "a long line cut off", head: "#!/bin/sh " + String(repeating: "x", count: 246),
      problem: "more than 256 bytes"),
  ])
  func check(_ row: ScriptRow) {
    let problem = ScriptCheck.problem(
      path: "scripts/x.sh", firstBytes: Array(row.head.utf8), executable: row.executable, interpreter: row.interpreter)
    if let part = row.problem {
      #expect(problem?.message.contains(part) == true, "\(problem?.message ?? "no problem")")
    } else {
      #expect(problem == nil)
    }
  }

  @Test func theCommandForTheRunBitCanBePasted() {
    func suggestion(_ path: String) -> String? {
      ScriptCheck.problem(path: path, firstBytes: Array("#!/bin/sh\n".utf8), executable: false, interpreter: nil)?
        .suggestion
    }
    #expect(suggestion("a/b.sh") == "git update-index --chmod=+x a/b.sh")
    #expect(suggestion("it's a.sh") == "git update-index --chmod=+x 'it'\\''s a.sh'")
  }

  @Test(arguments: [
    "LD_PRELOAD", "LD_", "BASH_ENV", "ENV", "PYTHONPATH", "PYTHONHOME", "PERL5OPT", "RUBYOPT", "NODE_OPTIONS",
    "GIT_SSH",
    "GLIBC_TUNABLES", "SHELLOPTS", "BELFRY_JOB", "", "1A", "A-B", "A B", "A=B", "É", "BASH_FUNC_x%%",
  ])
  func refusedVariable(_ name: String) { #expect(EnvironmentRules.problem(in: name) != nil) }

  @Test(arguments: ["PATH", "HOME", "A", "_", "a1", "ENVIRONMENT", "LDAP", "GITHUB_TOKEN", "MY_LD_X", "PERL"])
  func allowedVariable(_ name: String) { #expect(EnvironmentRules.problem(in: name) == nil) }
}
