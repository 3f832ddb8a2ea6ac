@_exported import Logging

/// A log's levels: `trace` to `critical`. A name such as `info` makes one: `LogLevel(rawValue:)`.
public typealias LogLevel = Logger.Level

/// How log lines look.
public enum LogFormat: String, Sendable, CaseIterable {
    /// For people: `2026-11-23T04:05:00.123456Z info started port=8080`.
    case text
    /// For programs: one JSON object a line.
    case json
    /// Text on a terminal, JSON otherwise.
    case automatic
}
