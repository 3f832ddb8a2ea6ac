import Configuration
import Gateway

/// Streams to readers.
extension Settings {
    private static let defaults = GatewayConfiguration()

    static let maxStreams = Setting(
        "max-streams", .integer(1...1_000_000), default: defaults.maximumStreams, live: true,
        "Most streams at a time")
    static let streamHeartbeat = Setting(
        "stream-heartbeat", .time(100...3_600_000), default: defaults.heartbeatMilliseconds, live: true,
        "A quiet stream gives a sign of life so often")
    static let streamLifetime = Setting(
        "stream-lifetime", .lifetime, default: defaults.streamLifetimeMilliseconds, live: true,
        "A stream ends after so long, give or take a tenth, or 0 for never")

    static let streams = SettingGroup("Streams", [maxStreams, streamHeartbeat, streamLifetime])
}

extension SettingForm where Value == Int {
    fileprivate static var lifetime: Self { time(0...36_500 * 86_400_000) }
}
