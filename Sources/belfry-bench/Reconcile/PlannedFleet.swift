import ControllerKit
import Model
import Planning

/// Agents to plan for, with the labels that the generated jobs select.
enum PlannedFleet {
  static let now = Timestamp(seconds: 1_790_000_000)

  /// Agents that are connected and hold nothing.
  static func snapshot(of loaded: LoadedSource, agents: Int) throws -> PlanSnapshot {
    let states = try (0..<agents).map { index in
      AgentState(
        id: AgentID(random: (UInt64(index), 1)), name: try AgentName("host-\(index)"),
        labels: [
          "role": SourceContent.roles[index % SourceContent.roles.count],
          "region": SourceContent.regions[index / SourceContent.roles.count % SourceContent.regions.count],
        ])
    }
    return PlanSnapshot(desired: DesiredState(loaded.jobs), agents: states, terms: AssignmentTerms(epoch: 1))
  }

  /// Figures of a repository with mistakes would be figures of something else.
  static func check(_ loaded: LoadedSource) throws(BenchError) {
    guard loaded.diagnostics.isEmpty, loaded.isComplete, !loaded.jobs.isEmpty else {
      throw BenchError("the generated repository has mistakes: \(loaded.diagnostics.first?.rendered ?? "no jobs")")
    }
  }
}
