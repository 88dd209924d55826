import ArgumentParser

/// What all benchmarks take.
struct BenchOptions: ParsableArguments {
  @Flag(help: "Print one JSON object a line instead of text.")
  var json = false

  @Flag(help: "Measure less: a first impression.")
  var quick = false

  @Flag(help: "In a debug build: run everything, but print no figures. To see that the benchmarks themselves work.")
  var rehearse = false

  /// Runs a benchmark and prints what it finds; throws when a target is missed.
  ///
  /// A debug build is many times slower in ways that say nothing about Belfry, so it gives no figures.
  func measure(_ body: (Report) async throws -> Void) async throws {
    let report = Report(form: Self.isDebugBuild ? .rehearsal : json ? .json : .text)
    if Self.isDebugBuild {
      Output.line("warning: a debug build's figures mean nothing; build with: swift build -c release", toErrors: true)
      guard rehearse else { throw ExitCode(1) }
    }
    report.begin()
    try await body(report)
    if report.isMissing { throw ExitCode(1) }
  }

  static let isDebugBuild: Bool = {
    #if DEBUG
      true
    #else
      false
    #endif
  }()
}

/// Why a benchmark gives no figures.
struct BenchError: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}
