import ArgumentParser
import Git
import Model
import Platform

struct RollbackCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rollback",
    abstract: "Revert a commit and push the revert.",
    discussion: """
      Makes the commit that 'git revert' makes, pushes it with your own git, and brings the working tree along. With a \
      job, what is reverted is the last commit that changed the job: its manifest, its files, or defaults that it \
      inherits. With a commit it is that one, without either it is HEAD. Shows what will be reverted and what that \
      changes, and asks first.

      Nothing is changed when the revert conflicts with later commits, when the working tree has changes that are not \
      committed, or when the push is refused. With --yes a revert is reverted only when it is named by its commit.

      Examples:
        belfry rollback
        belfry rollback data/orders-backup
        belfry rollback 4b1f0c2d9 --yes
        belfry rollback -C /srv/git/jobs.git data/orders-backup
      """)

  @Argument(help: ArgumentHelp("A job, or a commit; default: HEAD.", valueName: "job|commit"))
  var target: String?

  @Flag(name: .shortAndLong, help: "Do not ask.")
  var yes = false

  @Option(help: ArgumentHelp("Where to push; default: what the branch follows, else 'origin'.", valueName: "name"))
  var remote: String?

  @Flag(help: "Leave the revert in this repository.")
  var noPush = false

  @OptionGroup var repository: RepositoryOption
  @OptionGroup var format: FormatOption

  func validate() throws {
    if remote != nil, noPush { throw ValidationError("--remote and --no-push exclude each other") }
  }

  func run() async throws {
    let surroundings = Surroundings.current
    let checkout = try Checkout(repository.location(), surroundings)
    try await checkout.refuseChanges()
    let push = noPush ? nil : try await checkout.pushTarget(remote: remote)
    let source = SourceFolder(checkout.location, repository: checkout.repository)
    let commit = try RollbackTarget(source: source, repository: checkout.repository, tip: checkout.tip).find(target)
    try refuseToUndoARollback(commit)
    // The new commit is in no branch yet: whoever says no leaves nothing behind that anybody sees.
    let revert = try await Reversal(commit, on: checkout)
    let plan = RevisionPlan(from: try source.load(checkout.tip).desired(), to: try source.load(revert.id))
    let report = RollbackReport(
      reverted: commit, revert: revert.id, paths: revert.paths, plan: plan, push: push, now: surroundings.clock.now)
    if !format.isJSON { try surroundings.print(report.text) }
    try confirm(surroundings)
    if let push { try await checkout.push(revert.id, to: push) }
    try await checkout.advance(to: revert.id, isPushed: push != nil)
    try format.isJSON ? surroundings.print(report.json) : surroundings.print(report.ending)
  }

  /// Nobody who is not asked brings back by repeating a command what that command has taken away.
  private func refuseToUndoARollback(_ commit: CommitInfo) throws {
    guard yes, RollbackReport.isRevert(commit), target.map({ !commit.id.text.hasPrefix($0) }) ?? true else { return }
    throw CommandError(
      .bad,
      "the last change is a revert itself, \(commit.id.short) \"\(TerminalText.neutralised(commit.summary))\": reverting it "
        + "would bring back what it took away",
      hint: "if that is meant: belfry rollback \(commit.id.short) --yes")
  }

  private func confirm(_ surroundings: Surroundings) throws {
    if yes { return }
    switch surroundings.confirms("Revert it?") {
    case true?: return
    case false?: throw CommandError(.bad, "nothing was changed")
    case nil:
      surroundings.complain("\n")
      throw CommandError(.usage, "there is nobody to ask, so nothing was changed", hint: "--yes does it without asking")
    }
  }
}
