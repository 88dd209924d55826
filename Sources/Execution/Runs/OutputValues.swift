public import Model

/// The values that an attempt has written to the file `BELFRY_OUTPUT`, read against the names that its manifest declares.
///
/// The file is one JSON object when it begins with `{`, and else lines `NAME=VALUE`. A line's value is whatever stands behind
/// the `=`: a whole number, a decimal or a truth value where it is written as one, which loses nothing, and else a text. The
/// last line of a name counts. What cannot be taken becomes a problem in words, and never more than that.
public struct OutputValues: Hashable, Sendable {
  public private(set) var values: [String: ParameterValue] = [:]
  /// In words, at most ``problemLimit``, and how many more there are.
  public private(set) var problems: [String] = []
  private var furtherProblems = 0

  /// Bytes of the file.
  public static let fileLimit = 256 << 10
  /// Bytes of one text.
  public static let textLimit = 4 << 10
  /// Bytes of all values as JSON.
  public static let totalLimit = 16 << 10
  static let problemLimit = 3

  public init() {}

  /// What could not be read at all.
  init(problem: String) { problems = [problem] }

  /// Pure; `bytes` is the whole file.
  public init(parsing bytes: [UInt8], declared: [String]) {
    guard let first = bytes.first(where: { ![0x20, 0x09, 0x0a, 0x0d].contains($0) }) else { return }
    guard !declared.isEmpty else {
      problems = ["it wrote outputs, and its manifest declares none"]
      return
    }
    let found = first == 0x7b ? object(bytes) : lines(bytes)
    keep(found, declared: Set(declared))
    if furtherProblems > 0 { problems.append("\(furtherProblems) more") }
  }

  private mutating func keep(_ found: [String: ParameterValue], declared: Set<String>) {
    var room = Self.totalLimit
    for (name, value) in found.sorted(by: { $0.key < $1.key }) {
      guard declared.contains(name) else {
        note("'\(Self.excerpt(name))' is not declared")
        continue
      }
      if case .string(let text) = value, text.utf8.count > Self.textLimit {
        note("'\(name)' has more than \(Self.textLimit) bytes")
        continue
      }
      room -= name.utf8.count + value.json.bytes.count + 4
      guard room >= 0 else {
        note("'\(name)' has no room: all together have more than \(Self.totalLimit) bytes")
        continue
      }
      values[name] = value
    }
  }

  private mutating func object(_ bytes: [UInt8]) -> [String: ParameterValue] {
    let json: JSONValue
    do throws(JSONError) {
      json = try JSONValue(parsing: bytes, limit: Self.fileLimit, depth: 4, decimals: true)
    } catch {
      note("the file is no JSON object: \(TerminalText.neutralised("\(error)"))")
      return [:]
    }
    guard case .object(let members) = json else { return [:] }
    var found: [String: ParameterValue] = [:]
    for member in members {
      do throws(JSONError) { found[member.key] = try ParameterValue(json: member.value) } catch {
        note("'\(Self.excerpt(member.key))' is neither a text, nor a number, nor true or false")
      }
    }
    return found
  }

  private mutating func lines(_ bytes: [UInt8]) -> [String: ParameterValue] {
    var found: [String: ParameterValue] = [:]
    for (index, line) in bytes.split(separator: 0x0a, omittingEmptySubsequences: false).enumerated() {
      let line = line.last == 0x0d ? line.dropLast() : line
      if line.isEmpty { continue }
      guard let equals = line.firstIndex(of: 0x3d), let text = String(validating: line[..<equals], as: UTF8.self),
        Job.problem(inOutput: text) == nil
      else {
        note("line \(index + 1) is not NAME=VALUE")
        continue
      }
      guard let value = String(validating: line[(equals + 1)...], as: UTF8.self), !value.utf8.contains(0) else {
        note("the value of '\(text)' is not UTF-8 text")
        continue
      }
      found[text] = Self.value(value)
    }
    return found
  }

  /// A number only when it is written as one would be printed, so that its text stays as it is.
  private static func value(_ text: String) -> ParameterValue {
    if text == "true" || text == "false" { return .boolean(text == "true") }
    if let number = Int64(text), String(number) == text { return .integer(number) }
    if text.utf8.contains(0x2e), ParameterValue.isDecimal(text) { return .decimal(text) }
    return .string(text)
  }

  private mutating func note(_ problem: String) {
    if problems.count < Self.problemLimit { problems.append(problem) } else { furtherProblems += 1 }
  }

  private static func excerpt(_ name: String) -> String { TerminalText.neutralised(bytes: name.utf8.prefix(40)) }
}

extension RunFolder {
  /// The file that the job finds as `BELFRY_OUTPUT`.
  public var outputFile: String { path + "/outputs" }

  /// What the job has written there, after its end. Never throws: what cannot be read is a problem in the values.
  public func outputValues(declared: [String]) -> OutputValues {
    do throws(ExecutionError) {
      let bytes = try open().openFile("outputs").readWhole(limit: OutputValues.fileLimit, name: "the file")
      return OutputValues(parsing: bytes, declared: declared)
    } catch {
      // Without one, it never came so far, or removed it.
      return error.code == .missing ? OutputValues() : OutputValues(problem: "\(error)")
    }
  }
}
