/// One value of a YAML document, with the place where it begins.
public struct YAMLNode: Sendable {
  public enum Content: Sendable {
    case scalar(YAMLScalar)
    case sequence([YAMLNode])
    /// In the order of the file; keys differ from each other.
    case mapping([YAMLEntry])
    /// Something refused whose diagnostic exists already: readers give nil for it and stay silent.
    case invalid
  }

  public let content: Content
  public let place: SourcePlace

  public init(_ content: Content, at place: SourcePlace) {
    self.content = content
    self.place = place
  }

  public var scalar: YAMLScalar? { if case .scalar(let scalar) = content { scalar } else { nil } }
  public var elements: [YAMLNode]? { if case .sequence(let list) = content { list } else { nil } }
  public var entries: [YAMLEntry]? { if case .mapping(let entries) = content { entries } else { nil } }

  /// The value of the key; nil for another kind of node.
  public subscript(key: String) -> YAMLNode? { entries?.first { $0.key == key }?.value }

  /// The node in words, for "wants …, not …".
  public var summary: String {
    switch content {
    case .scalar(let scalar): scalar.resolved == .null ? "nothing" : Legible.quoted(scalar.text)
    case .sequence: "a list"
    case .mapping(let entries): entries.isEmpty ? "an empty mapping" : "a mapping"
    case .invalid: "this"
    }
  }
}

/// A key of a mapping and its value.
public struct YAMLEntry: Sendable {
  public let key: String
  public let keyPlace: SourcePlace
  public let value: YAMLNode

  public init(key: String, at keyPlace: SourcePlace, value: YAMLNode) {
    self.key = key
    self.keyPlace = keyPlace
    self.value = value
  }
}

/// A scalar as written; ``resolved`` says what it means.
public struct YAMLScalar: Hashable, Sendable {
  public enum Style: Sendable { case plain, quoted, block }

  /// Without quotes, escapes undone.
  public let text: String
  public let style: Style

  public init(_ text: String, _ style: Style = .plain) {
    self.text = text
    self.style = style
  }
}
