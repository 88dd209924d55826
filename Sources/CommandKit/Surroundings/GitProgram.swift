import Model
import Subprocess

/// The user's own `git`, for what must follow the user's configuration: who they are, how they sign, which ssh agent
/// and credential helpers they use, and how their work tree is updated.
struct GitProgram {
  /// A work tree, or a bare repository.
  let folder: String
  let surroundings: Surroundings

  struct Result {
    let isSuccess: Bool
    /// Without the line break at the end.
    let output: String
    let errors: String
  }

  private static let outputLimit = 16 << 20

  /// Runs git to its end; throws only when it cannot be started.
  func run(_ words: [String], input: String = "") async throws -> Result {
    do {
      let result = try await Subprocess.run(
        .name("git"), arguments: Arguments(["-C", folder] + words), environment: environment, input: .string(input),
        output: .string(limit: Self.outputLimit), error: .string(limit: Self.outputLimit))
      return Result(
        isSuccess: result.terminationStatus.isSuccess, output: Self.trimmed(result.standardOutput),
        errors: Self.trimmed(result.standardError))
    } catch {
      throw CommandError(.unreachable, "cannot run git: \(error)", hint: "install git, or correct PATH")
    }
  }

  /// Runs git to success and gives its output.
  func output(
    _ words: String..., input: String = "", orElse message: String, hint: String? = nil
  ) async throws -> String {
    let result = try await run(words, input: input)
    guard result.isSuccess else {
      throw CommandError(.bad, result.errors.isEmpty ? message : "\(message)\n\(result.errors)", hint: hint)
    }
    return result.output
  }

  /// The value of a configuration key; nil when it is not set.
  func setting(_ key: String) async throws -> String? {
    let result = try await run(["config", "--get", key])
    return result.isSuccess ? result.output : nil
  }

  /// Git's messages in English, and the repository that was asked for even inside of a git hook.
  private var environment: Environment {
    var variables = surroundings.environment
    variables["LC_ALL"] = "C"
    for name in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX"] { variables[name] = nil }
    var custom: [Environment.Key: String] = [:]
    for (name, value) in variables {
      if let key = Environment.Key(rawValue: name) { custom[key] = value }
    }
    return .custom(custom)
  }

  private static func trimmed(_ text: String?) -> String {
    var text = text ?? ""
    while text.last?.isNewline ?? false { text.removeLast() }
    return text
  }
}
