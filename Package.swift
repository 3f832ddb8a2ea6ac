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
        .target(name: "Arenas", dependencies: ["CLinux"], swiftSettings: settings),
        .target(name: "JSON", dependencies: ["Arenas"], swiftSettings: settings),
        .target(name: "HTTP", dependencies: ["Arenas"], swiftSettings: settings),
        .target(name: "PubSub", dependencies: ["Arenas"], swiftSettings: settings),
        .target(name: "EventLoop", dependencies: ["CLinux", "Arenas"], swiftSettings: settings),
        .target(
            name: "Telemetry", dependencies: [.product(name: "Logging", package: "swift-log")],
            swiftSettings: settings),
        .target(
            name: "Gateway",
            dependencies: ["Arenas", "JSON", "HTTP", "PubSub", "EventLoop", "Telemetry"],
            swiftSettings: settings),
        .executableTarget(
            name: "postern",
            dependencies: [
                "Gateway", "CSystemd",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: settings),
        .target(name: "GatewayTesting", dependencies: ["Gateway"], swiftSettings: settings),
    ]
)
