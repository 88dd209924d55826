/// An expression as a tree.
indirect enum PatternTree {
  case empty
  case character(CharacterSet)
  case beginning
  case end
  case sequence([PatternTree])
  case choice([PatternTree])
  /// `most` nil: without end.
  case repetition(PatternTree, least: Int, most: Int?)
}

/// Reads an expression.
struct PatternParser {
  private let scalars: [Unicode.Scalar]
  private var at = 0
  private(set) var ignoresCase = false

  /// Groups within groups.
  private static let depthLimit = 30
  private static let countLimit = 500

  init(_ text: String) { scalars = Array(text.unicodeScalars) }

  mutating func parse() throws(PatternError) -> PatternTree {
    if scalars.starts(with: "(?i)".unicodeScalars) {
      ignoresCase = true
      at = 4
    }
    let tree = try choice(depth: 0)
    guard at == scalars.count else { throw PatternError("has a ')' without its '('") }
    return tree
  }

  private var next: Unicode.Scalar? { at < scalars.count ? scalars[at] : nil }

  private mutating func take() -> Unicode.Scalar? {
    guard let scalar = next else { return nil }
    at += 1
    return scalar
  }

  private mutating func choice(depth: Int) throws(PatternError) -> PatternTree {
    guard depth <= Self.depthLimit else {
      throw PatternError("has more than \(Self.depthLimit) groups within each other")
    }
    var alternatives = [try sequence(depth: depth)]
    while next == "|" {
      at += 1
      alternatives.append(try sequence(depth: depth))
    }
    return alternatives.count == 1 ? alternatives[0] : .choice(alternatives)
  }

  private mutating func sequence(depth: Int) throws(PatternError) -> PatternTree {
    var parts: [PatternTree] = []
    while let scalar = next, scalar != "|", scalar != ")" { parts.append(try repeated(depth: depth)) }
    return parts.count == 1 ? parts[0] : parts.isEmpty ? .empty : .sequence(parts)
  }

  private mutating func repeated(depth: Int) throws(PatternError) -> PatternTree {
    let tree = try atom(depth: depth)
    let (least, most): (Int, Int?)
    switch next {
    case "*": (least, most) = (0, nil)
    case "+": (least, most) = (1, nil)
    case "?": (least, most) = (0, 1)
    case "{": (least, most) = try count()
    default: return tree
    }
    at += 1
    // How greedy it is changes where a match ends, which nobody asks.
    if next == "?" { at += 1 }
    if let scalar = next, ["*", "+", "{"].contains(scalar) {
      throw PatternError("repeats a repetition at '\(scalar)'")
    }
    return .repetition(tree, least: least, most: most)
  }

  /// `{2}`, `{2,}`, `{2,5}`, up to its last character.
  private mutating func count() throws(PatternError) -> (Int, Int?) {
    at += 1
    guard let least = number() else {
      throw PatternError("has a '{' without a number: for the character itself, write \\{")
    }
    var most: Int? = least
    if next == "," {
      at += 1
      most = number()
    }
    guard next == "}" else { throw PatternError("has a '{' without its '}'") }
    guard most.map({ $0 >= least }) ?? true else { throw PatternError("has a count that runs backwards") }
    guard max(least, most ?? 0) <= Self.countLimit else {
      throw PatternError("has a count above \(Self.countLimit)")
    }
    return (least, most)
  }

  private mutating func number() -> Int? {
    var value: Int?
    while let digit = next?.properties.numericType == .decimal ? next.flatMap({ Int(String($0)) }) : nil {
      value = min((value ?? 0) * 10 + digit, Self.countLimit + 1)
      at += 1
    }
    return value
  }

  private mutating func atom(depth: Int) throws(PatternError) -> PatternTree {
    guard let scalar = take() else { return .empty }
    switch scalar {
    case "(": return try group(depth: depth)
    case "[": return .character(try set())
    case ".": return .character(CharacterSet(ranges: [0x0a...0x0a], isNegated: true))
    case "^": return .beginning
    case "$": return .end
    case "\\": return .character(try escaped())
    case "*", "+", "?", "{": throw PatternError("has a '\(scalar)' with nothing to repeat")
    default: return .character(CharacterSet(ranges: cases(of: scalar)))
    }
  }

  private mutating func group(depth: Int) throws(PatternError) -> PatternTree {
    if next == "?" {
      at += 1
      guard take() == ":" else { throw PatternError("has a group of a kind that is not supported: only ( ) and (?: )") }
    }
    let tree = try choice(depth: depth + 1)
    guard take() == ")" else { throw PatternError("has a '(' without its ')'") }
    return tree
  }

  private func one(_ scalar: Unicode.Scalar) -> CharacterSet {
    CharacterSet(ranges: [scalar.value...scalar.value])
  }

