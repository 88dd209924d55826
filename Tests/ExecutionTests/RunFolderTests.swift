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
    try folder.write([1], to: "spec")
    #expect(
      try command(["stat", "-c", "%a", folder.path, folder.work, folder.path + "/spec"]).output == "711\n700\n600\n")
    #expect(throws: ExecutionError.self) { try folder.write([1], to: "spec") }
  }

  @Test func `a folder that is gone is lost, not an error`() throws {
    let folder = RunFolder(path: "/no/such/run")
    #expect(try folder.adopt().ending == .lost(.noFolder))
  }

  @Test func `the shim is found in the order that is documented`() throws {
    let bench = try Workbench()
    for place in ["bin/x_Execution.resources", "libexec/belfry", "bin"] {
      try bench.files.write("\(place)/belfry-shim", "", executable: true)
    }
    let bin = bench.files.path("bin")
    #expect(
      ShimLauncher.candidates(beside: bin) == [
        "\(bin)/belfry-shim", "\(bin)/../libexec/belfry/belfry-shim", "\(bin)/x_Execution.resources/belfry-shim",
      ])
    #expect(ShimLauncher.locate() != nil)
    let error = #expect(throws: ExecutionError.self) { try ShimLauncher(path: "/no/such/shim") }
    #expect(error?.code == .noShim)
  }
}
