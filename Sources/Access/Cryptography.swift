import COpenSSL

/// SHA-256 of something.
struct Digest: Sendable {
    static let byteCount = 32
    var bytes = InlineArray<32, UInt8>(repeating: 0)

    /// Its first eight bytes as a number: as good as random.
    var prefix: UInt64 {
        var word: UInt64 = 0
        for index in 0..<8 { word = word << 8 | UInt64(bytes[index]) }
        return word
    }
}

/// Digests, comparisons that tell nothing by their time, and random bytes, by libcrypto. Any thread.
// unsafe: passes the bytes of spans to C for the length of a call.
enum Cryptography {
    /// SHA-256. (FIPS 180-4)
    static func sha256(_ bytes: Span<UInt8>) -> Digest {
        var digest = Digest()
        var output = digest.bytes.mutableSpan
        let made = unsafe bytes.withUnsafeBufferPointer { bytes in
            unsafe output.withUnsafeMutableBufferPointer { output in
                unsafe postern_sha256(bytes.baseAddress, bytes.count, output.baseAddress)
            }
        }
        // Only a broken libcrypto has no SHA-256, and then nobody must get in.
        precondition(made == 1, "libcrypto has no SHA-256")
        return digest
    }

    /// HMAC with SHA-256. (RFC 2104)
    static func hmacSHA256(key: Span<UInt8>, _ bytes: Span<UInt8>) -> Digest {
        var digest = Digest()
        var output = digest.bytes.mutableSpan
        let made = unsafe key.withUnsafeBufferPointer { key in
            unsafe bytes.withUnsafeBufferPointer { bytes in
                unsafe output.withUnsafeMutableBufferPointer { output in
                    unsafe postern_hmac_sha256(
                        key.baseAddress, key.count, bytes.baseAddress, bytes.count, output.baseAddress)
                }
            }
        }
        precondition(made == 1, "libcrypto has no HMAC with SHA-256")
        return digest
    }

    /// Whether `bytes` are those of `digest`, in constant time.
    static func areEqual(_ bytes: Span<UInt8>, _ digest: Digest) -> Bool { areEqual(bytes, digest.bytes.span) }

    /// Whether both are the same; the time it takes depends on their lengths alone.
    static func areEqual(_ one: Span<UInt8>, _ other: Span<UInt8>) -> Bool {
        guard one.count == other.count else { return false }
        return unsafe one.withUnsafeBufferPointer { one in
            unsafe other.withUnsafeBufferPointer { other in
                unsafe postern_equal_bytes(one.baseAddress, other.baseAddress, one.count) == 1
            }
        }
    }

    /// 32 bytes that nobody can guess. Traps where the system has none to give.
    static func randomBytes() -> InlineArray<32, UInt8> {
        var bytes = InlineArray<32, UInt8>(repeating: 0)
        var output = bytes.mutableSpan
        let made = unsafe output.withUnsafeMutableBufferPointer { output in
            unsafe postern_random_bytes(output.baseAddress, output.count)
        }
        precondition(made == 1, "there are no random numbers")
        return bytes
    }
}
