/// One key that a mapping may have.
public struct Field: Hashable, Sendable {
  public let name: String
  /// What its value looks like, such as `a duration`.
  public let form: String
  /// One line for people.
  public let summary: String
  public let isRequired: Bool
  /// False for a field of the manifest's definition that this version refuses as not supported yet.
  public let isSupported: Bool

  public init(_ name: String, _ form: String, _ summary: String, isRequired: Bool = false, isSupported: Bool = true) {
    self.name = name
    self.form = form
    self.summary = summary
    self.isRequired = isRequired
    self.isSupported = isSupported
  }

  /// A field that a later version will read.
  static func later(_ name: String, _ form: String, _ summary: String) -> Field {
    Field(name, form, summary, isSupported: false)
  }
}

/// The keys of one kind of mapping: what readers accept, suggestions are chosen from, and documentation lists.
public struct FieldTable: Sendable {
  /// Where the mapping stands, for messages: `run` gives "unknown key 'x' in run".
  public let title: String
  public let fields: [Field]
  /// Keys of other mappings and where they belong, for those who put one in the wrong place.
  public let elsewhere: [String: String]
  /// What other schedulers call keys of this table or of ``elsewhere``, for those who come from them.
  public let foreign: [String: String]

  public init(
    _ title: String, _ fields: [Field], elsewhere: [String: String] = [:], foreign: [String: String] = [:]
  ) {
    self.title = title
    self.fields = fields
    self.elsewhere = elsewhere
    self.foreign = foreign
  }

  public subscript(name: String) -> Field? { fields.first { $0.name == name } }
}
