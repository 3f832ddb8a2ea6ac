/// Takes a chunked body apart (RFC 9112, section 7.1), however its bytes are split. A plain value; no I/O.
///
/// Chunk extensions are passed over and trailers are checked and dropped; both are bounded.
public struct ChunkedDecoder: BitwiseCopyable, Sendable {
    public enum Step: Equatable, Sendable {
        /// These bytes of the input are the body's; what follows them is to be decoded next.
        case data(Range<Int>)
        /// All of the input is used up.
        case needsMore
        /// The body is complete; so many bytes of the input belong to it.
        case end(consumed: Int)
    }

    private enum State: UInt8 {
        case size, sizeBlank, `extension`, sizeLineFeed, data, dataCarriageReturn, dataLineFeed
        case trailerStart, trailerName, trailerValue, trailerLineFeed, endLineFeed
    }

    /// Framing beyond the data that is taken: for each chunk a size line, and a grace for extensions and trailers.
    /// Without it, one-byte chunks with long extensions would make us read for ever what no limit counts.
    static let graceBytes = 16 << 10
    static let framingPerChunk = 12
    /// Digits of a chunk's size: sixteen hex digits are more than any body.
    static let maximumSizeDigits = 15

    private var state = State.size
    private var digits: UInt8 = 0
    private var remaining = 0
    private var overhead = 0

    public init() {}

    /// Takes the next step through `input`, from `offset` on.
    public mutating func decode(_ input: Span<UInt8>, from offset: Int) throws(HTTPError) -> Step {
        var offset = offset
        while offset < input.count {
            if state == .data {
                let count = min(remaining, input.count - offset)
                remaining -= count
                if remaining == 0 { state = .dataCarriageReturn }
                return .data(offset..<offset + count)
            }
            let isEnd = try step(input[offset])
            offset += 1
            if isEnd { return .end(consumed: offset) }
        }
        return .needsMore
    }

    /// One byte of framing.
    /// - Returns: whether the body is complete.
    private mutating func step(_ byte: UInt8) throws(HTTPError) -> Bool {
        overhead += 1
        guard overhead <= Self.graceBytes else {
            throw state.rawValue >= State.trailerStart.rawValue ? .malformedTrailer : .chunkOverhead
        }
        switch state {
        case .size: try stepSize(byte)
        case .sizeBlank:
            if byte == UInt8(ascii: ";") {
                state = .extension
            } else if !Characters.isBlank(byte) {
                throw .malformedChunk
            }
        case .extension:
            if byte == 0x0D {
                state = .sizeLineFeed
            } else if byte != 0x09, byte < 0x20 || byte == 0x7F {
                throw .malformedChunk
            }
        case .sizeLineFeed:
            guard byte == 0x0A else { throw .malformedChunk }
            beginChunk()
        case .data: preconditionFailure("data is not framing")
        case .dataCarriageReturn:
            guard byte == 0x0D else { throw .malformedChunk }
            state = .dataLineFeed
        case .dataLineFeed:
            guard byte == 0x0A else { throw .malformedChunk }
            state = .size
            digits = 0
        case .trailerStart:
            if byte == 0x0D {
                state = .endLineFeed
            } else if Characters.isToken(byte) {
                state = .trailerName
            } else {
                throw .malformedTrailer
            }
        case .trailerName:
            if byte == UInt8(ascii: ":") {
                state = .trailerValue
            } else if !Characters.isToken(byte) {
                throw .malformedTrailer
            }
        case .trailerValue:
            if byte == 0x0D {
                state = .trailerLineFeed
            } else if byte != 0x09, byte < 0x20 || byte == 0x7F {
                throw .malformedTrailer
            }
        case .trailerLineFeed:
            guard byte == 0x0A else { throw .malformedTrailer }
            state = .trailerStart
        case .endLineFeed:
            guard byte == 0x0A else { throw .malformedTrailer }
            return true
        }
        return false
    }

    private mutating func stepSize(_ byte: UInt8) throws(HTTPError) {
        if let digit = Characters.hexValue(byte) {
            guard digits < Self.maximumSizeDigits else { throw .chunkTooLarge }
            digits += 1
            remaining = remaining << 4 | Int(digit)
            return
        }
        guard digits > 0 else { throw .malformedChunk }
        switch byte {
        case 0x0D: state = .sizeLineFeed
        case UInt8(ascii: ";"): state = .extension
        // Blanks before an extension are bad form that recipients must take (RFC 9112, section 7.1.1).
        case 0x20, 0x09: state = .sizeBlank
        default: throw .malformedChunk
        }
    }

    private mutating func beginChunk() {
        if remaining == 0 {
            state = .trailerStart
        } else {
            state = .data
            // A chunk pays for its own frame, so that only what is beyond counts.
            overhead = max(0, overhead - Self.framingPerChunk)
        }
    }
}
