import Arenas
import JSON

/// One key of a set, as it stands there. (RFC 7517, section 4; RFC 7518, section 6; RFC 8037, section 2)
struct JSONWebKey {
    private var type: [UInt8]?
    private var use: [UInt8]?
    private var algorithm: [UInt8]?
    private var id: [UInt8]?
    private var curve: [UInt8]?
    /// `n`, `e`, `x` and `y`, still in base64url.
    private var n: [UInt8]?
    private var e: [UInt8]?
    private var x: [UInt8]?
    private var y: [UInt8]?
    private var isToVerify = true
    private var isPrivate = false
    private var hasDuplicates = false

    /// Why a key is not taken.
    enum Failure: Error, Equatable {
        case duplicateMember
        /// It holds `d` or `k`.
        case secret
        /// Of a kind, for a use or for an algorithm that is not taken.
        case notTaken
        case longID
        case missingNumbers
        case key(PublicKey.Failure)

        /// Whether the set may have it for others to use.
        var isForOthers: Bool { self == .notTaken }

        var explanation: String {
            switch self {
            case .duplicateMember: "a member is there twice"
            case .secret: "it holds a secret; a key set has public keys alone"
            case .notTaken: "it is for no signature by RS256, ES256 or EdDSA"
            case .longID: "kid has at most \(VerificationKey.maximumIDBytes) bytes"
            case .missingNumbers: "its numbers are missing or no base64url"
            case .key(let failure): failure.explanation
            }
        }
    }

    /// Reads the next value of `reader`, an object.
    init(_ reader: inout JSONReader, in arena: borrowing ScopedArena) throws(JSONError) {
        var names = MemberNames()
        try reader.beginObject()
        while let name = try reader.nextKey(in: arena) {
            if !names.insert(name) { hasDuplicates = true }
            if JSONReader.matches(name, "kty") {
                type = try Self.text(&reader, in: arena)
            } else if JSONReader.matches(name, "use") {
                use = try Self.text(&reader, in: arena)
            } else if JSONReader.matches(name, "alg") {
                algorithm = try Self.text(&reader, in: arena)
            } else if JSONReader.matches(name, "kid") {
                id = try Self.text(&reader, in: arena)
            } else if JSONReader.matches(name, "crv") {
                curve = try Self.text(&reader, in: arena)
            } else if JSONReader.matches(name, "n") {
                n = try Self.text(&reader, in: arena)
            } else if JSONReader.matches(name, "e") {
                e = try Self.text(&reader, in: arena)
            } else if JSONReader.matches(name, "x") {
                x = try Self.text(&reader, in: arena)
            } else if JSONReader.matches(name, "y") {
                y = try Self.text(&reader, in: arena)
            } else if JSONReader.matches(name, "key_ops") {
                isToVerify = try Self.operations(&reader, in: arena)
            } else {
                if JSONReader.matches(name, "d") || JSONReader.matches(name, "k") { isPrivate = true }
                _ = try reader.skipValue()
            }
        }
    }

    private static func text(
        _ reader: inout JSONReader, in arena: borrowing ScopedArena
    ) throws(JSONError) -> [UInt8] {
        let text = try reader.readString(in: arena)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count)
        for index in text.indices { bytes.append(text[index]) }
        return bytes
    }

    /// Whether `verify` is among the operations.
    private static func operations(
        _ reader: inout JSONReader, in arena: borrowing ScopedArena
    ) throws(JSONError) -> Bool {
        var isToVerify = false
        try reader.beginArray()
        while try reader.nextElement() {
            if JSONReader.matches(try reader.readString(in: arena), "verify") { isToVerify = true }
        }
        return isToVerify
    }

    /// The key, for the one algorithm that goes with its kind.
    func verificationKey() throws(Failure) -> VerificationKey {
        guard !hasDuplicates else { throw .duplicateMember }
        guard !isPrivate else { throw .secret }
        guard isToVerify, use == nil || Self.matches(use, "sig") else { throw .notTaken }
        guard (id?.count ?? 0) <= VerificationKey.maximumIDBytes else { throw .longID }
        if Self.matches(type, "RSA"), isFor("RS256") {
            let (n, e) = (try Self.number(n), try Self.number(e))
            return try key(source: n + e) { () throws(PublicKey.Failure) in
                try PublicKey(rsaModulus: n.span, exponent: e.span)
            }
        }
        if Self.matches(type, "EC"), Self.matches(curve, "P-256"), isFor("ES256") {
            let (x, y) = (try Self.number(x), try Self.number(y))
            return try key(source: x + y) { () throws(PublicKey.Failure) in try PublicKey(p256X: x.span, y: y.span) }
        }
        if Self.matches(type, "OKP"), Self.matches(curve, "Ed25519"), isFor("EdDSA") {
            let x = try Self.number(x)
            return try key(source: x) { () throws(PublicKey.Failure) in try PublicKey(ed25519: x.span) }
        }
        throw .notTaken
    }

    /// Whether the set says nothing of the key's algorithm, or this one.
    private func isFor(_ name: StaticString) -> Bool { algorithm == nil || Self.matches(algorithm, name) }

    private func key(
        source: [UInt8], _ make: () throws(PublicKey.Failure) -> PublicKey
    ) throws(Failure) -> VerificationKey {
        do throws(PublicKey.Failure) {
            return VerificationKey(id: id, material: .publicKey(try make()), source: source.span)
        } catch {
            throw .key(error)
        }
    }

    private static func number(_ text: [UInt8]?) throws(Failure) -> [UInt8] {
        guard let text, let bytes = Base64URL.decode(text.span), !bytes.isEmpty else { throw .missingNumbers }
        return bytes
    }

    private static func matches(_ text: [UInt8]?, _ name: StaticString) -> Bool {
        guard let text else { return false }
        return JSONReader.matches(text.span, name)
    }
}
