import Model

extension JobReader {
  /// Calendars that a job may name.
  private static let blackoutLimit = 20

  /// The names, each once. Whether there are such calendars is seen when the commit is put together, because a job's
  /// document is not read again for a change of a calendar.
  func blackout(_ value: ValueReader) -> [CalendarClaim] {
    if let text = value.node.scalar?.text, value.node.scalar?.resolved != .null {
      value.wants("a list of calendars", suggestion: "write [\(Legible.text(String(text.prefix(60))))]")
      return []
    }
    var claims: [CalendarClaim] = []
    for claim in value.list(count: 0...Self.blackoutLimit, of: "calendars", calendar) ?? []
    where !claims.contains(where: { $0.name == claim.name }) {
      claims.append(claim)
    }
    return claims
  }

  private func calendar(_ value: ValueReader) -> CalendarClaim? {
    if value.node.entries != nil {
      value.fail(
        "a calendar is named here, not written out",
        suggestion: "put it under 'calendars' of belfry.yaml and name it here")
      return nil
    }
    return value.string(bytes: 1...1_000).map { CalendarClaim(name: $0, place: value.node.place) }
  }
}
