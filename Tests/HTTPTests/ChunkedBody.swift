@testable import HTTP

/// What a body says and how it ends.
struct ChunkedBody: Equatable {
    var data: [UInt8] = []
    /// Bytes up to the body's end; nil where it is not complete.
    var consumed: Int?
    var error: HTTPError?
    var text: String { String(decoding: data, as: UTF8.self) }

    /// Decodes chunks that arrive in pieces, which end at `cuts`.
    init(_ bytes: [UInt8], cutAt cuts: [Int] = []) {
        var decoder = ChunkedDecoder()
        var start = 0
        for end in cuts + [bytes.count] where consumed == nil && error == nil {
            take(Array(bytes[start..<end]), &decoder, at: start)
            start = end
        }
    }

    /// A body without chunks.
    init(length: Int, of bytes: [UInt8]) {
        data = Array(bytes.prefix(length))
        consumed = length
    }

    private mutating func take(_ piece: [UInt8], _ decoder: inout ChunkedDecoder, at start: Int) {
        var offset = 0
        do throws(HTTPError) {
            while true {
                switch try decoder.decode(piece.span, from: offset) {
                case .data(let range):
                    data += piece[range]
                    offset = range.upperBound
                case .needsMore: return
                case .end(let count):
                    consumed = start + count
                    return
                }
            }
        } catch {
            self.error = error
        }
    }
}
