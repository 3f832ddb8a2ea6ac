import Arenas
import JSON

/// Reads a JSON Web Key Set: `{"keys":[…]}` of public keys. (RFC 7517, section 5)
///
/// Keys that are for something else, or of kinds that are not taken, are left out and told as warnings, as the section
/// asks; a key that holds a secret makes the file be refused, since it does not belong here.
struct KeySetFile {
    private(set) var keys: [VerificationKey] = []
    private(set) var warnings: [String] = []

    /// Most keys a set may have.
    static let maximumKeys = KeyRing.maximumCount

    /// - Throws: what is wrong with the text, or that no key of use is in it.
    init(_ text: Span<UInt8>) throws(AccessError) {
        let arena = ScopedArena()
        do throws(JSONError) {
            try read(text, in: arena)
        } catch {
            throw Self.problem(error)
        }
        try problems.finish()
        guard !keys.isEmpty else { throw AccessError("there is no key of use in the set") }
    }

    private var problems = Problems()

    private static func problem(_ error: JSONError) -> AccessError {
        switch error {
        case .malformed(let offset, let expected):
            AccessError("the JSON breaks at byte \(offset): expected \(expected.description)")
        case .arena: AccessError("there is no memory to read it")
        }
    }

    private mutating func read(_ text: Span<UInt8>, in arena: borrowing ScopedArena) throws(JSONError) {
        var reader = JSONReader(text, depthLimit: JSONWebToken.jsonDepth)
        var names = MemberNames()
        var hasKeys = false
        try reader.beginObject()
        while let name = try reader.nextKey(in: arena) {
            if !names.insert(name) { problems.add("a member is there twice") }
            guard JSONReader.matches(name, "keys") else {
                _ = try reader.skipValue()
                continue
            }
            hasKeys = true
            var number = 0
            try reader.beginArray()
            while try reader.nextElement() {
                number += 1
                guard number <= Self.maximumKeys else {
                    problems.add("at most \(Self.maximumKeys) keys are taken")
                    return
                }
                let key = try JSONWebKey(&reader, in: arena)
                take(key, number)
            }
        }
        try reader.finish()
        if !hasKeys { problems.add("an object with keys is wanted") }
    }

    private mutating func take(_ key: JSONWebKey, _ number: Int) {
        do throws(JSONWebKey.Failure) {
            keys.append(try key.verificationKey())
        } catch {
            let text = "key \(number): \(error.explanation)"
            if error.isForOthers { warnings.append(text + "; left out") } else { problems.add(text) }
        }
    }
}
