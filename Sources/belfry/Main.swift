import CommandKit

// `belfry`: wiring only. What the commands do is in CommandKit.
@main struct Main {
  static func main() async { await BelfryProgram.main() }
}
