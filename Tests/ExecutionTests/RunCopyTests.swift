import Model
import TestSupport
import Testing

@testable import Execution

@Suite struct RunCopyTests {
  @Test func `secrets are left out, and words stay words`() throws {
    let bench = try Workbench()
    let files = try bench.put([("bin/it's.sh", "#!/bin/sh\nprintf '%s\\n' \"$TOKEN\" \"$@\" \"$ODD\"\n")])
    let odd = "new\nline 'quoted' $HOME `id` \\"
    let attempt = try bench.attempt(
      RunSpec(program: .script("bin/it's.sh"), args: ["", odd], env: ["ODD": odd]), files: files)
    let path = bench.files.path("copy of it")
    try RunCopy(attempt, secretVariables: ["TOKEN"]).write(to: path, from: bench.store)
    let result = try command([path + "/run.sh"])
    #expect(result.status == 0, "\(result)")
    #expect(result.output == "REDACTED\n\n\(odd)\n\(odd)\n")
    #expect(throws: ExecutionError.self) { try RunCopy(attempt).write(to: path, from: bench.store) }
  }

  @Test func `without the bundle's files there is no folder`() throws {
    let bench = try Workbench()
    let files = try bench.put([("a.sh", "#!/bin/sh\n")])
    let attempt = try bench.attempt(RunSpec(program: .script("a.sh")), files: files)
    let other = try BundleStore(path: bench.files.path("other"))
    let error = #expect(throws: ExecutionError.self) {
      try RunCopy(attempt).write(to: bench.files.path("copy"), from: other)
    }
    #expect(error?.code == .missing && !bench.exists("copy"))
  }
}
