import Model

/// What a folder gives to the jobs in it and below: its `defaults.yaml` over those of the folders above and over
/// `defaults` of `belfry.yaml`.
///
/// An object, because its identity says whether jobs that were read with it need reading again.
final class DefaultsLayer: Sendable {
  let parent: DefaultsLayer?
  let source: SourceText?
  /// Nil when there are none.
  let node: YAMLNode?
  /// This or an upper file cannot be read, so what jobs here mean is not known.
  let isBroken: Bool
  /// Of this file.
  let diagnostics: [Diagnostic]

  init(
    parent: DefaultsLayer?, source: SourceText?, node: YAMLNode?, isBroken: Bool, diagnostics: [Diagnostic] = []
  ) {
    self.parent = parent
    self.source = source
    self.diagnostics = diagnostics
    self.node = node.map { near in parent?.node.map { Defaults.merge(near, over: $0) } ?? near } ?? parent?.node
    self.isBroken = isBroken || parent?.isBroken == true
  }
}

enum Defaults {
  /// The keys of both; where both have one, mappings are merged in turn and of everything else the near one stands.
  static func merge(_ near: YAMLNode, over far: YAMLNode) -> YAMLNode { merge(near, over: far, key: nil) }

  private static func merge(_ near: YAMLNode, over far: YAMLNode, key: String?) -> YAMLNode {
    guard case .mapping(let nearEntries) = near.content, case .mapping(let farEntries) = far.content else {
      return near
    }
    // A job that says `command` does not want a default's `script` besides: what is executed is one choice.
    let choosesProgram = key == "run" && nearEntries.contains { JobReader.programKeys.contains($0.key) }
    var merged = nearEntries
    merged.reserveCapacity(nearEntries.count + farEntries.count)
    for entry in farEntries {
      if choosesProgram, JobReader.programKeys.contains(entry.key) { continue }
      if let index = nearEntries.firstIndex(where: { $0.key == entry.key }) {
        let value = merge(merged[index].value, over: entry.value, key: entry.key)
        merged[index] = YAMLEntry(key: entry.key, at: merged[index].keyPlace, value: value)
      } else if key != nil || entry.key != "job" {
        merged.append(entry)
      }
    }
    return YAMLNode(.mapping(merged), at: near.place)
  }
}
