import Glibc
import Model
import TestSupport
import Testing

@testable import Execution

@Suite struct ShebangTests {
  struct Line: CustomTestStringConvertible {
    var text: String
    var expected: Shebang?
    /// A part of the message.
    var problem = ""
    var testDescription: String { text.debugDescription }
  }

  @Test(arguments: [
    Line(text: "#!/bin/sh\n", expected: Shebang(interpreter: "/bin/sh")),
    Line(text: "#!/bin/sh", expected: Shebang(interpreter: "/bin/sh")),
    Line(text: "#! \t /bin/sh  \t\necho", expected: Shebang(interpreter: "/bin/sh")),
    Line(text: "#!/usr/bin/env python3\n", expected: Shebang(interpreter: "/usr/bin/env", argument: "python3")),
    Line(text: "#!/bin/bash -e -u  \n", expected: Shebang(interpreter: "/bin/bash", argument: "-e -u")),
    Line(text: "#!/bin/sh\necho\r\n", expected: Shebang(interpreter: "/bin/sh")),
    Line(text: "#!/bin/sh\r\necho\r\n", problem: "CR LF"),
    Line(text: "#!/bin/sh -e\r\n", problem: "CR LF"),
    Line(text: "echo hello\n", problem: "no #! line"),
    Line(text: "", problem: "no #! line"),
    Line(text: "#", problem: "no #! line"),
    Line(text: "\u{feff}#!/bin/sh\n", problem: "byte order mark"),
    Line(text: "#!\n/bin/sh", problem: "without interpreter"),
    Line(text: "#!   \n", problem: "without interpreter"),
    Line(text: "#!bash\n", problem: "absolute"),
    Line(text: "#!/bin/s\0h\n", problem: "NUL"),
    Line(
      text: "#!/" + String(repeating: "x", count: 252) + "\n",
      expected: Shebang(interpreter: "/" + String(repeating: "x", count: 252))),
    Line(text: "#!/" + String(repeating: "x", count: 253) + "\n", problem: "more than 256"),
  ])
  func `the line is read as the kernel reads it`(_ line: Line) {
    do throws(ExecutionError) {
      let shebang = try Shebang(script: Array(line.text.utf8), path: "job.sh")
      #expect(shebang == line.expected)
    } catch {
      #expect(line.expected == nil && error.code == .unusableScript)
      #expect(error.message.contains(line.problem) && error.message.hasPrefix("job.sh "), "\(error)")
    }
  }
}

@Suite struct RunEnvironmentTests {
  @Test func `a run sees exactly what the manual says`() throws {
    let bench = try Workbench()
    var attempt = try bench.attempt(
      RunSpec(
        program: .command(["true"]), params: ["database": .string("a\"b"), "Keep": .integer(14)], env: ["PGHOST": "db"]),
      number: 2)
    attempt.params["ratio"] = .decimal("0.25")
    let host = HostEnvironment(path: "/bin", home: "/root", language: "C", timezone: "UTC")
    #expect(
      try RunEnvironment.variables(of: attempt, host: host, folder: RunFolder(path: "/r")) == [
        "PATH": "/bin", "HOME": "/root", "LANG": "C", "TZ": "UTC", "TMPDIR": "/r/tmp", "PGHOST": "db",
        "BELFRY_JOB": "team/job", "BELFRY_RUN_ID": attempt.run.text, "BELFRY_ATTEMPT": "2", "BELFRY_AGENT": "host-1",
        "BELFRY_SCHEDULED_TIME": "2026-11-18T11:06:40Z", "BELFRY_TRIGGER": "schedule",
        "BELFRY_COMMIT": String(repeating: "ab", count: 20), "BELFRY_BUNDLE": "/r/bundle",
        "BELFRY_EVENT": "/r/event.json", "BELFRY_OUTPUT": "/r/outputs", "BELFRY_ARTIFACTS": "/r/artifacts",
        "BELFRY_PARAMS": #"{"Keep":14,"database":"a\"b","ratio":0.25}"#,
        "BELFRY_PARAM_DATABASE": "a\"b", "BELFRY_PARAM_KEEP": "14", "BELFRY_PARAM_RATIO": "0.25",
      ])
    attempt.occurrence.cause = .person(request: "r-1")
    #expect(
      try RunEnvironment.variables(of: attempt, host: host, folder: RunFolder(path: ""))["BELFRY_TRIGGER"] == "person")
  }

  @Test(arguments: [
    "LD_PRELOAD", "LD_LIBRARY_PATH", "BASH_ENV", "ENV", "SHELLOPTS", "GLIBC_TUNABLES", "PYTHONPATH", "PYTHONSTARTUP",
    "PERL5OPT", "RUBYOPT", "NODE_OPTIONS", "GIT_SSH_COMMAND", "BELFRY_RUN_ID", "", "A B", "1A", "A=B",
    "BASH_FUNC_x%%", "A\0",
  ])
  func `variables that change what is run are refused`(_ name: String) throws {
    let bench = try Workbench()
    let attempt = try bench.attempt(RunSpec(program: .command(["true"]), env: [name: "x"]))
    let error = #expect(throws: ExecutionError.self) {
      try RunEnvironment.variables(of: attempt, host: HostEnvironment(), folder: RunFolder(path: ""))
    }
    #expect(error?.code == .refused)
  }

  @Test func `parameters that would be one variable are refused`() throws {
    let bench = try Workbench()
    for params in [["a": ParameterValue.integer(1), "A": .integer(2)], ["a-b": .integer(1)]] {
      let attempt = try bench.attempt(RunSpec(program: .command(["true"]), params: params))
      #expect(throws: ExecutionError.self) {
        try RunEnvironment.variables(of: attempt, host: HostEnvironment(), folder: RunFolder(path: ""))
      }
    }
  }

  @Test(arguments: [
    ("root:x:0:0:root:/root:/bin/bash\nb:x:10:10::/home/b:/bin/sh\n", UInt32(10), "/home/b"),
    ("a:x:1:1::/first:/bin/sh\na2:x:1:1::/second:/bin/sh\n", 1, "/first"),
    ("a:x:1:1:::/bin/sh\n", 1, nil), ("a:x:1:1::relative:/bin/sh\n", 1, nil), ("a:x:11:1::/x:/bin/sh\n", 1, nil),
    ("+:::::/nis:\na:1:1::/few:\n", 1, nil), ("", 0, nil),
  ])
  func `a home is what passwd says`(_ passwd: String, _ user: UInt32, _ home: String?) {
    #expect(HostEnvironment.home(of: user, in: passwd) == home)
  }
}
