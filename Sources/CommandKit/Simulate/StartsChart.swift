import Model
import Schedule

/// How many runs start in each minute, as bars: minutes where they fit, else the busiest minute of each longer time.
struct StartsChart {
  struct Bar: Hashable {
    /// The beginning of its time.
    var time: Timestamp
    /// Starts in its busiest minute.
    var peak: Int
    /// Starts in all of it.
    var total: Int
  }

  let bars: [Bar]
  /// Of a bar's time; a minute when each has a bar of its own.
  let width: Duration
  /// The minute in which most start, the first of several; nil when nothing starts.
  let worst: (time: Timestamp, count: Int)?
  private let zone: TimeZoneRules

  /// Bars that are shown at the most.
  static let barLimit = 48
  /// In minutes.
  private static let widths: [Int64] = [1, 5, 15, 60, 360, 1_440, 7 * 1_440, 30 * 1_440, 365 * 1_440]
  /// For spans of centuries.
  private static let longest: Int64 = 36_500 * 1_440

  /// `starts` in any order. Times in which nothing starts have no bar.
  init(_ starts: [Timestamp], zone: TimeZoneRules) {
    self.zone = zone
    var minutes: [Int64: Int] = [:]
    for start in starts { minutes[start.minute, default: 0] += 1 }
    let busiest = minutes.min { a, b in a.value == b.value ? a.key < b.key : a.value > b.value }
    worst = busiest.map { (Timestamp(seconds: $0.key * 60), $0.value) }
    // Days begin at the zone's midnight.
    let shown = minutes.map { minute, count in
      let offset = Int64(zone.offset(at: Timestamp(seconds: minute * 60))).flooredDivision(by: 60)
      return (local: minute + offset, offset: offset, count: count)
    }
    let width = Self.widths.first { width in
      Set(shown.map { $0.local.flooredDivision(by: width) }).count <= Self.barLimit
    }
    let minutesOfBar = width ?? Self.longest
    self.width = .seconds(minutesOfBar * 60)
    var bars: [Int64: Bar] = [:]
    for minute in shown {
      let number = minute.local.flooredDivision(by: minutesOfBar)
      // Where the clock changes within it, its beginning is told by either offset: the earlier one.
      let begin = Timestamp(seconds: (number * minutesOfBar - minute.offset) * 60)
      var bar = bars[number] ?? Bar(time: begin, peak: 0, total: 0)
      bar.time = min(bar.time, begin)
      bar.peak = max(bar.peak, minute.count)
      bar.total += minute.count
      bars[number] = bar
    }
    self.bars = bars.values.sorted { $0.time < $1.time }
  }

  /// `columns` characters a line at the most, unless numbers alone need more.
  func text(columns: Int) -> String {
    guard let worst else { return "" }
    let isByMinute = width == .seconds(60)
    var title = "Starts per minute"
    if !isByMinute { title += ", the busiest minute of each \(width.manifestText)" }
    title += "; most, \(worst.count), at \(Humane.local(worst.time, in: zone))\n"
    let times = bars.map { label($0.time) }
    let peaks = bars.map { String($0.peak) }
    let totals = bars.map { isByMinute ? "" : " of \($0.total)" }
    let (timeWidth, peakWidth, totalWidth) = (Self.width(times), Self.width(peaks), Self.width(totals))
    let room = max(10, columns - timeWidth - peakWidth - totalWidth - 4)
    let lines = bars.indices.map { index in
      let length = max(1, (bars[index].peak * room + worst.count / 2) / worst.count)
      let front = times[index] + "  " + Self.filled(peaks[index], to: peakWidth, before: true)
      return front + Self.filled(totals[index], to: totalWidth) + "  " + String(repeating: "█", count: length) + "\n"
    }
    return title + lines.joined()
  }

  /// In whole minutes of the zone, the date included.
  private func label(_ time: Timestamp) -> String {
    let civil = zone.civil(at: time)
    let date = "\(padded(civil.year, 4))-\(padded(civil.month, 2))-\(padded(civil.day, 2))"
    return width >= .seconds(86_400) ? date : "\(date) \(padded(civil.hour, 2)):\(padded(civil.minute, 2))"
  }

  private static func width(_ texts: [String]) -> Int { texts.map(\.count).max() ?? 0 }

  private static func filled(_ text: String, to width: Int, before: Bool = false) -> String {
    let space = String(repeating: " ", count: width - text.count)
    return before ? space + text : text + space
  }

  var json: JSONValue {
    .members([
      "widthMs": .milliseconds(width),
      "worst": worst.map { ["minute": .string(Humane.local($0.time, in: zone)), "starts": .integer(Int64($0.count))] },
      "bars": .array(
        bars.map { bar in
          [
            "time": .string(Humane.local(bar.time, in: zone)), "peak": .integer(Int64(bar.peak)),
            "total": .integer(Int64(bar.total)),
          ]
        }),
    ])
  }
}

extension Timestamp {
  /// Whole minutes since the epoch.
  fileprivate var minute: Int64 { seconds.flooredDivision(by: 60) }
}
