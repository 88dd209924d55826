import ArgumentParser

/// How results are printed.
enum OutputFormat: String, ExpressibleByArgument, CaseIterable {
  case text, json
}

struct FormatOption: ParsableArguments {
  @Option(help: ArgumentHelp("Print for people or for programs.", valueName: "text|json"))
  var format = OutputFormat.text

  var isJSON: Bool { format == .json }
}