  /// The character, and where case is ignored its small and its capital letter.
  private func cases(of scalar: Unicode.Scalar) -> [ClosedRange<UInt32>] {
    let cases = CharacterCases(scalar, ignoresCase: ignoresCase)
    return Set([cases.itself, cases.lower, cases.upper]).sorted().map { $0...$0 }
  }

  private static let digits: [ClosedRange<UInt32>] = [0x30...0x39]
  private static let words: [ClosedRange<UInt32>] = [0x30...0x39, 0x41...0x5a, 0x5f...0x5f, 0x61...0x7a]
  private static let blanks: [ClosedRange<UInt32>] = [0x09...0x0d, 0x20...0x20]

  private mutating func escaped() throws(PatternError) -> CharacterSet {
    guard let scalar = take() else { throw PatternError("ends with a backslash") }
    switch scalar {
    case "d": return CharacterSet(ranges: Self.digits)
    case "D": return CharacterSet(ranges: Self.digits, isNegated: true)
    case "w": return CharacterSet(ranges: Self.words)
    case "W": return CharacterSet(ranges: Self.words, isNegated: true)
    case "s": return CharacterSet(ranges: Self.blanks)
    case "S": return CharacterSet(ranges: Self.blanks, isNegated: true)
    case "n": return one("\n")
    case "r": return one("\r")
    case "t": return one("\t")
    default:
      guard !scalar.properties.isAlphabetic, scalar.properties.numericType == nil else {
        throw PatternError("has '\\\(scalar)', which is not supported")
      }
      return one(scalar)
    }
  }

  private mutating func set() throws(PatternError) -> CharacterSet {
    var set = CharacterSet()
    if next == "^" {
      at += 1
      set.isNegated = true
    }
    var isFirst = true
    while let scalar = take() {
      if scalar == "]", !isFirst { return set }
      isFirst = false
      if scalar == "[", let kind = next, [":", ".", "="].contains(kind) {
        throw PatternError("has '[\(kind)', which is not supported: for the character itself, write \\[")
      }
      var members = scalar == "\\" ? try escaped() : one(scalar)
      guard !members.isNegated else { throw PatternError("has an opposite such as \\D within [ ]") }
      if next == "-", at + 1 < scalars.count, scalars[at + 1] != "]" {
        at += 1
        guard let last = take() else { break }
        let end = last == "\\" ? try escaped() : one(last)
        guard let a = members.ranges.first?.lowerBound, let b = end.ranges.last?.upperBound, members.ranges.count == 1,
          end.ranges.count == 1, a <= b
        else { throw PatternError("has a range within [ ] that is none") }
        members.ranges = [a...b]
      } else if scalar != "\\" {
        members.ranges = cases(of: scalar)
      }
      set.ranges += members.ranges
    }
    throw PatternError("has a '[' without its ']'")
  }
}

/// Writes the automaton of a tree.
struct PatternCompiler {
  private(set) var steps: [PatternStep] = []

  private mutating func append(_ step: PatternStep) throws(PatternError) {
    guard steps.count < TextPattern.stepLimit else {
      throw PatternError("is too large once its counts are written out")
    }
    steps.append(step)
  }

  mutating func add(_ tree: PatternTree) throws(PatternError) {
    switch tree {
    case .empty: break
    case .character(let set): try append(.character(set))
    case .beginning: try append(.beginning)
    case .end: try append(.end)
    case .sequence(let parts): for part in parts { try add(part) }
    case .choice(let alternatives): try add(choice: alternatives)
    case .repetition(let part, let least, let most):
      for _ in 0..<least {
        let before = steps.count
        try add(part)
        // Once more nothing is nothing: `(){500}`, and that 500 times, must not take its time.
        if steps.count == before { break }
      }
      guard let most else { return try add(loop: part) }
      for _ in least..<most { try add(optional: part) }
    }
  }

  private mutating func add(choice alternatives: [PatternTree]) throws(PatternError) {
    var jumps: [Int] = []
    for (index, alternative) in alternatives.enumerated() {
      guard index < alternatives.count - 1 else {
        try add(alternative)
        break
      }
      let fork = steps.count
      try append(.fork(1, 1))
      try add(alternative)
      jumps.append(steps.count)
      try append(.jump(1))
      steps[fork] = .fork(1, steps.count - fork)
    }
    for jump in jumps { steps[jump] = .jump(steps.count - jump) }
  }

  private mutating func add(loop part: PatternTree) throws(PatternError) {
    let fork = steps.count
    try append(.fork(1, 1))
    try add(part)
    try append(.jump(fork - steps.count))
    steps[fork] = .fork(1, steps.count - fork)
  }

  private mutating func add(optional part: PatternTree) throws(PatternError) {
    let fork = steps.count
    try append(.fork(1, 1))
    try add(part)
    steps[fork] = .fork(1, steps.count - fork)
  }
}
