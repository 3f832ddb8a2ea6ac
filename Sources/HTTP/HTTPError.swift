/// Why bytes are not a request this server takes. What follows them on the connection cannot be trusted.
public enum HTTPError: UInt8, Error, Equatable, Sendable, CaseIterable {
    case malformedRequestLine
    case malformedTarget
    case malformedField
    case foldedField
    case bareLineBreak
    case missingHost
    case repeatedHost
    case malformedHost
    case malformedContentLength
    case repeatedContentLength
    case conflictingLength
    case repeatedTransferEncoding
    case transferEncodingBefore11
    case unknownTransferEncoding
    case unknownExpectation
    case targetTooLong
    case headTooLarge
    case tooManyFields
    case unsupportedVersion
    case malformedChunk
    case chunkTooLarge
    case chunkOverhead
    case malformedTrailer

    /// The status that answers it.
    public var status: Int {
        switch self {
        case .targetTooLong: 414
        case .headTooLarge, .tooManyFields: 431
        case .unknownTransferEncoding: 501
        case .unsupportedVersion: 505
        case .unknownExpectation: 417
        case .chunkTooLarge: 413
        default: 400
        }
    }

    /// A stable name for programs.
    public var code: StaticString {
        switch self {
        case .targetTooLong: "uri_too_long"
        case .headTooLarge, .tooManyFields: "head_too_large"
        case .unknownTransferEncoding: "unsupported_transfer_encoding"
        case .unsupportedVersion: "unsupported_http_version"
        case .unknownExpectation: "expectation_failed"
        case .chunkTooLarge: "payload_too_large"
        default: "malformed_request"
        }
    }

    /// A sentence for a person.
    public var explanation: StaticString {
        switch self {
        case .malformedRequestLine: "the request line is not METHOD TARGET HTTP/1.1"
        case .malformedTarget: "the request target has a byte or a form that it may not have"
        case .malformedField: "a header field is not NAME: VALUE, or has a byte that it may not have"
        case .foldedField: "a header field is continued on a second line"
        case .bareLineBreak: "a line does not end with CR LF"
        case .missingHost: "the Host header is missing"
        case .repeatedHost: "the Host header is there twice"
        case .malformedHost: "the Host header is not a host and a port"
        case .malformedContentLength: "Content-Length is not a number of bytes"
        case .repeatedContentLength: "Content-Length is there twice"
        case .conflictingLength: "Content-Length and Transfer-Encoding exclude each other"
        case .repeatedTransferEncoding: "Transfer-Encoding is there twice"
        case .transferEncodingBefore11: "HTTP/1.0 has no Transfer-Encoding"
        case .unknownTransferEncoding: "chunked is the only transfer encoding this server takes"
        case .unknownExpectation: "100-continue is the only expectation this server meets"
        case .targetTooLong: "the request target is longer than this server takes"
        case .headTooLarge: "the request's head is larger than this server takes"
        case .tooManyFields: "the request has more header fields than this server takes"
        case .unsupportedVersion: "this server speaks HTTP/1.1 and HTTP/1.0"
        case .malformedChunk: "a chunk of the body is malformed"
        case .chunkTooLarge: "a chunk's size is larger than any body may be"
        case .chunkOverhead: "the chunks carry more framing than this server takes"
        case .malformedTrailer: "a trailer field is malformed or there are too many"
        }
    }
}
