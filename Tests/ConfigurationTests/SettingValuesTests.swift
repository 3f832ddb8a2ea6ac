import Testing

@testable import Configuration

@Suite struct SettingValuesTests {
    private static let size = Setting("max-body-bytes", .size(1 << 10...1 << 26), default: 1 << 20, "Largest body")
    private static let age = Setting("retention-age", .time(1000...86_400_000), defaultText: "no bound", "Longest")
    private static let origins = Setting("cors-origin", .list("origin"), defaultText: "none", "Origins")
    private static let limits = Setting("limit-address", pairs, defaultText: "no limit", "What each may do")
    private static let settings: [any SettingDescribing] = [size, age, origins, limits]

    private static var pairs: SettingForm<String> {
        var form = SettingForm<String>.text("limits")
        form.layout = .pairs
        return form
    }

    private func gather(
        file: String? = nil, environment: [String: String] = [:], flags: [String: String] = [:]
    ) -> (values: SettingValues, problems: [SettingProblem]) {
        SettingValues.gather(
            .init(file: file.map { ("postern.toml", Array($0.utf8)) }, environment: environment, flags: flags),
            for: Self.settings, ignoring: ["POSTERN_TOKEN"])
    }

    private func problems(
        file: String? = nil, environment: [String: String] = [:], flags: [String: String] = [:]
    ) -> [String] {
        gather(file: file, environment: environment, flags: flags).problems.map(\.description)
    }

    @Test func aSettingHasOneNameInThreeSpellings() {
        #expect(Self.size.flag == "--max-body-bytes")
        #expect(Self.size.variable == "POSTERN_MAX_BODY_BYTES")
        #expect(Self.size.key == "max_body_bytes")
    }

    @Test func flagsBeatTheEnvironmentWhichBeatsTheFile() {
        let file = "max_body_bytes = '1KiB'"
        let environment = ["POSTERN_MAX_BODY_BYTES": "2KiB"]
        let flags = ["max-body-bytes": "3KiB"]
        #expect(gather().values[Self.size] == nil)
        #expect(gather(file: file).values[Self.size] == 1 << 10)
        #expect(gather(file: file, environment: environment).values[Self.size] == 2 << 10)
        #expect(gather(file: file, environment: environment, flags: flags).values[Self.size] == 3 << 10)
    }

    @Test func whereAValueComesFromIsKnown() {
        let values = gather(file: "\nretention_age = 30", flags: ["max-body-bytes": "3KiB"]).values
        #expect(values.given(Self.age) == .init(text: "30", origin: .file(path: "postern.toml", line: 2)))
        #expect(values.given(Self.size) == .init(text: "3KiB", origin: .commandLine))
        #expect(values.given(Self.origins) == nil)
    }

    @Test func listsAndTablesAreWrittenAsTOMLHasThem() {
        let file = """
            cors_origin = ["a", "b"]
            [limit_address]
            requests = "100/s"
            polls = 10
            """
        let (values, problems) = gather(file: file)
        #expect(problems.isEmpty)
        #expect(values[Self.origins] == ["a", "b"])
        #expect(values[Self.limits] == "requests=100/s,polls=10")
        #expect(gather(file: "limit_address = 'requests=1/s'").values[Self.limits] == "requests=1/s")
    }

    @Test func everythingThatIsWrongIsToldWithItsPlace() {
        let file = """
            max_boddy_bytes = 1
            max_body_bytes = "7TB"
            retention_age = 1.5
            [cors_origin]
            """
        #expect(
            problems(
                file: file, environment: ["POSTERN_RETENTION_AGE": "soon"], flags: ["limit-address": ""]) == [
                    "postern.toml:1: max_boddy_bytes: there is no such setting; did you mean max_body_bytes?",
                    "postern.toml:2: max_body_bytes: a size from 1KiB to 64MiB is wanted, not '7TB'",
                    "postern.toml:3: retention_age: a text or a whole number is wanted, not a number with a point",
                    "postern.toml:4: cors_origin: a value is wanted, not a table",
                    "POSTERN_RETENTION_AGE: a time from 1s to 1d is wanted, not 'soon'",
                    "--limit-address: a text is wanted, not nothing",
                ])
    }

    @Test func aFileThatIsNoTOMLIsOneProblem() {
        let found = gather(file: "max_body_bytes = '1KiB'\nretention_age = ").problems
        #expect(found.count == 1)
        #expect(found.first?.origin == .file(path: "postern.toml", line: 2))
        #expect(found.first?.isInFile == true)
    }

    @Test(arguments: [
        ("max-body-bytes = 1", "max_body_bytes"), ("max.body_bytes = 1", "max_body_bytes"),
        ("[retention]\nage = 1", "retention_age"), ("MAX_BODY_BYTES = 1", nil), ("port = 1", nil),
    ])
    func aNameThatIsNearIsSuggested(file: String, wanted: String?) throws {
        let text = try #require(problems(file: file).first)
        if let wanted {
            #expect(text.hasSuffix("did you mean \(wanted)?"))
        } else {
            #expect(!text.contains("did you mean"))
        }
    }

    @Test func aListHasNoPartThatTheOtherSpellingsCouldNotHave() {
        #expect(
            problems(file: "cors_origin = ['a,b']") == [
                "postern.toml:1: cors_origin: a comma cannot be part of 'a,b'"
            ])
        #expect(
            problems(file: "max_body_bytes = [1, 2]") == [
                "postern.toml:1: max_body_bytes: one value is wanted, not a list"
            ])
    }

    @Test func aMisspeltVariableIsFound() {
        #expect(
            problems(environment: ["POSTERN_RETENTON_AGE": "1h"]) == [
                "POSTERN_RETENTON_AGE: there is no such setting; did you mean POSTERN_RETENTION_AGE?"
            ])
    }

    @Test(arguments: [
        "POSTERN_TOKEN", "POSTERN_SERVICE_HOST", "POSTERN_PORT", "POSTERN_PORT_8080_TCP", "PATH", "POSTERN_ZZZ",
    ])
    func otherVariablesAreLeftAlone(variable: String) {
        #expect(problems(environment: [variable: "x"]).isEmpty)
    }

    @Test func valuesAreTakenUpOneByOne() {
        let before = gather(file: "max_body_bytes = 2048\nretention_age = 5").values
        let after = gather(file: "max_body_bytes = 4096").values
        #expect(!after.agrees(with: before, on: Self.size))
        #expect(after.agrees(with: before, on: Self.origins))
        let merged = before.adopting([Self.age], from: after)
        #expect(merged[Self.size] == 2048)
        #expect(merged[Self.age] == nil)
    }
}
