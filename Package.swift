// swift-tools-version: 6.2
import PackageDescription

/// Every target: Swift 6 mode, compile-time lifetimes for views into arenas, each use of unsafe
/// memory marked with `unsafe`, and no warning left standing.
let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableExperimentalFeature("Lifetimes"),
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
]

let package = Package(
    name: "postern",
    products: [
        .executable(name: "postern", targets: ["postern"]),
        .library(name: "Gateway", targets: ["Gateway"]),
        .library(name: "GatewayTesting", targets: ["GatewayTesting"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    ],
    targets: [
        .target(name: "CLinux"),
        .target(name: "CSystemd"),
        .target(name: "CTOML"),
        .target(name: "CCurl"),
        .target(name: "CChecksum"),
        .target(name: "COpenSSL", linkerSettings: [.linkedLibrary("ssl"), .linkedLibrary("crypto")]),
        .target(name: "Arenas", swiftSettings: settings),
        .target(name: "JSON", dependencies: ["Arenas"], swiftSettings: settings),
        .target(name: "HTTP", dependencies: ["Arenas"], swiftSettings: settings),
        .target(name: "PubSub", dependencies: ["Arenas"], swiftSettings: settings),
        .target(
            name: "SegmentLog", dependencies: ["CLinux", "CChecksum", "Arenas", "PubSub"], swiftSettings: settings),
        .target(name: "Access", dependencies: ["Arenas", "JSON", "PubSub", "COpenSSL"], swiftSettings: settings),
        .target(name: "Clients", dependencies: ["Arenas"], swiftSettings: settings),
        .target(name: "TLS", dependencies: ["COpenSSL"], swiftSettings: settings),
        .target(name: "EventLoop", dependencies: ["CLinux", "Arenas", "TLS"], swiftSettings: settings),
        .target(
            name: "Telemetry", dependencies: ["CSystemd", .product(name: "Logging", package: "swift-log")],
            swiftSettings: settings),
        .target(
            name: "Gateway",
            dependencies: [
                "Arenas", "JSON", "HTTP", "PubSub", "SegmentLog", "TLS", "EventLoop", "Access", "Clients",
                "Telemetry",
            ],
            resources: [.embedInCode("openapi.yaml"), .embedInCode("console.html")], swiftSettings: settings),
        .target(name: "Configuration", dependencies: ["CTOML"], swiftSettings: settings),
        .target(name: "PosternClient", dependencies: ["CCurl", "Arenas", "JSON"], swiftSettings: settings),
        .executableTarget(
            name: "postern",
            dependencies: [
                "Gateway", "PosternClient", "Configuration", "SegmentLog", "PubSub", "TLS", "Access", "Clients",
                "CLinux", "CSystemd",
                "Telemetry",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: settings),
        .target(name: "GatewayTesting", dependencies: ["Gateway"], swiftSettings: settings),

        // Tests, and what they are held against: independent parsers from Debian.
        .testTarget(name: "ArenasTests", dependencies: ["Arenas"], swiftSettings: settings),
        .testTarget(name: "CompileRefusalTests", dependencies: ["Arenas"], swiftSettings: settings),
        .target(
            name: "CSimdjson", path: "Tests/Support/CSimdjson", linkerSettings: [.linkedLibrary("simdjson")]),
        .testTarget(
            name: "JSONTests", dependencies: ["Arenas", "JSON", "CSimdjson", "FuzzTargets"], swiftSettings: settings),
        .target(
            name: "CHTTPParser", path: "Tests/Support/CHTTPParser", linkerSettings: [.linkedLibrary("http_parser")]),
        .testTarget(name: "HTTPTests", dependencies: ["Arenas", "HTTP", "CHTTPParser"], swiftSettings: settings),
        .testTarget(name: "PubSubTests", dependencies: ["PubSub", "Arenas"], swiftSettings: settings),
        .target(
            name: "SimulatedStorage", dependencies: ["SegmentLog"], path: "Tests/Support/SimulatedStorage",
            swiftSettings: settings),
        .testTarget(
            name: "SegmentLogTests", dependencies: ["SegmentLog", "PubSub", "Arenas", "CChecksum", "SimulatedStorage"],
            swiftSettings: settings),
        .testTarget(
            name: "LogConformanceTests", dependencies: ["PubSub", "SegmentLog", "Arenas", "SimulatedStorage"],
            swiftSettings: settings),
        .target(name: "CAllocationCount", path: "Tests/Support/CAllocationCount"),
        .testTarget(
            name: "EventLoopTests", dependencies: ["EventLoop", "CLinux", "CAllocationCount"], swiftSettings: settings),
        .testTarget(
            name: "AccessTests", dependencies: ["Access", "Arenas", "PubSub", "CAllocationCount"],
            swiftSettings: settings),
        .testTarget(
            name: "ClientsTests", dependencies: ["Clients", "Arenas", "CAllocationCount"], swiftSettings: settings),
        .testTarget(name: "TLSTests", dependencies: ["TLS"], swiftSettings: settings),
        .testTarget(name: "PosternClientTests", dependencies: ["PosternClient"], swiftSettings: settings),
        .testTarget(name: "ConfigurationTests", dependencies: ["Configuration"], swiftSettings: settings),
        .testTarget(name: "TelemetryTests", dependencies: ["Telemetry"], swiftSettings: settings),
        .testTarget(name: "GatewayTests", dependencies: ["Gateway", "GatewayTesting"], swiftSettings: settings),
        .testTarget(name: "LayeringTests", swiftSettings: settings),
        .target(
            name: "FuzzTargets", dependencies: ["Arenas", "JSON"], path: "Tests/Support/FuzzTargets",
            swiftSettings: settings),
        // Run by scripts/fuzz.sh, which links libFuzzer.
        .target(name: "CLibFuzzer", path: "Tests/Support/CLibFuzzer"),
        .executableTarget(
            name: "fuzz",
            dependencies: [
                "CLibFuzzer", "FuzzTargets", "Arenas", "HTTP", "JSON", "PubSub", "SegmentLog", "SimulatedStorage",
                "Gateway", "Access", "Clients",
            ],
            path: "Tests/Support/Fuzzer", swiftSettings: settings),
    ],
    cxxLanguageStandard: .cxx17
)
