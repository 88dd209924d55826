/// What a follower of a run is told, one thing at a time: the lines of the controller's streaming answer, and of
/// `belfry logs -f --format json`.
public enum FollowEvent: Hashable, Sendable {
  /// Which run it is; comes first.
  case run(RunID, job: JobName, agent: AgentName)
  case output(attempt: Int, LogChunk)
  /// Bytes of an attempt's output that are not to be had any more; `offset` is where they begin.
  case cut(attempt: Int, offset: Int64, bytes: Int64)
  /// Where the run stands: a word of ``Standing``.
  case standing(Standing, attempt: Int)
  /// Nothing has happened for a while.
  case alive
  /// The last one: how the run ended.
  case end(outcome: String, reason: String?)
  /// The last one: it cannot be followed any further.
  case failed(String)

  public enum Standing: String, Hashable, Sendable {
    /// It waits for its turn or its instant.
    case queued = "Queued"
    case running = "Running"
    /// The attempt before this one has ended, and this one will follow.
    case waiting = "Waiting"
    /// Its agent is not connected. Output comes when it is again.
    case away = "Away"
    /// It has ended, and its receipt is on its way.
    case ending = "Ending"
  }
}

extension FollowEvent {
  /// `base64` encodes what is not UTF-8.
  public func json(base64: ([UInt8]) -> String) -> JSONValue {
    switch self {
    case .run(let run, let job, let agent):
      return ["run": .string(run.text), "job": .string(job.text), "agent": .string(agent.text)]
    case .output(let attempt, let chunk):
      var time: [UInt8] = []
      chunk.time.printFixed(to: &time)
      let text = String(validating: chunk.bytes, as: UTF8.self)
      return .members([
        "attempt": .integer(Int64(attempt)), "offset": .integer(chunk.offset),
        "time": .string(String(decoding: time, as: UTF8.self)), "stream": .string(chunk.source.rawValue),
        "text": text.map(JSONValue.string), "base64": text == nil ? .string(base64(chunk.bytes)) : nil,
      ])
    case .cut(let attempt, let offset, let bytes):
      return ["attempt": .integer(Int64(attempt)), "offset": .integer(offset), "cut": .integer(bytes)]
    case .standing(let standing, let attempt):
      return ["standing": .string(standing.rawValue), "attempt": .integer(Int64(attempt))]
    case .alive: return ["alive": .bool(true)]
    case .end(let outcome, let reason):
      return .members(["end": .string(outcome), "reason": reason.map(JSONValue.string)])
    case .failed(let words): return ["failed": .string(words)]
    }
  }

  /// Nil for anything that ``json(base64:)`` does not make.
  public init?(json: JSONValue, base64: (String) -> [UInt8]?) {
    let attempt = json["attempt"]?.integerValue.flatMap { Int(exactly: $0) } ?? 0
    if let id = json["run"]?.stringValue {
      guard let run = try? RunID(id), let job = json["job"]?.stringValue.flatMap({ try? JobName($0) }),
        let agent = json["agent"]?.stringValue.flatMap({ try? AgentName($0) })
      else { return nil }
      self = .run(run, job: job, agent: agent)
    } else if let stream = json["stream"]?.stringValue {
      let bytes = json["text"]?.stringValue.map { Array($0.utf8) } ?? json["base64"]?.stringValue.flatMap(base64)
      guard let source = LogSource(rawValue: stream), source != .log, let bytes, !bytes.isEmpty,
        let time = json["time"]?.stringValue.flatMap({ Timestamp(rfc3339: $0) }),
        let offset = json["offset"]?.integerValue, (0...1 << 60).contains(offset)
      else { return nil }
      self = .output(attempt: attempt, LogChunk(source: source, time: time, offset: offset, bytes: bytes))
    } else if let bytes = json["cut"]?.integerValue {
      guard let offset = json["offset"]?.integerValue, (1...1 << 60).contains(bytes), (0...1 << 60).contains(offset)
      else { return nil }
      self = .cut(attempt: attempt, offset: offset, bytes: bytes)
    } else if let word = json["standing"]?.stringValue {
      guard let standing = Standing(rawValue: word) else { return nil }
      self = .standing(standing, attempt: attempt)
    } else if let outcome = json["end"]?.stringValue {
      self = .end(outcome: outcome, reason: json["reason"]?.stringValue)
    } else if let words = json["failed"]?.stringValue {
      self = .failed(words)
    } else if json["alive"] != nil {
      self = .alive
    } else {
      return nil
    }
  }
}

/// How far somebody who follows a run has come: what is asked for after a broken connection.
public struct LogPosition: Hashable, Sendable {
  /// From 1.
  public var attempt: Int
  /// Bytes of its output.
  public var offset: Int64

  public init(attempt: Int = 1, offset: Int64 = 0) {
    self.attempt = attempt
    self.offset = offset
  }

  /// Moves on to what these chunks of an attempt say, and gives back how; what is known already says nothing.
  public mutating func take(attempt: Int, _ chunks: some Sequence<LogChunk>) -> [FollowEvent] {
    guard attempt >= self.attempt else { return [] }
    if attempt > self.attempt { self = LogPosition(attempt: attempt) }
    var events: [FollowEvent] = []
    for chunk in chunks {
      guard let rest = chunk.dropping(before: offset) else { continue }
      if rest.offset > offset { events.append(.cut(attempt: attempt, offset: offset, bytes: rest.offset - offset)) }
      events.append(.output(attempt: attempt, rest))
      offset = rest.end
    }
    return events
  }
}

extension LogText {
  /// Bytes of output that a log may speak of: more than any attempt writes. What it says beyond is not believed, so that
  /// no sum of such numbers overflows, whoever wrote the log.
  public static let outputLimit: Int64 = 1 << 53

  /// The log's lines with their places in the attempt's output.
  public static func chunks(of log: [UInt8]) -> [LogChunk] {
    var offset: Int64 = 0
    var chunks: [LogChunk] = []
    for case .line(let line) in entries(of: log) {
      if let cut = line.cutCount, cut <= outputLimit - offset { offset += cut }
      guard line.source != .log, line.outputCount > 0 else { continue }
      let bytes = line.text + (line.isPartial ? [] : [0x0a])
      chunks.append(LogChunk(source: line.source, time: line.time, offset: offset, bytes: bytes))
      offset += Int64(bytes.count)
    }
    return chunks
  }

  /// Bytes of output behind the last of ``chunks(of:)``: a full disk took them.
  public static func lost(atEndOf log: [UInt8]) -> Int64 {
    guard case .line(let line)? = entries(of: log).last else { return 0 }
    return line.cutCount ?? 0
  }
}
