/// Matches one path. After a mismatch it goes back to the last wildcard only: whatever an earlier one could take, the
/// last one can take too. So nothing is exponential, neither over segments nor within one.
struct GlobMatcher {
  let path: UnsafeBufferPointer<UInt8>
  let pattern: [GlobSegment]

  func matches() -> Bool {
    var at = 0  // start of the path's present segment; past the end when all are matched
    var index = 0
    var retry: (at: Int, index: Int)?
    while at <= path.count {
      let end = endOfSegment(at)
      if index < pattern.count, pattern[index] == .anyFolders {
        // As the last segment it stands for everything below, which is at least one segment.
        if index + 1 == pattern.count { return end > at }
        retry = (at, index + 1)
        index += 1
      } else if index < pattern.count, segmentMatches(pattern[index], at..<end) {
        index += 1
        at = end + 1
      } else if let last = retry {
        let next = endOfSegment(last.at) + 1
        retry = (next, last.index)
        (at, index) = (next, last.index)
      } else {
        return false
      }
      // The path is used up: so must be the pattern.
      if at > path.count { return index == pattern.count }
    }
    return false
  }

  private func endOfSegment(_ start: Int) -> Int {
    var end = start
    while end < path.count, path[end] != UInt8(ascii: "/") { end += 1 }
    return end
  }

  private func segmentMatches(_ segment: GlobSegment, _ range: Range<Int>) -> Bool {
    switch segment {
    case .anyFolders: true
    case .literal(let bytes):
      bytes.count == range.count && path[range].elementsEqual(bytes)
    case .pieces(let pieces): piecesMatch(pieces, range)
    }
  }

  private func piecesMatch(_ pieces: [GlobPiece], _ range: Range<Int>) -> Bool {
    var at = range.lowerBound
    var index = 0
    var retry: (at: Int, index: Int)?
    while at < range.upperBound || index < pieces.count {
      if index < pieces.count {
        if pieces[index] == .anyText {
          retry = (at, index + 1)
          index += 1
          continue
        }
        if at < range.upperBound, let width = width(of: pieces[index], at: at) {
          at += width
          index += 1
          continue
        }
      }
      guard let last = retry, last.at < range.upperBound else { return false }
      // By whole characters: `??` must not match the two halves of one.
      let next = last.at + (UTF8Scalar.decode(path, at: last.at)?.width ?? 1)
      retry = (next, last.index)
      (at, index) = (next, last.index)
    }
    return true
  }

  /// How many bytes the piece takes here; nil when it does not match. A byte that is no UTF-8 counts as a character.
  private func width(of piece: GlobPiece, at index: Int) -> Int? {
    switch piece {
    case .byte(let byte): return path[index] == byte ? 1 : nil
    case .anyText: return 0
    case .anyCharacter: return UTF8Scalar.decode(path, at: index)?.width ?? 1
    case .oneOf(let ranges, let isNegated):
      let (scalar, width) = UTF8Scalar.decode(path, at: index) ?? (UInt32(path[index]), 1)
      return ranges.contains { $0.contains(scalar) } != isNegated ? width : nil
    }
  }
}
