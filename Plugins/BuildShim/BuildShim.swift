import Foundation
import PackagePlugin

/// Builds the shim with the system's C compiler. Its product becomes a resource of the target that uses the plug-in.
///
/// The package manager links each of its own executables with the Swift runtime and libstdc++, a pure C one too; the
/// shim has to be small and must not wait for a dynamic loader.
///
/// Its C library is musl where that is installed: 34 KB in place of 700, and its start does without the dozens of CPUID
/// instructions of glibc's, each of which a virtual machine has to ask its host about.
@main struct BuildShim: BuildToolPlugin {
  func createBuildCommands(context: PluginContext, target: any Target) throws -> [Command] {
    let sources = context.package.directoryURL.appending(path: "Sources/shim")
    let files = try FileManager.default.contentsOfDirectory(at: sources, includingPropertiesForKeys: nil)
      .sorted { $0.path < $1.path }
    let units = files.filter { $0.pathExtension == "c" }
    let hasMusl = FileManager.default.isExecutableFile(atPath: Self.musl)
    let product = context.pluginWorkDirectoryURL.appending(path: "belfry-shim")
    return [
      .buildCommand(
        displayName: "Compiling belfry-shim",
        executable: URL(fileURLWithPath: hasMusl ? Self.musl : "/usr/bin/cc"),
        arguments: Self.flags + ["-o", product.path] + units.map(\.path) + (hasMusl ? Self.kernelHeaders : []),
        inputFiles: files.filter { ["c", "h"].contains($0.pathExtension) },
        outputFiles: [product])
    ]
  }

  private static let musl = "/usr/bin/musl-gcc"

  /// `linux/*.h`, which musl does not bring along; looked into last, so that its own headers win.
  private static let kernelHeaders = [
    "/usr/include", "/usr/include/x86_64-linux-gnu", "/usr/include/aarch64-linux-gnu",
  ].flatMap { ["-idirafter", $0] }

  private static let flags = [
    "-std=gnu11", "-D_GNU_SOURCE", "-static", "-Os", "-s", "-Wall", "-Wextra", "-Werror", "-Wshadow", "-Wconversion",
    "-Wno-sign-conversion", "-Wstrict-prototypes",
  ]
}
