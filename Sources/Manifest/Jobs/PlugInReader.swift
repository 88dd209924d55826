import Model

// `run.plugin`.

extension JobReader {
  func plugIn(_ value: ValueReader) -> PlugInCall? {
    guard var fields = value.fields(JobFields.plugIn) else { return nil }
    let name = isDefaults ? fields.take("name") : fields.require("name")
    let with = fields.take("with")
    fields.finish()
    var call: PlugInCall?
    if let text = name?.string(bytes: 1...ManifestLimits.stringBytes) {
      do throws(NameError) { call = PlugInCall(name: try PlugInName(text)) } catch { name?.fail(error.description) }
    }
    guard let with else { return call }
    guard with.node.entries != nil else {
      with.wants("a mapping: what the plug-in is told")
      return nil
    }
    guard let json = json(with.node, depth: PlugInCall.depth, with) else { return nil }
    guard json.bytes.count <= PlugInCall.limit else {
      with.fail("'with' is too large", suggestion: "at most \(PlugInCall.limit) bytes; larger texts travel as files")
      return nil
    }
    call?.with = json
    return call
  }

  /// The value with its keys ascending; nil, reported, for what JSON of signed objects has no form for.
  private func json(_ node: YAMLNode, depth: Int, _ value: ValueReader) -> JSONValue? {
    guard depth > 0 else {
      sink.error(at: node.place, "'with' has more than \(PlugInCall.depth) levels")
      return nil
    }
    switch node.content {
    case .invalid: return nil
    case .sequence(let nodes):
      let list = nodes.compactMap { json($0, depth: depth - 1, value) }
      return list.count == nodes.count ? .array(list) : nil
    case .mapping(let entries):
      var members: [String: JSONValue] = [:]
      for entry in entries { members[entry.key] = json(entry.value, depth: depth - 1, value) }
      return members.count == entries.count ? .sorted(members) : nil
    case .scalar(let scalar):
      switch scalar.resolved {
      case .string: return .string(scalar.text)
      case .integer(let number): return .integer(number)
      case .boolean(let flag): return .bool(flag)
      case .float, .hugeInteger:
        sink.error(
          at: node.place, "\(Legible.quoted(scalar.text)) is not a whole number of 64 bits",
          suggestion: "put it in quotes to hand it on as a text")
      case .null: sink.error(at: node.place, "there is no value", suggestion: "leave the key out, or give it a value")
      }
      return nil
    }
  }
}
