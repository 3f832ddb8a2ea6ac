import Configuration
import Gateway
import SegmentLog

/// What is kept, where, and for how long.
extension Settings {
    private static let defaults = GatewayConfiguration()

    static let dataDir = Setting(
        "data-dir", .path("dir"), defaultText: "in memory",
        "Keep messages in files of this directory, which must be there.")
    static let durability = Setting(
        "durability", .durability, default: .sync,
        """
        When a publish is acknowledged: sync, once it is on disk; interval=TIME, at once, and it is on disk that much \
        later (1ms to 1h); memory, at once, and the system writes it when it likes. Wants a data directory.
        """)
    static let retentionBytes = Setting(
        "retention-bytes", .size(1 << 20...1 << 40),
        defaultText: """
            \(UnitText.size(defaults.log.retention.bytes ?? 0)) of memory, \
            \(UnitText.size(SegmentLogConfiguration().retention.bytes ?? 0)) of files
            """, live: true,
        "What messages may take, the oldest go first; at least 16MiB with a data directory")
    static let retentionCount = Setting(
        "retention-count", .integer(1...1_000_000_000_000), defaultText: "no bound", live: true,
        "Most messages kept")
    static let retentionAge = Setting(
        "retention-age", .time(1000...36_500 * 86_400_000), defaultText: "no bound", live: true,
        "Longest a message is kept")
    static let maxTopics = Setting(
        "max-topics", .integer(1...10_000_000), default: defaults.log.maximumTopics, "Most topics at a time")
    static let maxDelay = Setting(
        "max-delay", .time(1000...365 * 86_400_000), default: Int(defaults.maximumDelayMicroseconds / 1000), live: true,
        "Latest a message may be set to be delivered")
    static let maxScheduled = Setting(
        "max-scheduled", .integer(1...10_000_000), default: defaults.log.maximumScheduled,
        "Most messages that wait for their time")

    static let storage = SettingGroup(
        "Storage",
        [
            dataDir, durability, retentionBytes, retentionCount, retentionAge, maxTopics, maxDelay, maxScheduled,
        ])
}

extension SettingForm where Value == Durability {
    fileprivate static var durability: Self {
        Self(
            valueName: "mode",
            read: { written throws(SettingRefusal) in
                if written == "sync" { return .sync }
                if written == "memory" { return .memory }
                guard written.hasPrefix("interval=") else {
                    throw SettingRefusal(
                        "sync, memory or interval=TIME (such as interval=50ms) is wanted, not '\(written)'")
                }
                let interval = String(written.dropFirst("interval=".count))
                return .interval(milliseconds: try SettingForm<Int>.time(1...3_600_000).read(interval))
            },
            text: { durability in
                switch durability {
                case .sync: "sync"
                case .memory: "memory"
                case .interval(let milliseconds): "interval=\(UnitText.time(milliseconds))"
                }
            })
    }
}
