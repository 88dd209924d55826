import Foundation

/// A figure as a line for people.
enum FigureText {
  static func line(_ figure: Figure) -> String {
    var line = "  " + padded(figure.name, 44) + padded(value(figure.value, figure.unit), 16, left: true)
    if let reference = figure.reference {
      let ratio = figure.ratio.map { number($0, digits: $0 < 10 ? 2 : 0) + "×" } ?? ""
      line +=
        padded(ratio, 10, left: true) + "  "
        + "\(reference.kind.rawValue) \(value(reference.value, figure.unit)): \(reference.name)"
    }
    if let target = figure.target, let isMet = figure.isMet {
      let relation = figure.unit.isBetterWhenHigher ? "at least" : "at most"
      line += "  [\(relation) \(value(target, figure.unit)): \(isMet ? "met" : "MISSED")]"
    }
    return line
  }

  /// Three significant digits, thousands separated.
  static func value(_ value: Double, _ unit: Figure.Unit) -> String {
    let size = abs(value)
    let digits = size >= 100 || value == 0 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3
    return number(value, digits: digits) + " " + unit.rawValue
  }

  private static func number(_ value: Double, digits: Int) -> String {
    let text = String(format: "%.\(digits)f", value)
    let whole = text.prefix { $0 != "." }
    var grouped = ""
    for (index, digit) in whole.enumerated() {
      let rest = whole.count - index
      if index > 0, rest.isMultiple(of: 3), grouped.last != "-" { grouped.append(",") }
      grouped.append(digit)
    }
    return grouped + text.dropFirst(whole.count)
  }

  private static func padded(_ text: String, _ width: Int, left: Bool = false) -> String {
    let space = String(repeating: " ", count: max(0, width - text.count))
    return left ? space + text : text + space
  }
}
