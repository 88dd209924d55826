import Model

/// A file of receipts as it stands on the branch, with its signatures.
enum RunFilePart {
  case readable(receipts: [UInt8], signatures: [UInt8])
  /// Something else stands in its place (a folder, a link, more bytes than Belfry would write). It is left alone, and
  /// the next part is used.
  case unreadable
}

/// The files of one job and nominal time while a batch is added to them.
struct OpenRunFiles {
  enum Placement: Equatable {
    case added(ownsPlainLogs: Bool)
    case present(ownsPlainLogs: Bool)
    case conflict
  }

  private struct Known {
    /// Shares the file's storage: a file of ten thousand lines is not copied line by line.
    var line: ArraySlice<UInt8>
    var ownsPlainLogs: Bool
  }

  private var file: RunFile
  private var receipts: [UInt8] = []
  private var signatures: [UInt8] = []
  private var isChanged = false
  private var known: [String: Known] = [:]
  private var namesInFirstPart: Set<String> = []
  private var finished: [BatchPlan.Edit] = []

  init(_ file: RunFile, _ parts: [RunFilePart]) {
    self.file = file
    for (index, part) in parts.enumerated() {
      guard case .readable(let receipts, let signatures) = part else { continue }
      let lines = RunFileLines(receipts)
      let owners = lines.ownersOfPlainLogs()
      for (run, line) in lines.linesByRun() where known[run] == nil {
        known[run] = Known(line: receipts[lines.lines[line]], ownsPlainLogs: index == 0 && owners[line])
      }
      if index == 0 { namesInFirstPart = Set(lines.heads.compactMap { $0?.agentName }) }
      if index == parts.count - 1 { open(receipts, lines.lines.count, signatures) }
    }
    self.file.part = max(1, parts.count)
    if case .unreadable? = parts.last { self.file.part += 1 }
  }

  /// Continues a file. People's edits may have left the last line without its end or the two files with different
  /// numbers of lines; what is added now must stand in the same line of both.
  private mutating func open(_ receipts: [UInt8], _ lines: Int, _ signatures: [UInt8]) {
    self.receipts = receipts
    if let last = receipts.last, last != 0x0a { self.receipts.append(0x0a) }
    let ranges = RunFileLines.split(signatures).prefix(lines)
    self.signatures = Array(signatures[..<(ranges.last?.upperBound ?? 0)])
    if !ranges.isEmpty { self.signatures.append(0x0a) }
    for _ in ranges.count..<lines { self.signatures += Array("{}\n".utf8) }
  }

  mutating func place(_ incoming: BatchPlan.Incoming) -> Placement {
    let run = incoming.receipt.run.text
    if let known = known[run] {
      return known.line.elementsEqual(incoming.line) ? .present(ownsPlainLogs: known.ownsPlainLogs) : .conflict
    }
    if receipts.count >= RunFile.partLimit { beginNextPart() }
    let owns = file.part == 1 && namesInFirstPart.insert(incoming.receipt.agentName.text).inserted
    known[run] = Known(line: incoming.line[...], ownsPlainLogs: owns)
    receipts += incoming.line
    receipts.append(0x0a)
    signatures += incoming.signatureLine
    signatures.append(0x0a)
    isChanged = true
    return .added(ownsPlainLogs: owns)
  }

  private mutating func beginNextPart() {
    finished = edits
    file.part += 1
    receipts = []
    signatures = []
    isChanged = false
  }

  var edits: [BatchPlan.Edit] {
    guard isChanged else { return finished }
    return finished + [
      BatchPlan.Edit(path: ResultsLayout.receipts(file), bytes: receipts),
      BatchPlan.Edit(path: ResultsLayout.signatures(file), bytes: signatures),
    ]
  }
}
