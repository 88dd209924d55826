import Schedule
import ZoneInfo

/// What the values of `TZID` in a file mean. Each is looked for once, found or not: a file of ten thousand events has
/// few of them, and one that has many is hostile.
///
/// Confined to the task that reads the file.
final class CalendarZoneNames {
  enum Meaning {
    /// An IANA name.
    case zone(String)
    case unknown(suggestion: String?)
    /// It was not looked for after so many unknown ones.
    case tooMany
  }

  /// What a user meant by an unknown name is looked for among all names, which takes its time; it is done so often.
  static let unknownLimit = 20
  /// Bytes of a value that are looked at.
  private static let longestName = 200
  /// Slashes at which a prefix may end.
  private static let prefixLimit = 8

  private var meanings: [String: Meaning] = [:]
  private var unknownCount = 0
  /// A look into it finds nothing without looking for what was meant.
  private var names: Set<String>?

  func meaning(of name: String, in zones: ZoneDatabase) -> Meaning {
    if let known = meanings[name] { return known }
    let meaning: Meaning
    if let zone = find(name, in: zones) {
      meaning = .zone(zone)
    } else {
      unknownCount += 1
      guard unknownCount <= Self.unknownLimit else { return .tooMany }
      var suggestion: String?
      do { _ = try zones.zone(named: name) } catch { suggestion = error.suggestion }
      meaning = .unknown(suggestion: suggestion)
    }
    meanings[name] = meaning
    return meaning
  }

  /// The name itself, what follows a prefix such as `/freeassociation.sourceforge.net/`, or what Windows means by it.
  private func find(_ name: String, in zones: ZoneDatabase) -> String? {
    guard name.utf8.count <= Self.longestName else { return nil }
    if let zone = WindowsZones.iana[name] { return isUsable(zone, in: zones) ? zone : nil }
    var candidate = name[...]
    let isPrefixed = candidate.hasPrefix("/")
    if isPrefixed { candidate.removeFirst() }
    for _ in 0..<Self.prefixLimit {
      if isUsable(String(candidate), in: zones) { return String(candidate) }
      guard isPrefixed, let slash = candidate.firstIndex(of: "/") else { return nil }
      candidate = candidate[candidate.index(after: slash)...]
    }
    return nil
  }

  private func isUsable(_ name: String, in zones: ZoneDatabase) -> Bool {
    let names = self.names ?? Set(zones.names())
    self.names = names
    return names.contains(name) && (try? zones.zone(named: name)) != nil
  }
}
