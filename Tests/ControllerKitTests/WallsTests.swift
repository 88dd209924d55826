import Foundation
import TestSupport
import Testing

/// Which module may import what, read from the import lines of the sources themselves.
struct WallsTests {
  /// Imports by module: of `Sources/<module>` all that its files name.
  private static func imports() throws -> [String: Set<String>] {
    let sources = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appendingPathComponent("Sources").path
    var imports: [String: Set<String>] = [:]
    for path in try FileManager.default.subpathsOfDirectory(atPath: sources) where path.hasSuffix(".swift") {
      let module = String(path.prefix { $0 != "/" })
      let text = try String(contentsOfFile: sources + "/" + path, encoding: .utf8)
      imports[module, default: []].formUnion(text.split(separator: "\n").compactMap(imported))
    }
    return imports
  }

  /// The module that a line imports; nil for any other line.
  private static func imported(_ line: Substring) -> String? {
    let words = line.split(separator: " ").drop { word in
      word.hasPrefix("@") || ["public", "package", "internal", "fileprivate", "private"].contains(word)
    }
    guard words.first == "import", line.first?.isWhitespace == false else { return nil }
    let kinds = ["struct", "class", "enum", "func", "var", "let", "typealias", "protocol", "actor"]
    return words.dropFirst().first { !kinds.contains(String($0)) }.map { String($0.prefix { $0 != "." }) }
  }

  @Test(arguments: [
    "import A": "A", "public import A": "A", "@testable import A": "A", "import struct A.B": "A",
    "@preconcurrency public import A": "A", "// import A": "", "  import A": "", "let import = A": "",
  ])
  func importLinesAreRead(_ line: String, _ module: String) {
    #expect((Self.imported(line[...]) ?? "") == module)
  }

  /// A library of the system, and who alone may import it.
  struct Library: Sendable {
    let name: String
    let owners: Set<String>
  }

  @Test(arguments: [
    Library(name: "CLibGit2", owners: ["Git"]),
    // The benchmark measures the floor that the library alone gives.
    Library(name: "CLibYAML", owners: ["Manifest", "belfry-bench"]),
    Library(name: "COpenSSL", owners: ["Trust"]),
    Library(name: "GRDB", owners: ["AgentKit"]),
  ])
  func aLibraryHasOneHome(_ library: Library) throws {
    let users = try Self.imports().filter { $0.value.contains(library.name) }.keys
    #expect(Set(users).isSubset(of: library.owners))
    #expect(!users.isEmpty, "the test reads the right lines")
  }

  @Test(arguments: ["Model", "Schedule", "Planning"])
  func pureModulesImportNothingImpure(_ module: String) throws {
    let allowed: [String: Set<String>] = ["Model": [], "Schedule": ["Model"], "Planning": ["Model", "Schedule"]]
    #expect(try #require(try Self.imports()[module]).subtracting(allowed[module] ?? []) == [])
  }

  @Test func theKitsDoNotKnowEachOther() throws {
    let imports = try Self.imports()
    #expect(try #require(imports["ControllerKit"]).contains("AgentKit") == false)
    #expect(try #require(imports["ControllerKit"]).contains("Execution") == false)
    let agent = try #require(imports["AgentKit"]).union(try #require(imports["belfry-agent"]))
    #expect(agent.isDisjoint(with: ["ControllerKit", "CommandKit", "Git", "Manifest", "Results"]))
  }

  @Test func arrowsPointDownOnly() throws {
    let imports = try Self.imports()
    let kits: Set = ["ControllerKit", "AgentKit", "CommandKit"]
    for module in [
      "Model", "Schedule", "Planning", "Manifest", "Trust", "Git", "Results", "Wire", "Execution", "Platform",
      "ZoneInfo",
    ] {
      #expect((imports[module] ?? []).isDisjoint(with: kits), "\(module)")
    }
    for (module, names) in imports where module != "TestSupport" {
      #expect(!names.contains("TestSupport"), "\(module)")
    }
    #expect(imports["Wire"]?.isDisjoint(with: ["GRPCNIOTransportHTTP2", "NIOCore", "NIOPosix"]) == true)
  }
}
