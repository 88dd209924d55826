import Execution
import Model
import Platform
import SwiftProtobuf
import Synchronization
import Wire

/// Sends the output of runs to a controller while somebody there follows them. It reads files, so it has a thread of its
/// own; it is told things without anybody waiting for it; and it sends one part a follower and then waits, so that
/// heartbeats and receipts never stand behind much.
actor LogFeeds {
  /// What it is told.
  enum Message: Sendable {
    case connected(Outgoing)
    case disconnected
    /// The controller's wish.
    case order(Belfry_V1_LogOrder)
    /// The last part of this follow was taken.
    case taken(UInt64)
  }

  private let executor = BlockingExecutor(label: "belfry.logs")
  nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

  private let outputs: FollowedOutputs
  private let standing: @Sendable (RunID) async -> LogFeed.Standing
  /// The log of an attempt that has ended, while the ledger has it.
  private let log: @Sendable (AttemptID) async -> [UInt8]?
  private let messages = Mutex<[Message]>([])
  /// Raised when there is a message.
  private let wake = Signal()
  private var outgoing: Outgoing?
  private var feeds: [UInt64: LogFeed] = [:]

  /// Followers at once. A controller allows no more, so who asks for more is none.
  static let limit = 8
  /// Messages that wait. What is beyond is not heard, which costs a follower a pause.
  private static let messagesLimit = 1_000
  /// How often runs are looked at that somebody follows.
  private static let pause = Duration.milliseconds(100)

  init(
    outputs: FollowedOutputs, log: @escaping @Sendable (AttemptID) async -> [UInt8]? = { _ in nil },
    standing: @escaping @Sendable (RunID) async -> LogFeed.Standing
  ) {
    self.outputs = outputs
    self.log = log
    self.standing = standing
  }

  nonisolated func tell(_ message: Message) {
    messages.withLock { messages in
      switch message {
      case .connected, .disconnected: messages = [message]
      case .order, .taken: if messages.count < Self.messagesLimit { messages.append(message) }
      }
    }
    wake.raise()
  }

  /// Runs until the task is cancelled.
  func run() async {
    while !Task.isCancelled {
      await advance()
      if feeds.isEmpty { await wake.wait() } else { await wake.wait(atMost: Self.pause) }
    }
  }

  /// Takes what it was told, and sends what there is to send.
  func advance() async {
    for message in messages.withLock({ messages in
      defer { messages = [] }
      return messages
    }) { hear(message) }
    for follow in feeds.keys.sorted() { await advance(follow) }
  }

  private func hear(_ message: Message) {
    switch message {
    case .connected(let outgoing):
      forgetAll()
      self.outgoing = outgoing
    case .disconnected:
      forgetAll()
      outgoing = nil
    case .order(let order): take(order)
    case .taken(let follow): feeds[follow]?.taken()
    }
  }

  /// What makes no sense, or is too much, is answered like a run that is not here.
  private func take(_ order: Belfry_V1_LogOrder) {
    forget(order.follow)
    guard !order.stop else { return }
    guard feeds.count < Self.limit, let run = try? RunID(order.runID),
      let feed = LogFeed(run: run, attempt: Int(order.attempt), offset: order.offset)
    else { return send(.end(attempt: 0), to: order.follow) }
    outputs.follow(run)
    feeds[order.follow] = feed
  }

  private func advance(_ follow: UInt64) async {
    guard var feed = feeds[follow], !feed.isInFlight else { return }
    // First where it stands: what has ended by then writes no more.
    let standing = await standing(feed.run)
    let chunks = await output(of: feed, standing)
    // A run may have had more attempts since it was last looked at than this one.
    let next = AttemptID(run: feed.run, number: feed.attempt + 1)
    var hasNext = standing == .over && chunks.isEmpty && outputs.source(of: next) != nil
    if standing == .over, chunks.isEmpty, !hasNext { hasNext = await log(next) != nil }
    let step = feed.step(hasNext ? .waiting(after: feed.attempt) : standing, chunks)
    feeds[follow] = feed
    send(step, to: follow)
    if case .end = step { forget(follow) }
  }

  /// From the attempt's record; of an attempt that had ended before anybody followed, from what the ledger keeps.
  private func output(of feed: LogFeed, _ standing: LogFeed.Standing) async -> [LogChunk] {
    let attempt = AttemptID(run: feed.run, number: feed.attempt)
    if let source = outputs.source(of: attempt) {
      return (try? source.record.chunks(from: feed.offset, limit: LogFeed.partBytes)) ?? []
    }
    guard standing.hasEnded(feed.attempt), let log = await log(attempt) else { return [] }
    var count = 0
    return LogText.chunks(of: log).compactMap { $0.dropping(before: feed.offset) }.prefix { chunk in
      defer { count += chunk.bytes.count }
      return count == 0 || count + chunk.bytes.count <= LogFeed.partBytes
    }
  }

  private func forgetAll() { for follow in feeds.keys { forget(follow) } }

  private func forget(_ follow: UInt64) {
    if let feed = feeds.removeValue(forKey: follow) { outputs.unfollow(feed.run) }
  }

  private func send(_ step: LogFeed.Step, to follow: UInt64) {
    switch step {
    case .nothing: break
    case .part(let attempt, let chunks, let standing):
      outgoing?.send(
        .logPart(
          .with {
            $0.follow = follow
            $0.attempt = UInt32(attempt)
            $0.standing = standing.wire
            $0.pieces = chunks.map(\.wire)
          }))
    case .end(let attempt):
      outgoing?.send(
        .logPart(
          .with {
            $0.follow = follow
            $0.attempt = UInt32(attempt)
            $0.standing = .over
          }))
    }
  }
}

extension LogFeed.Standing {
  fileprivate var wire: Belfry_V1_LogPart.Standing {
    switch self {
    case .queued: .queued
    case .running: .running
    case .waiting: .waiting
    case .over: .over
    }
  }
}

extension LogChunk {
  fileprivate var wire: Belfry_V1_LogPiece {
    .with {
      $0.offset = offset
      $0.time = time.microseconds
      $0.isError = source == .err
      $0.data = bytes.data
    }
  }
}
