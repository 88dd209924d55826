import Model

/// Cells in aligned columns, two spaces apart. What cells hold is neutralised; the last column is not padded, and a
/// column in which nothing stands is left out.
struct Table {
  private let columns: [String]
  private var rows: [[String]] = []

  init(_ columns: String...) { self.columns = columns }

  /// Missing cells are empty.
  mutating func add(_ cells: String?...) {
    let shown = cells.prefix(columns.count).map { TerminalText.neutralised($0 ?? "") }
    rows.append(shown + Array(repeating: "", count: columns.count - shown.count))
  }

  var isEmpty: Bool { rows.isEmpty }

  /// With a line break at the end of each row; empty when there are no rows.
  var text: String {
    guard !rows.isEmpty else { return "" }
    let shown = columns.indices.filter { index in rows.contains { !$0[index].isEmpty } }
    let lines = [columns] + rows
    let widths = shown.map { index in lines.map { $0[index].count }.max() ?? 0 }
    return lines.map { line in
      var text = ""
      for (index, width) in zip(shown, widths) {
        text += line[index] + String(repeating: " ", count: width - line[index].count + 2)
      }
      while text.last == " " { text.removeLast() }
      return text + "\n"
    }.joined()
  }
}
