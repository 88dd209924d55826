/// One measured value, and what it is to be seen against.
struct Figure {
  enum Unit: String {
    case seconds = "s"
    case milliseconds = "ms"
    case perSecond = "/s"
    case bytes = "B"
    case mebibytes = "MiB"
    case gigabytesPerSecond = "GB/s"
    case percent = "% of a core"
    case count = ""

    var isBetterWhenHigher: Bool { self == .perSecond || self == .gigabytesPerSecond }
  }

  /// Measured in the same run.
  struct Reference {
    enum Kind: String {
      /// The least that the task costs anyway.
      case floor
      /// Another program at the same task.
      case peer
    }

    var kind: Kind
    /// What it is, in a few words.
    var name: String
    /// In the figure's unit.
    var value: Double

    static func floor(_ name: String, _ value: Double) -> Reference {
      Reference(kind: .floor, name: name, value: value)
    }

    static func peer(_ name: String, _ value: Double) -> Reference {
      Reference(kind: .peer, name: name, value: value)
    }
  }

  var name: String
  var value: Double
  var unit: Unit
  var reference: Reference?
  /// What the figure must reach, in its unit: not more, or where more is better not less.
  var target: Double?

  init(_ name: String, _ value: Double, _ unit: Unit, beside reference: Reference? = nil, target: Double? = nil) {
    self.name = name
    self.value = value
    self.unit = unit
    self.reference = reference
    self.target = target
  }

  /// Our value as a multiple of the reference's; nil when there is none, or when it is nothing.
  var ratio: Double? { reference.flatMap { $0.value > 0 ? value / $0.value : nil } }

  /// Nil without a target.
  var isMet: Bool? { target.map { unit.isBetterWhenHigher ? value >= $0 : value <= $0 } }
}
