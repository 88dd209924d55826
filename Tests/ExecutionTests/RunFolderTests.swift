import Glibc
import Model
import TestSupport
import Testing

@testable import Execution

@Suite(.timeLimit(.minutes(10))) struct RunFolderTests {
  @Test func `whatever a job leaves is removed, and nothing beyond it`() throws {
    let bench = try Workbench()
    let canary = try bench.files.write("canary/file", "precious")
    let folder = try RunFolder.create(at: bench.runPath())
    let mess = """
      cd \(folder.work)
      ln -s \(bench.files.path("canary")) link; ln -s / root
      mkdir -p a/b/c a/d shut; touch a/b/c/f a/x "new
      line" "$(printf '\\377\\376')"; mkdir "$(printf 'd\\377')"; touch "$(printf 'd\\377')/f"
      ln -s \(canary) a/b/link; mkfifo pipe; chmod 000 a/b; chmod 500 shut
      perl -e 'for (1..5000) { mkdir "d"; chdir "d" or die; open F, ">f" }'
      """
    try bench.files.write("mess.sh", mess)
    #expect(try command(["sh", bench.files.path("mess.sh")]).status == 0)
    try folder.remove()
    #expect(!bench.exists("run"))
    #expect(try command(["cat", canary]).output == "precious")
    #expect(throws: Never.self) { try folder.remove() }
  }

  @Test func `a folder is made once, with tight permissions`() throws {
    let bench = try Workbench()
    let folder = try RunFolder.create(at: bench.runPath())
    #expect(throws: ExecutionError.self) { try RunFolder.create(at: bench.runPath()) }
    try folder.write([1, 2], to: "spec")
    #expect(
      try command(["stat", "-c", "%a", folder.path, folder.work, folder.path + "/spec"]).output == "711\n700\n600\n")
    try folder.write([3], to: "spec")
    #expect(try folder.open().open("spec", O_RDONLY).readWhole(limit: 10, name: "spec") == [3])
  }

  @Test func `a folder that is gone is lost, not an error`() throws {
    let folder = RunFolder(path: "/no/such/run")
    #expect(try folder.adopt().ending == .lost(.noFolder))
  }

  /// What a loss of power leaves of a status file that nobody had synced.
  enum Remains: CaseIterable { case nothing, empty, half, zeros }

  @Test(arguments: Remains.allCases)
  func `what a loss of power leaves never says that nothing ran`(_ remains: Remains) throws {
    let bench = try Workbench()
    let folder = try RunFolder.create(at: bench.runPath())
    try folder.write(try bench.shellSpec("true").bytes(), to: "spec")
    let whole = StatusFile.fresh(bootID: StatusFile.currentBootID, of: folder.name)
    switch remains {
    case .nothing: break
    case .empty: try folder.write([], to: "status")
    case .half: try folder.write(Array(whole.prefix(700)), to: "status")
    case .zeros: try folder.write([UInt8](repeating: 0, count: whole.count), to: "status")
    }
    let ending = try folder.adopt().ending
    #expect(ending == .lost(.notMade))
    #expect(LostReason.notMade.mayHaveRun)
  }

  @Test func `a spec that cannot be revoked is no answer`() throws {
    let bench = try Workbench()
    let folder = try RunFolder.create(at: bench.runPath())
    try folder.write(StatusFile.fresh(bootID: StatusFile.currentBootID, of: folder.name), to: "status")
    try folder.write(try bench.shellSpec("true").bytes(), to: "spec")
    // In its place: a folder, over which no file can be renamed.
    try command(["mkdir", folder.path + "/spec.revoked"])
    #expect(throws: ExecutionError.self) { try folder.adopt() }
  }

  @Test func `the shim is found in the order that is documented`() throws {
    let bench = try Workbench()
    for place in ["bin/x_Execution.resources", "libexec/belfry", "bin"] {
      try bench.files.write("\(place)/belfry-shim", "", executable: true)
    }
    let bin = bench.files.path("bin")
    #expect(
      ProgramLocation.candidates(for: ShimLauncher.programName, beside: bin) == [
        "\(bin)/belfry-shim", "\(bin)/../libexec/belfry/belfry-shim", "\(bin)/x_Execution.resources/belfry-shim",
      ])
    #expect(ShimLauncher.locate() != nil)
    let error = #expect(throws: ExecutionError.self) { try ShimLauncher(path: "/no/such/shim") }
    #expect(error?.code == .noShim)
  }
}
