import Model
import Planning

/// Agents that say that they obey a later controller than this one. They refuse whatever this one signs.
///
/// That happens when a controller has lost its state folder AND its results branch, and so began at 1 again. It is the
/// agents' word, so it moves nothing by itself: an agent that lies could otherwise use up all epochs. It is shown to the
/// operator, who decides and writes a line into `controller.yaml`.
struct LaterEpoch: Hashable, Sendable {
  /// How far above its own a controller takes an epoch to be possible: one is used up at each start.
  static let credible: Int64 = 1_000_000

  /// This controller's.
  let own: Int64
  /// The highest credible one that is claimed; that of the controller when only incredible ones are.
  let epoch: Int64
  /// Who claims a credible one, by name.
  let agents: [AgentName]
  /// Who claims one that no controller can have reached.
  let incredible: [AgentName]
  /// Agents that are known in all.
  let known: Int

  /// Nil when no member claims a later epoch.
  init?(epoch own: Int64, members: some Collection<FleetState.Member>) {
    let later = members.filter { $0.agent.position.epoch > own }
    guard !later.isEmpty else { return nil }
    let (credible, incredible) = later.reduce(into: ([FleetState.Member](), [FleetState.Member]())) { lists, member in
      if member.agent.position.epoch - own <= Self.credible { lists.0.append(member) } else { lists.1.append(member) }
    }
    self.own = own
    epoch = credible.map(\.agent.position.epoch).max() ?? own
    agents = credible.map(\.agent.name).sorted()
    self.incredible = incredible.map(\.agent.name).sorted()
    known = members.count
  }

  /// The line of `controller.yaml` with which the next start wins the agents back; nil when no claim is credible.
  var line: String? { epoch > own ? "epoch: {least: \(epoch + 1)}" : nil }

  /// For the log and `status`.
  var words: String {
    var parts: [String] = []
    if let line {
      parts.append(
        "\(list(agents)) of \(known) agents obey a later controller (up to epoch \(epoch), this one has \(own)) and refuse "
          + "this one's assignments: if no other controller is acting and you believe them, write '\(line)' into "
          + "controller.yaml and start it again")
    }
    if !incredible.isEmpty {
      parts.append("\(list(incredible)) claim an epoch that no controller can have reached: look at those hosts")
    }
    return parts.joined(separator: "; ")
  }

  private func list(_ names: [AgentName]) -> String {
    let shown = names.prefix(5).map(\.text).joined(separator: ", ")
    return names.count > 5 ? "\(shown) and \(names.count - 5) more" : shown
  }
}
