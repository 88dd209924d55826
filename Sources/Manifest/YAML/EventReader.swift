import CLibYAML

/// libyaml's events for one document. The pointers live here and nowhere else; only Swift values come out.
struct EventReader: ~Copyable {
  struct Mark {
    /// From 0.
    var line: Int
    /// From 0, in Unicode scalars.
    var column: Int
  }

  struct Scalar {
    var text: String
    var style: YAMLScalar.Style
  }

  enum Event {
    case streamStart, streamEnd, documentStart(hasDirective: Bool), documentEnd
    case alias
    case scalar(Scalar)
    case sequenceStart, sequenceEnd, mappingStart, mappingEnd
  }

  /// Why libyaml gave up.
  struct Failure {
    var problem: String
    var mark: Mark
    var context: String?
    var contextMark: Mark
  }

  private let parser: UnsafeMutablePointer<yaml_parser_t>
  private let event: UnsafeMutablePointer<yaml_event_t>

  /// `bytes` must stay where they are for as long as the reader lives. Nil when there is no memory.
  init?(_ bytes: UnsafeBufferPointer<UInt8>) {
    parser = .allocate(capacity: 1)
    guard yaml_parser_initialize(parser) == 1 else {
      parser.deallocate()
      return nil
    }
    event = .allocate(capacity: 1)
    event.initialize(to: yaml_event_t())
    // Said explicitly, so that a file that looks like UTF-16 is not taken for it.
    yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
    yaml_parser_set_input_string(parser, bytes.baseAddress, bytes.count)
  }

  deinit {
    yaml_event_delete(event)
    yaml_parser_delete(parser)
    event.deallocate()
    parser.deallocate()
  }

  /// Moves to the next event; nil after an error, which ``failure`` then tells.
  mutating func next() -> Event? {
    yaml_event_delete(event)
    guard yaml_parser_parse(parser, event) == 1 else { return nil }
    switch event.pointee.type {
    case YAML_STREAM_START_EVENT: return .streamStart
    case YAML_DOCUMENT_START_EVENT:
      let data = event.pointee.data.document_start
      let hasTags = data.tag_directives.start != data.tag_directives.end
      return .documentStart(hasDirective: data.version_directive != nil || hasTags)
    case YAML_DOCUMENT_END_EVENT: return .documentEnd
    case YAML_ALIAS_EVENT: return .alias
    case YAML_SCALAR_EVENT: return .scalar(scalar)
    case YAML_SEQUENCE_START_EVENT: return .sequenceStart
    case YAML_SEQUENCE_END_EVENT: return .sequenceEnd
    case YAML_MAPPING_START_EVENT: return .mappingStart
    case YAML_MAPPING_END_EVENT: return .mappingEnd
    default: return .streamEnd
    }
  }

  /// Where the present event begins.
  var mark: Mark { Self.mark(event.pointee.start_mark) }

  /// Whether the present event's node has an anchor (`&name`).
  var hasAnchor: Bool {
    switch event.pointee.type {
    case YAML_SCALAR_EVENT: event.pointee.data.scalar.anchor != nil
    case YAML_SEQUENCE_START_EVENT: event.pointee.data.sequence_start.anchor != nil
    case YAML_MAPPING_START_EVENT: event.pointee.data.mapping_start.anchor != nil
    default: false
    }
  }

  /// The tag of the present event's node (`!!str`), if it has one.
  var tag: String? {
    switch event.pointee.type {
    case YAML_SCALAR_EVENT: Self.text(event.pointee.data.scalar.tag)
    case YAML_SEQUENCE_START_EVENT: Self.text(event.pointee.data.sequence_start.tag)
    case YAML_MAPPING_START_EVENT: Self.text(event.pointee.data.mapping_start.tag)
    default: nil
    }
  }

  var failure: Failure {
    let parser = parser.pointee
    let context = parser.context.map { String(cString: $0) }
    return Failure(
      problem: parser.problem.map { String(cString: $0) } ?? "out of memory", mark: Self.mark(parser.problem_mark),
      context: context, contextMark: Self.mark(parser.context_mark))
  }

  private var scalar: Scalar {
    let data = event.pointee.data.scalar
    let text = String(decoding: UnsafeBufferPointer(start: data.value, count: data.length), as: UTF8.self)
    let style: YAMLScalar.Style =
      switch data.style {
      case YAML_PLAIN_SCALAR_STYLE: .plain
      case YAML_LITERAL_SCALAR_STYLE, YAML_FOLDED_SCALAR_STYLE: .block
      default: .quoted
      }
    return Scalar(text: text, style: style)
  }

  private static func mark(_ mark: yaml_mark_t) -> Mark {
    Mark(line: Int(clamping: mark.line), column: Int(clamping: mark.column))
  }

  private static func text(_ pointer: UnsafeMutablePointer<yaml_char_t>?) -> String? {
    pointer.map { String(cString: $0) }
  }
}
