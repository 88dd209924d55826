import NIOCore

/// Ends the connection of one who asks and does not read the answer: else what writes it would wait for ever.
///
/// It counts from when the connection's buffer is full until half of it was read, so a slow reader is none.
final class StalledAnswer: ChannelInboundHandler, RemovableChannelHandler {
  typealias InboundIn = Never

  private let limit: TimeAmount
  private var end: Scheduled<Void>?

  init(limit: TimeAmount) { self.limit = limit }

  func channelWritabilityChanged(context: ChannelHandlerContext) {
    end?.cancel()
    end = nil
    let channel = context.channel
    if !channel.isWritable { end = context.eventLoop.scheduleTask(in: limit) { channel.close(promise: nil) } }
    context.fireChannelWritabilityChanged()
  }

  func channelInactive(context: ChannelHandlerContext) {
    end?.cancel()
    context.fireChannelInactive()
  }

  func handlerRemoved(context: ChannelHandlerContext) { end?.cancel() }
}
