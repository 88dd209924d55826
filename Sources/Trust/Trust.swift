// Trust: what makes bytes believable. SHA-256, Ed25519 keys, DSSE envelopes, the order of checks between bytes from
// outside and a value that may be acted on, SSH signatures for commits, and how a person repeats a check by hand.
//
// Lives here: everything that touches OpenSSL's libcrypto (this is the only module that imports COpenSSL), the payload
// form of each signed object, and the verification steps.
// Must not: open files, read a clock, keep state between calls, use Foundation, or know about git, wires or processes.
//
// The way of a signed object, each step a type of its own so that none can be left out:
//
//     bytes ─► Envelope ─► Typed ─► Authentic ─► Checked<Read> ─► … ─► Signed<Value>
//           size,       type     signature    content           audience, position, time
