import ArgumentParser
import Git
import Model
import Planning
import Platform

struct PlanCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "plan",
    abstract: "Show what would change.",
    discussion: """
      Compares two revisions of the repository, without a controller: BASE (default HEAD) with HEAD (default the \
      working tree). With --controller, or with one named by --config or --api, shows what the running controller would \
      do to its fleet if the revision (default HEAD) were the tip of its source branch.

      The exit code is 1 when the newer state has errors; jobs with errors stay as they are.

      Examples:
        belfry plan                         what committing would change
        belfry plan origin/main             the same, since what was pushed
        belfry plan HEAD~1 HEAD             what the last commit changed
        belfry plan --controller my-branch  on the running controller's fleet
      """)

  @Argument(help: "The older revision; with --controller the revision to plan for.")
  var base: String?

  @Argument(help: "The newer revision; default: the working tree.")
  var head: String?

  @Flag(help: "Ask the running controller what its fleet holds.")
  var controller = false

  @OptionGroup var options: ControllerOptions
  @OptionGroup var repository: RepositoryOption
  @OptionGroup var format: FormatOption

  func run() async throws {
    let surroundings = Surroundings.current
    let location = try repository.location()
    let report: ValidationReport
    if controller || options.isGiven {
      report = try await planFleet(location, surroundings)
    } else {
      report = try planRevisions(location, surroundings)
    }
    if report.errors > 0 { throw ExitStatus.bad }
  }

  private func planRevisions(_ location: RepositoryLocation, _ surroundings: Surroundings) throws -> ValidationReport {
    let source = try SourceFolder(at: location)
    let old = try older(in: source)
    let new = try head.map { try source.load(try source.commit($0)) } ?? source.loadWorkTree()
    let plan = RevisionPlan(from: old, to: new)
    try show(plan.text, plan.json, plan.report, surroundings)
    return plan.report
  }

  /// Before the first commit there is nothing.
  private func older(in source: SourceFolder) throws -> DesiredState {
    if base == nil, try source.repository?.tip(ofReference: "HEAD") == nil { return DesiredState(jobs: [:]) }
    return try source.load(try source.commit(base ?? "HEAD")).desired()
  }

  private func planFleet(_ location: RepositoryLocation, _ surroundings: Surroundings) async throws -> ValidationReport
  {
    if head != nil {
      throw CommandError(
        .usage, "the fleet is compared with one revision, not with two", hint: "leave out the second one")
    }
    let snapshot = try FleetSnapshot(json: try await options.client().get("/v1/snapshot"))
    let source = try SourceFolder(at: location, source: (snapshot.repository, snapshot.branch))
    let plan = try FleetPlan(
      snapshot, revision: try source.commit(base ?? "HEAD"), in: source, now: surroundings.clock.now)
    if let reason = snapshot.sourceReason {
      surroundings.warn("the controller does not know its source completely now: \(reason)")
    }
    try show(plan.text, plan.json, plan.report, surroundings)
    return plan.report
  }

  private func show(
    _ text: String, _ json: JSONValue, _ report: ValidationReport, _ surroundings: Surroundings
  ) throws {
    guard !format.isJSON else { return try surroundings.print(json) }
    surroundings.complain(report.diagnosticsText)
    try surroundings.print(text)
  }
}
