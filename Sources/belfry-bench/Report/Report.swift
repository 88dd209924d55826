/// Prints figures as they come, and remembers whether a target was missed.
final class Report {
  enum Form { case text, json, rehearsal }

  private let form: Form
  private var benchmark = ""
  private(set) var isMissing = false

  init(form: Form) { self.form = form }

  /// What all figures depend on.
  func begin() {
    let machine = Machine.current
    switch form {
    case .text: Output.line("\(machine.description)\n")
    case .json: Output.json(MachineLine(machine: machine))
    case .rehearsal: break
    }
  }

  /// Starts the figures of one benchmark. `about` says what is done.
  func heading(_ benchmark: String, _ about: String) {
    self.benchmark = benchmark
    switch form {
    case .text: Output.line("\(benchmark): \(about)")
    case .json: break
    case .rehearsal: Output.line("\(benchmark) …")
    }
  }

  func add(_ figure: Figure) {
    if form != .rehearsal, figure.isMet == false { isMissing = true }
    switch form {
    case .text: Output.line(FigureText.line(figure))
    case .json: Output.json(FigureLine(benchmark: benchmark, figure: figure))
    case .rehearsal: break
    }
  }

  /// After the last figure of a benchmark.
  func end() {
    switch form {
    case .text: Output.line("")
    case .json: break
    case .rehearsal: Output.line("\(benchmark): it works")
    }
  }
}

private struct MachineLine: Encodable {
  var machine: Machine
}

/// A figure as a JSON line.
private struct FigureLine: Encodable {
  struct Reference: Encodable {
    var kind, name: String
    var value: Double
  }

  struct Target: Encodable {
    var limit: Double
    var isMet: Bool
  }

  var benchmark, figure, unit: String
  var value: Double
  var reference: Reference?
  var ratio: Double?
  var target: Target?

  init(benchmark: String, figure: Figure) {
    self.benchmark = benchmark
    self.figure = figure.name
    unit = figure.unit.rawValue
    value = figure.value
    reference = figure.reference.map { Reference(kind: $0.kind.rawValue, name: $0.name, value: $0.value) }
    ratio = figure.ratio
    if let limit = figure.target, let isMet = figure.isMet { target = Target(limit: limit, isMet: isMet) }
  }
}
