import CChecksum
import Testing

@Suite struct ChecksumTests {
    private func checksum(_ bytes: [UInt8], portable: Bool = false) -> UInt32 {
        unsafe bytes.withUnsafeBytes {
            portable
                ? unsafe postern_crc32c_portable(0, $0.baseAddress, $0.count)
                : unsafe postern_crc32c(0, $0.baseAddress, $0.count)
        }
    }

    @Test func givesTheValuesOfTheStandard() {
        // RFC 3720, appendix B.4.
        #expect(checksum([UInt8](repeating: 0, count: 32)) == 0x8A91_36AA)
        #expect(checksum([UInt8](repeating: 0xFF, count: 32)) == 0x62A8_AB43)
        #expect(checksum((0..<32).map { $0 }) == 0x46DD_794E)
        #expect(checksum(Array("123456789".utf8)) == 0xE306_9283)
    }

    @Test func isTheSameWithTheInstructionAndWithout() {
        for count in 0..<200 {
            let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 167 &+ count) }
            #expect(checksum(bytes) == checksum(bytes, portable: true))
        }
    }
}
