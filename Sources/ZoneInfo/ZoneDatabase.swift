public import Schedule
import Model
import Synchronization

/// The time zones of one folder of TZif files. Each is read when it is first asked for, and again by ``reload()`` when
/// its file has changed; calls block on the disk.
public final class ZoneDatabase: Sendable {
  private let folder: String
  private let state = Mutex(State())

  private struct State {
    var zones: [String: Known] = [:]
    var refusals: [String: ScheduleError] = [:]
    var names: [String]?
  }

  private struct Known {
    var rules: TimeZoneRules
    /// Of the file that the rules are from; nil when there is a problem with the one that is there now.
    var file: FileState?
    /// Why the file as it is now cannot be used; the rules are then those of an earlier one.
    var problem: ScheduleError?
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
    let known = state.withLock { ($0.zones[name]?.rules, $0.refusals[name]) }
    if let rules = known.0 { return rules }
    if let refusal = known.1 { throw refusal }
    do {
      let (rules, file) = try read(name)
      state.withLock { $0.zones[name] = Known(rules: rules, file: file) }
      return rules
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

  private func read(_ name: String) throws(ScheduleError) -> (TimeZoneRules, FileState) {
    guard !ZoneName.isExcluded(name) else {
      throw ScheduleError(.timezone, "'\(name)' does not mean the same time zone everywhere")
    }
    switch ZoneFiles.read(path(name)) {
    case .bytes(let bytes, let file):
      do {
        return (try TimeZoneRules(tzif: bytes, name: name), file)
      } catch {
        throw ScheduleError(.timezone, "the data of time zone '\(name)' cannot be used: \(error)")
      }
    case .absent: throw unknown(name)
    case .unreadable(let reason):
      throw ScheduleError(.timezone, "the data of time zone '\(name)' cannot be read: \(reason)")
    }
  }

  private func path(_ name: String) -> String { folder + "/" + name }

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

/// What ``ZoneDatabase/reload()`` found.
public struct ZoneReload: Hashable, Sendable {
  /// The names of the zones whose rules are other ones now.
  public var changed: Set<String>
  /// The names of the zones whose file is gone or cannot be used any more, with the reason: they keep the rules that
  /// they had. A problem is reported each time until the file is well again.
  public var problems: [String: ScheduleError]

  public init(changed: Set<String> = [], problems: [String: ScheduleError] = [:]) {
    self.changed = changed
    self.problems = problems
  }
}

extension ZoneDatabase {
  /// Looks at the file of every zone that was asked for so far, and reads those again that are not the files that were
  /// read: one `stat` a zone when nothing has changed. A schedule holds its rules by value: what was made from a zone
  /// that is in `changed` has to be made anew.
  ///
  /// Names that were refused before are looked for again when they are next asked for.
  public func reload() -> ZoneReload {
    let known = state.withLock { state in
      state.refusals.removeAll()
      state.names = nil
      return state.zones
    }
    var result = ZoneReload()
    for (name, zone) in known {
      let renewed = renew(zone, name)
      if renewed.rules != zone.rules { result.changed.insert(name) }
      result.problems[name] = renewed.problem
      state.withLock { $0.zones[name] = renewed }
    }
    return result
  }

  private func renew(_ zone: Known, _ name: String) -> Known {
    let file = ZoneFiles.state(of: path(name))
    guard file != zone.file else { return zone }
    guard file != nil else {
      let problem = ScheduleError(.timezone, "the data of time zone '\(name)' is no longer in \(folder)")
      return Known(rules: zone.rules, file: nil, problem: problem)
    }
    do {
      let (rules, file) = try read(name)
      return Known(rules: rules, file: file)
    } catch {
      // Without a file it is read again each time: what cannot be used now may be half written.
      return Known(rules: zone.rules, file: nil, problem: error)
    }
  }
}
