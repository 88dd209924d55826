import Model
import Trust

/// What signed objects are, and whether they are genuine.
struct VerifyReport {
  enum Verdict: Hashable {
    /// Signed by the key of that id, which stands in that file.
    case good(keyID: Digest, file: String)
    /// Why not, in words.
    case bad(String)
    /// Nobody knows: why there is no key to check it with.
    case unchecked(String)
  }

  struct Item {
    var title: String
    /// Nil for what could not even be read.
    var inspection: Inspection?
    var verdict: Verdict
    /// A shell script that checks the same; nil without a key.
    var script: String?
  }

  var items: [Item]

  var isGood: Bool { items.allSatisfy(\.isGood) }

  /// Nothing could be said of anything: the first of what would have needed a key. Nil when something is good or bad.
  var firstOfNoneChecked: Inspection? {
    let isNothingSaid = items.allSatisfy { if case .unchecked = $0.verdict { true } else { false } }
    return isNothingSaid ? items.first?.inspection : nil
  }

  /// A single object in full; of several, a line each.
  func text(openssl: Bool) -> String {
    var text = ""
    if items.count == 1, let item = items.first {
      text = (item.inspection?.text ?? "") + item.line + "\n"
    } else {
      text = items.map { $0.line + "\n" }.joined()
      text += "\(items.count { $0.isGood }) of \(items.count) good\n"
    }
    if openssl { text += items.compactMap(\.script).map { "\n" + $0 }.joined() }
    return TerminalText.neutralised(text, keepingLines: true)
  }

  var json: JSONValue {
    .array(
      items.map { item in
        var reason: JSONValue?
        var keyID: JSONValue?
        switch item.verdict {
        case .good(let id, _): keyID = .string(id.hex)
        case .bad(let words): reason = .string(words)
        case .unchecked(let words): reason = .string("no key: " + words)
        }
        return .members([
          "object": .string(item.title), "valid": .bool(item.isGood), "reason": reason, "keyid": keyID,
          "kind": item.inspection.map { .string($0.kind.rawValue) },
          "sha256": item.inspection.map { .string($0.digest.hex) },
          "claims": item.inspection.map { inspection in
            .array(inspection.claims.map { ["label": .string($0.label), "text": .string($0.text)] })
          },
          "openssl": item.script.map(JSONValue.string),
        ])
      })
  }
}

extension VerifyReport.Item {
  init(title: String, verdict: VerifyReport.Verdict) {
    self.init(title: title, inspection: nil, verdict: verdict, script: nil)
  }

  /// Reads an object and checks it with the key that the keyring has for its signer. `script` makes the openssl
  /// commands for the object and a key's file. Throws when the branch cannot be read.
  init(
    title: String, _ keys: Keyring, read: () throws(TrustError) -> Inspection,
    script: (Inspection, String) -> String
  ) throws {
    let inspection: Inspection
    do throws(TrustError) {
      inspection = try read()
    } catch {
      self.init(title: title, verdict: .bad(error.message))
      return
    }
    guard let found = try keys.key(for: inspection) else {
      self.init(title: title, inspection: inspection, verdict: .unchecked(keys.absence(for: inspection)), script: nil)
      return
    }
    var verdict = VerifyReport.Verdict.good(keyID: found.key.keyID, file: found.file)
    do throws(TrustError) { try inspection.check(key: found.key) } catch { verdict = .bad(error.message) }
    self.init(title: title, inspection: inspection, verdict: verdict, script: script(inspection, found.file))
  }

  var isGood: Bool { if case .good = verdict { true } else { false } }

  /// `GOOD runs/…:1: signed by key 0123… (agents/….pem)`
  var line: String {
    switch verdict {
    case .good(let id, let file): "GOOD  \(title): signed by key \(id.short)… (\(file))"
    case .bad(let reason): "BAD   \(title): \(reason)"
    case .unchecked(let reason): "NOKEY \(title): not checked: \(reason)"
    }
  }
}
