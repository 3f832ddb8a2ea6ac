import Arenas

@testable import Clients

func address(_ text: String) -> ClientAddress? { ClientAddress(parsing: Array(text.utf8).span) }

func forwarded(_ text: String) -> ClientAddress? { ClientAddress(parsingForwarded: Array(text.utf8).span) }

func list(_ text: String) throws(AddressError) -> AddressList { try AddressList(parsing: Array(text.utf8).span) }

func range(_ text: String) throws(AddressError) -> AddressRange { try AddressRange(parsing: Array(text.utf8).span) }

func rate(_ text: String, inBytes: Bool = false) throws(RateLimitError) -> RateLimit {
    try RateLimit(parsing: Array(text.utf8).span, inBytes: inBytes)
}

/// What `body` writes.
func written(_ body: (inout OutputBuffer) -> Void) -> String {
    var output = OutputBuffer(capacity: 64)
    body(&output)
    var bytes: [UInt8] = []
    for index in 0..<output.count { bytes.append(output.span[index]) }
    return String(decoding: bytes, as: UTF8.self)
}

func text(_ address: ClientAddress) -> String { written { address.write(to: &$0) } }

/// Random numbers that are the same on every run.
struct SeededNumbers: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = (state ^ state >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }
}
