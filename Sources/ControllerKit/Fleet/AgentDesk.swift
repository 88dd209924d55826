import Model
import Platform
import Results
import SwiftProtobuf
import Trust
import Wire

/// Answers agents' requests from the source and the results branch.
struct AgentDesk: AgentMessages {
  let mirror: SourceMirror
  let keeper: ResultsKeeper
  let grounds: ReceiptGrounds
  let key: SigningKey
  /// The results branch, for words.
  let branch: String
  let clock: WallClock

  func bundle(_ digest: Digest) async -> [UInt8]? { try? await mirror.envelope(of: digest, key: key) }

  func blob(_ digest: Digest, of bundles: Set<Digest>) async -> [UInt8]? { try? await mirror.blob(digest, of: bundles) }

  func objection(to claim: HandshakeClaim) async -> String? {
    do throws(AgentRecords.Refused) {
      try await keeper.judge(claim.id, name: claim.name, key: claim.key)
      return nil
    } catch {
      return error.words(claim.id, name: claim.name, branch: branch)
    }
  }

  func admit(_ claim: HandshakeClaim) async -> String? {
    do throws(AgentRecords.Refused) {
      try await keeper.admit(claim.id, name: claim.name, key: claim.key)
      return nil
    } catch {
      return error.words(claim.id, name: claim.name, branch: branch)
    }
  }

  func receive(_ receipt: Belfry_V1_ReceiptDelivery, from session: Session, key: PublicKey) async -> String? {
    guard await keeper.hasRoom(for: session.agent) else { return nil }
    // A name that is released while its agent is connected stays good until the stream ends.
    let names = await keeper.names(of: session.agent) + [session.name]
    do throws(ReceiptCheck.Refused) {
      let delivery = try ReceiptCheck.check(receipt, agent: session.agent, names: names, key: key, now: clock.now)
      let receipt = delivery.signed.value
      guard await !keeper.isWaiting(receipt.run) else {
        session.artifacts?.add(receipt)
        return nil
      }
      switch await grounds.judge(receipt, names: names) {
      case .yes:
        await keeper.take(delivery)
        session.artifacts?.add(receipt)
      case .notNow: await keeper.turnAway(session.agent)
      case .no(let reason): throw ReceiptCheck.Refused(run: receipt.run, reason: reason)
      }
      return nil
    } catch {
      if let run = error.run { session.send(.rejection(of: run, reason: error.reason)) }
      return error.reason
    }
  }
}

extension AgentDesk {
  /// On the same grounds as for committing: a receipt that only its agent knows of must not take room here.
  func offered(_ offer: Belfry_V1_ArtifactOffer, from session: Session, key: PublicKey) async {
    let delivery = Belfry_V1_ReceiptDelivery.with {
      $0.line = offer.line
      $0.signature = offer.signature
    }
    let names = await keeper.names(of: session.agent) + [session.name]
    guard
      let receipt = try? ReceiptCheck.check(delivery, agent: session.agent, names: names, key: key, now: clock.now)
        .signed.value
    else { return }
    switch await grounds.judge(receipt, names: names) {
    case .yes: session.artifacts?.add(receipt)
    case .notNow: break
    case .no(let reason):
      session.send(
        .artifactsReceived(
          .with { answer in
            answer.runID = receipt.run.text
            answer.refused =
              ArtifactIndex(receipt)?.contents.map { artifact in
                .with {
                  $0.sha256 = artifact.digest.hex
                  $0.reason = reason
                }
              } ?? []
          }))
    }
  }
}

extension Belfry_V1_FromController.OneOf_Message {
  /// Tells an agent to put a receipt aside.
  fileprivate static func rejection(of run: RunID, reason: String) -> Self {
    .receiptAck(
      .with {
        $0.rejected = [
          .with {
            $0.runID = run.text
            $0.reason = AgentWords.safe(reason)
          }
        ]
      })
  }
}
