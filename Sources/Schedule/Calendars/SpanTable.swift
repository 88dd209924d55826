import Model

/// Times from one instant to another, ascending, none touching the next: a question is one binary search.
struct SpanTable: Hashable, Sendable {
  struct Span: Hashable, Sendable {
    /// Included.
    var from: Timestamp
    /// Not included.
    var to: Timestamp
  }

  private var spans: [Span] = []

  /// In any order; those that overlap or touch are put together, empty ones left out.
  init(_ spans: [Span]) {
    for span in spans.sorted(by: { $0.from < $1.from }) where span.from < span.to {
      if let last = self.spans.last, span.from <= last.to {
        self.spans[self.spans.count - 1].to = max(last.to, span.to)
      } else {
        self.spans.append(span)
      }
    }
  }

  /// Nil when none holds `instant`.
  func end(ifInForceAt instant: Timestamp) -> Timestamp? {
    let index = firstIndex(startingAfter: instant)
    guard index > 0, spans[index - 1].to > instant else { return nil }
    return spans[index - 1].to
  }

  func nextStart(after instant: Timestamp) -> Timestamp? {
    let index = firstIndex(startingAfter: instant)
    return index < spans.count ? spans[index].from : nil
  }

  private func firstIndex(startingAfter instant: Timestamp) -> Int {
    var (low, high) = (0, spans.count)
    while low < high {
      let middle = (low + high) / 2
      if spans[middle].from <= instant { low = middle + 1 } else { high = middle }
    }
    return low
  }
}
