// How to check a signature without Belfry: a shell script of openssl 3, coreutils and sed.

import Model

extension Inspection {
  /// The script for an envelope in the file at path `file`, with the public key (PEM) in the file at path `key`.
  ///
  /// It ends with status 0 only if the signature is good, and reads both files anew, so that it proves something about
  /// them and not about this process. Paths are quoted for the shell.
  public func opensslScript(file: String, key: String) -> String {
    // The whole line must have the one form of an envelope, with exactly this type and key id, or nothing comes out.
    let head = Envelope.opening + pattern(envelope.payloadType) + Envelope.beforePayload
    let form =
      #"^\#(head)\(\#(base64)\)","signatures":\[{"keyid":"\#(envelope.keyID)","sig":"\(\#(base64)\)"}\]}$"#
    return script(
      about: "the \(kind.rawValue) in \(oneLine(file))", key: key,
      extract: """
        file=\(quoted(file))
        form=\(quoted(form))
        sed -n "s|$form|\\\\1|p" "$file" | base64 -d > "$work/payload.bin"
        sed -n "s|$form|\\\\2|p" "$file" | base64 -d > "$work/sig.bin"
        """)
  }

  /// The script for a receipt: line `number` (from 1) of the receipts' file and of the signatures' file.
  public func opensslScript(receipts: String, signatures: String, line number: Int, key: String) -> String {
    let form = #"^{"keyid":"\#(envelope.keyID)","sig":"\(\#(base64)\)"}$"#
    return script(
      about: "line \(number) of \(oneLine(receipts))", key: key,
      extract: """
        sed -n '\(number)p' \(quoted(receipts)) | tr -d '\\n' > "$work/payload.bin"
        sed -n '\(number)p' \(quoted(signatures)) | sed -n \(quoted("s|\(form)|\\1|p")) | base64 -d > "$work/sig.bin"
        """)
  }

  private func script(about what: String, key: String, extract: String) -> String {
    let type = envelope.payloadType
    return """
      #!/bin/sh
      # Checks \(what) with plain openssl (3.0 or later); status 0 means that the signature is good.
      set -eu
      key=\(quoted(key))
      work=$(mktemp -d)
      trap 'rm -rf "$work"' EXIT

      # The key must be the one that is named: its id is the SHA-256 of the public key in DER.
      id=$(openssl pkey -pubin -in "$key" -outform DER | sha256sum | cut -c 1-64)
      if [ "$id" != \(envelope.keyID) ]; then
        echo "the key in $key is $id, the signature names \(envelope.keyID)" >&2
        exit 1
      fi

      # The payload and the 64 bytes of the signature.
      \(extract)

      # What was signed: DSSE's encoding of type and payload, each with its length in front.
      printf 'DSSEv1 %d %s %d ' \(type.utf8.count) \(type) "$(wc -c < "$work/payload.bin")" > "$work/pae.bin"
      cat "$work/payload.bin" >> "$work/pae.bin"

      openssl pkeyutl -verify -pubin -inkey "$key" -rawin -in "$work/pae.bin" -sigfile "$work/sig.bin"

      """
  }
}

/// As a basic regular expression.
private let base64 = "[A-Za-z0-9+/=]*"

/// As one word for the shell. A path that begins with a dash would be taken for an option, so `./` goes before it.
private func quoted(_ text: String) -> String {
  let safe = text.hasPrefix("-") ? "./" + text : text
  return ShellWord.quoted(safe)
}

/// For a comment: a line break in a path must not end the comment and begin a command.
private func oneLine(_ text: String) -> String { printable(text) }

/// The type as a basic regular expression that matches only itself.
private func pattern(_ type: String) -> String { type.split(separator: ".").joined(separator: #"\."#) }
