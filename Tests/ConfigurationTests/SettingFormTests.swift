import Testing

@testable import Configuration

@Suite struct SettingFormTests {
    @Test(arguments: [("65536", 65536), ("64KiB", 65536), ("64k", 65536), ("1MiB", 1 << 20), ("1m", 1 << 20)])
    func aSizeIsReadWithItsUnit(text: String, bytes: Int) throws {
        #expect(try SettingForm<Int>.size(0...1 << 30).read(text) == bytes)
    }

    @Test(arguments: [("500ms", 500), ("30", 30_000), ("30s", 30_000), ("10m", 600_000), ("1h", 3_600_000)])
    func aTimeIsReadInMilliseconds(text: String, milliseconds: Int) throws {
        #expect(try SettingForm<Int>.time(0...86_400_000).read(text) == milliseconds)
    }

    @Test(arguments: ["", "x", "-1", "1.5", "1PiB", "1 MiB", "99999999999999999999", "9223372036854775807GiB"])
    func whatIsNoSizeIsRefusedWithItsRange(text: String) {
        let refusal = #expect(throws: SettingRefusal.self) { try SettingForm<Int>.size(1 << 10...1 << 20).read(text) }
        #expect(refusal?.message == "a size from 1KiB to 1MiB is wanted, not '\(text)'")
    }

    @Test func aRangeHoldsItsEdgesAndNoMore() throws {
        let form = SettingForm<Int>.integer(1...64)
        #expect(try form.read("1") == 1)
        #expect(try form.read("64") == 64)
        #expect(throws: SettingRefusal.self) { try form.read("0") }
        #expect(throws: SettingRefusal.self) { try form.read("65") }
    }

    @Test(arguments: [("on", true), ("true", true), ("off", false), ("false", false)])
    func aToggleIsOnOrOff(text: String, value: Bool) throws {
        #expect(try SettingForm<Bool>.toggle.read(text) == value)
    }

    @Test(arguments: ["yes", "1", "ON", ""])
    func aToggleIsNothingElse(text: String) {
        #expect(throws: SettingRefusal("on or off is wanted, not '\(text)'")) {
            try SettingForm<Bool>.toggle.read(text)
        }
    }

    @Test func aListHasNoEmptyPart() throws {
        #expect(try SettingForm<[String]>.list("x").read("a,b") == ["a", "b"])
        for text in ["", "a,", ",a", "a,,b"] {
            #expect(throws: SettingRefusal.self) { try SettingForm<[String]>.list("x").read(text) }
        }
    }

    private enum Colour: String, CaseIterable, Sendable { case red, green, blue }

    @Test func aChoiceNamesWhatThereIs() throws {
        let form = SettingForm<Colour>.choice("colour")
        #expect(try form.read("green") == .green)
        #expect(throws: SettingRefusal("red, green or blue is wanted, not 'black'")) { try form.read("black") }
    }

    @Test(arguments: [0, 1, 999, 1000, 1500, 60_000, 90_000, 86_400_000])
    func aTimeThatIsWrittenIsReadAsTheSame(milliseconds: Int) throws {
        let form = SettingForm<Int>.time(0...1 << 40)
        #expect(try form.read(form.text(milliseconds)) == milliseconds)
    }

    @Test(arguments: [0, 1, 1023, 1024, 1536, 1 << 20, 3 << 30])
    func aSizeThatIsWrittenIsReadAsTheSame(bytes: Int) throws {
        let form = SettingForm<Int>.size(0...1 << 40)
        #expect(try form.read(form.text(bytes)) == bytes)
    }
}
