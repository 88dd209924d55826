public import Schedule
import Model
import Synchronization

/// The time zones of one folder of TZif files. Each is read once, when it is first asked for; calls block on the disk.
public final class ZoneDatabase: Sendable {
  private let folder: String
  private let state = Mutex(State())

  private struct State {
    var zones: [String: TimeZoneRules] = [:]
    var refusals: [String: ScheduleError] = [:]
    var names: [String]?
  }

  /// How many refused names are remembered, so that ten thousand manifests with one mistake cost one look.
  private static let rememberedRefusals = 1_000

  public init(folder: String = "/usr/share/zoneinfo") { self.folder = folder }

  /// The rules of the zone with the IANA name, such as `Europe/Berlin`. `UTC` is known without any file.
  ///
  /// Throws for an unknown name, with the most likely one as suggestion, and for a file that is not TZif.
  public func zone(named name: String) throws(ScheduleError) -> TimeZoneRules {
    if let problem = ZoneName.problem(in: name) { throw ScheduleError(.timezone, problem) }
    if ZoneName.utc.contains(name) { return .utc }
    let known = state.withLock { ($0.zones[name], $0.refusals[name]) }
    if let zone = known.0 { return zone }
    if let refusal = known.1 { throw refusal }
    do {
      let zone = try read(name)
      state.withLock { $0.zones[name] = zone }
      return zone
    } catch {
      state.withLock { state in
        if state.refusals.count >= Self.rememberedRefusals { state.refusals.removeAll() }
        state.refusals[name] = error
      }
      throw error
    }
  }

  /// All names, in ascending order, aliases included.
  public func names() -> [String] {
    if let names = state.withLock({ $0.names }) { return names }
    let names = ZoneFiles.names(in: folder).union(ZoneName.utc).sorted()
    state.withLock { $0.names = names }
    return names
  }

  private func read(_ name: String) throws(ScheduleError) -> TimeZoneRules {
    guard !ZoneName.isExcluded(name) else {
      throw ScheduleError(.timezone, "'\(name)' does not mean the same time zone everywhere")
    }
    switch ZoneFiles.read(folder + "/" + name) {
    case .bytes(let bytes):
      do {
        return try TimeZoneRules(tzif: bytes, name: name)
      } catch {
        throw ScheduleError(.timezone, "the data of time zone '\(name)' cannot be used: \(error)")
      }
    case .absent: throw unknown(name)
    case .unreadable(let reason):
      throw ScheduleError(.timezone, "the data of time zone '\(name)' cannot be read: \(reason)")
    }
  }

  private func unknown(_ name: String) -> ScheduleError {
    let names = names()
    // UTC is always there.
    guard names.count > ZoneName.utc.count else {
      return ScheduleError(
        .timezone, "time zone '\(name)' is not known: there are no time zones in \(folder)",
        suggestion: "install the package 'tzdata'")
    }
    let near = Self.nearest(to: name, among: names)
    return ScheduleError(
      .timezone, "unknown time zone '\(name)'",
      suggestion: near.map { "did you mean '\($0)'?" } ?? "want a name such as 'Europe/Berlin'")
  }

  /// The same name in other letters, the city alone, or the least different name.
  private static func nearest(to name: String, among names: [String]) -> String? {
    let lower = name.lowercased().replacing(" ", with: "_")
    if let same = names.first(where: { $0.lowercased() == lower }) { return same }
    if let city = names.first(where: { $0.lowercased().hasSuffix("/" + lower) }) { return city }
    return Suggestion.nearest(to: name, among: names)
  }
}
