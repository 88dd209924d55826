import Model

// `retry` of a job.

extension JobReader {
  func retry(_ value: ValueReader) -> RetryPolicy {
    var policy = RetryPolicy()
    guard var fields = value.fields(JobFields.retry) else { return policy }
    let pauses: ClosedRange<Duration> = .zero ... .seconds(86_400)
    if let attempts = fields.take("attempts")?.integer(in: 1...100) { policy.attempts = attempts }
    if let pause = fields.take("backoff")?.duration(in: pauses) { policy.backoff = pause }
    if let factor = fields.take("factor").flatMap(factor) { policy.factorThousandths = factor }
    let longest = fields.take("max")
    if let longest, let pause = longest.duration(in: pauses) {
      policy.max = pause
      if pause < policy.backoff {
        longest.fail("'max' (\(pause.manifestText)) is shorter than 'backoff' (\(policy.backoff.manifestText))")
      }
    } else if longest == nil {
      // A long backoff alone must not be cut by a default that nobody wrote.
      policy.max = max(policy.max, policy.backoff)
    }
    if let on = fields.take("on").flatMap(states) { policy.on = on }
    fields.finish()
    return policy
  }

  private func factor(_ value: ValueReader) -> Int? {
    if let thousandths = value.thousandths(in: 1_000...100_000) { return thousandths }
    value.wants("a number from 1 to 100 with at most 3 decimals, such as 1.5")
    return nil
  }

  private func states(_ value: ValueReader) -> Set<RunState>? {
    value.list(count: 1...3, of: "ends of an attempt") { element in
      element.choice(["failed": RunState.failed, "timedOut": .timedOut, "lost": .lost])
    }.map(Set.init)
  }
}
