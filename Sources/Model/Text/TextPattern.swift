/// A regular expression that is matched in time proportional to the text: there is no expression and no text that makes it
/// hang, because it is run as an automaton (R. Cox, "Regular Expression Matching Can Be Simple And Fast") and never tries
/// again.
///
/// The language is what POSIX extended and Perl's expressions have in common: `.`, `[a-z]`, `[^a-z]`, `\d \w \s` and their
/// opposites, `^` and `$` at the ends of the text, `( )`, `(?: )`, `|`, `*`, `+`, `?`, `{2}`, `{2,}`, `{2,5}`, and `(?i)` at the
/// beginning. `.` is any character but a newline. What could not be matched that way, such as `\1` and `(?=`, is refused.
public struct TextPattern: Hashable, Sendable {
  /// As it was written.
  public let text: String
  let program: [PatternStep]
  let ignoresCase: Bool

  /// Bytes of an expression.
  public static let limit = 1_000
  /// Steps of its automaton, after `{2,5}` and the like were written out.
  static let stepLimit = 1_000

  /// Throws for anything else than the language above.
  public init(_ text: String) throws(PatternError) {
    guard text.utf8.count <= Self.limit else { throw PatternError("has more than \(Self.limit) bytes") }
    var parser = PatternParser(text)
    let tree = try parser.parse()
    var compiler = PatternCompiler()
    try compiler.add(tree)
    self.text = text
    ignoresCase = parser.ignoresCase
    program = compiler.steps + [.match]
  }

  /// Whether it matches somewhere in the text.
  public func matches(_ text: some Sequence<Unicode.Scalar>) -> Bool {
    var states = States(count: program.count)
    var next = States(count: program.count)
    var isFirst = true
    var iterator = text.makeIterator()
    var scalar = iterator.next()
    while true {
      let isLast = scalar == nil
      // A match may begin anywhere.
      if states.add(0, program, isFirst: isFirst, isLast: isLast) { return true }
      guard let current = scalar else { return false }
      let cases = CharacterCases(current, ignoresCase: ignoresCase)
      let following = iterator.next()
      for state in states.list {
        guard case .character(let set) = program[state], set.contains(cases) else { continue }
        if next.add(state + 1, program, isFirst: false, isLast: following == nil) { return true }
      }
      swap(&states, &next)
      next.removeAll()
      scalar = following
      isFirst = false
    }
  }

  public func matches(_ text: String) -> Bool { matches(text.unicodeScalars) }
}

/// What is wrong with an expression; reads on after "the expression".
public struct PatternError: Error, Hashable, Sendable, CustomStringConvertible {
  public let description: String
  public init(_ description: String) { self.description = description }
}

/// One step of the automaton.
enum PatternStep: Hashable, Sendable {
  case character(CharacterSet)
  /// Goes on at both, by so many steps from here.
  case fork(Int, Int)
  case jump(Int)
  case beginning
  case end
  case match
}

/// A set of characters.
struct CharacterSet: Hashable, Sendable {
  var ranges: [ClosedRange<UInt32>] = []
  var isNegated = false

  func contains(_ cases: CharacterCases) -> Bool {
    ranges.contains { $0.contains(cases.itself) || $0.contains(cases.lower) || $0.contains(cases.upper) } != isNegated
  }
}

/// A character of the text, and what it is taken for as well: the same letter small and capital (Unicode, 3.13), where that is one
/// character.
struct CharacterCases {
  let itself: UInt32
  let lower: UInt32
  let upper: UInt32

  init(_ scalar: Unicode.Scalar, ignoresCase: Bool) {
    itself = scalar.value
    lower = ignoresCase ? Self.one(scalar.properties.lowercaseMapping) ?? itself : itself
    upper = ignoresCase ? Self.one(scalar.properties.uppercaseMapping) ?? itself : itself
  }

  private static func one(_ mapping: String) -> UInt32? {
    let scalars = mapping.unicodeScalars
    return scalars.count == 1 ? scalars.first?.value : nil
  }
}

/// The states that the automaton is in, each once.
private struct States {
  var list: [Int] = []
  private var isIn: [Bool]
  private var pending: [Int] = []

  init(count: Int) { isIn = [Bool](repeating: false, count: count) }

  /// Adds a state and what follows from it without a character; true when that is the match.
  mutating func add(_ state: Int, _ program: [PatternStep], isFirst: Bool, isLast: Bool) -> Bool {
    pending.append(state)
    while let state = pending.popLast() {
      guard !isIn[state] else { continue }
      isIn[state] = true
      list.append(state)
      switch program[state] {
      case .character: break
      case .fork(let a, let b): pending += [state + a, state + b]
      case .jump(let distance): pending.append(state + distance)
      case .beginning: if isFirst { pending.append(state + 1) }
      case .end: if isLast { pending.append(state + 1) }
      case .match:
        pending.removeAll()
        return true
      }
    }
    return false
  }

  mutating func removeAll() {
    for state in list { isIn[state] = false }
    list.removeAll(keepingCapacity: true)
  }
}
