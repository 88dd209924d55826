import COpenSSL

/// What libcrypto says about the call that just failed.
///
/// Its queue of errors belongs to the thread, so this must run right after the failing call, with no suspension in
/// between. The queue is left empty: other users of OpenSSL in this process (libgit2's TLS) look at the same queue and
/// would take a leftover for an error of their own.
func libcryptoFailure(_ code: TrustError.Code, _ what: String) -> TrustError {
  let number = ERR_peek_last_error()
  ERR_clear_error()
  guard number != 0 else { return TrustError(code, what) }
  let text = withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { buffer -> String in
    guard let start = buffer.baseAddress else { return "error \(number)" }
    ERR_error_string_n(number, start, buffer.count)
    return String(cString: start)
  }
  return TrustError(code, "\(what): \(text)")
}

/// Ends the process: libcrypto cannot even hash. That is lack of memory or a broken installation, never bad input, and
/// going on without a digest would mean to trust unchecked bytes.
func libcryptoUnusable(_ what: String) -> Never {
  preconditionFailure(libcryptoFailure(.library, what).description)
}
