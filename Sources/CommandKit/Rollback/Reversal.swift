import Git
import Model

/// A commit that undoes another, made and in no branch yet.
struct Reversal {
  let id: CommitID
  /// What differs from the tip.
  let paths: [ChangedPath]

  /// Throws a `GitError`: `conflict` with the paths when later commits changed the same places, `unchanged` when the
  /// commit is undone already.
  init(_ commit: CommitInfo, on checkout: Checkout) async throws {
    let message = Self.message(for: commit)
    let plain = try checkout.repository.revert(
      commit.id, on: checkout.tip, message: message, author: try await Self.author(checkout))
    paths = try checkout.repository.changedPaths(from: checkout.tip, to: plain)
    id = try await Self.signed(plain, message, checkout)
  }

  /// In the form that git gives to reverts, which tools know.
  static func message(for commit: CommitInfo) -> String {
    var text = "Revert \"\(commit.summary)\"\n\nThis reverts commit \(commit.id)"
    if commit.parents.count > 1 { text += ", reversing\nchanges made to \(commit.parents[0])" }
    return text + ".\n"
  }

  /// Who the user's git says they are.
  private static func author(_ checkout: Checkout) async throws -> GitSignature {
    let line = try await checkout.git.output(
      "var", "GIT_AUTHOR_IDENT", orElse: "git does not know who you are",
      hint: "git config --global user.name 'Your Name' && git config --global user.email you@example.com")
    guard let author = GitSignature(identLine: line) else {
      throw CommandError(.bad, "git gives an author that cannot be read: '\(line)'")
    }
    return author
  }

  /// With the user's own signature where their git signs commits.
  private static func signed(_ commit: CommitID, _ message: String, _ checkout: Checkout) async throws -> CommitID {
    let setting = try await checkout.git.run(["config", "--type=bool", "--get", "commit.gpgsign"])
    guard setting.isSuccess, setting.output == "true" else { return commit }
    let text = try await checkout.git.output(
      "commit-tree", "-S", "-p", checkout.tip.text, "\(commit)^{tree}", input: message, orElse: "cannot sign the revert"
    )
    return try CommitID(text)
  }
}

extension GitSignature {
  /// Reads `Name <mail> 1795132800 +0100`, as `git var` prints it.
  init?(identLine line: String) {
    guard let open = line.firstIndex(of: "<"), let close = line[open...].firstIndex(of: ">") else { return nil }
    let rest = line[line.index(after: close)...].split(separator: " ")
    guard rest.count == 2, let seconds = Int64(rest[0]), rest[1].utf8.count == 5, let zone = Int(rest[1])
    else { return nil }
    let minutes = abs(zone) / 100 * 60 + abs(zone) % 100
    self.init(
      name: line[..<open].split(separator: " ").joined(separator: " "),
      email: String(line[line.index(after: open)..<close]), time: Timestamp(seconds: seconds),
      offset: zone < 0 ? -minutes : minutes)
  }
}
