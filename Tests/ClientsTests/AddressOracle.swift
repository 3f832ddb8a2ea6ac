import Foundation

/// Random address texts, right and wrong ones, with what Python's `ipaddress` makes of each.
struct AddressOracle {
    struct Verdict {
        let text: String
        /// Sixteen bytes in hexadecimal, mapped for IPv4; nil where it is no address.
        let bytes: String?
        /// The shortest text, as RFC 5952 has it.
        let canonical: String
    }

    static let isThere = FileManager.default.isExecutableFile(atPath: "/usr/bin/python3")

    static func verdicts(count: Int, seed: Int) throws -> [Verdict] {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/python3")
        process.arguments = ["-c", script, String(count), String(seed)]
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return text.split(separator: "\n").map { line in
            let parts = line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
            return Verdict(text: parts[0], bytes: parts[1] == "-" ? nil : parts[1], canonical: parts[2])
        }
    }

    private static let script = #"""
        import ipaddress, random, sys
        count, seed = int(sys.argv[1]), int(sys.argv[2])
        r = random.Random(seed)
        def v4():
            return ".".join(str(r.choice([0, 1, 9, 10, 99, 100, 127, 199, 200, 255, r.randrange(256)])) for _ in range(4))
        def v6():
            groups = [r.choice([0, 0, 0, 1, r.getrandbits(4), r.getrandbits(8), r.getrandbits(16)]) for _ in range(8)]
            if r.random() < .1: groups[:6] = [0] * 5 + [0xFFFF]
            form = r.randrange(6)
            address = ipaddress.IPv6Address(sum(g << (112 - 16 * i) for i, g in enumerate(groups)))
            plain = ["%x" % g for g in groups]
            if form < 2: text = address.compressed
            elif form == 2: text = address.exploded
            elif form == 3: text = ":".join(plain)
            elif form == 4: text = ":".join(plain[:6]) + ":" + v4()
            else:
                a = r.randrange(9); b = r.randrange(a, 9)
                tail = plain[b:] if r.random() < .7 else plain[b:][:-2] + [v4()]
                text = ":".join(plain[:a]) + "::" + ":".join(tail)
            return text.upper() if r.random() < .2 else text
        def broken(text):
            for _ in range(r.choice([1, 1, 1, 2, 3])):
                at = r.randrange(len(text) + 1)
                piece = r.choice(["", "", ":", "::", ".", "0", "1", "f", "g", " ", "-", "/", "256", "00", "1.2.3.4"])
                text = text[:at] + piece + text[at + r.randrange(3):]
            return text
        for index in range(count):
            text = v4() if r.random() < .3 else v6()
            if r.random() < .5: text = broken(text)
            try:
                address = ipaddress.ip_address(text)
                mapped = getattr(address, "ipv4_mapped", None) or address
                bytes = mapped.packed if mapped.version == 6 else b"\0" * 10 + b"\xff\xff" + mapped.packed
                print(text, bytes.hex(), str(mapped), sep="\t")
            except ValueError:
                print(text, "-", "", sep="\t")
        """#
}
