// swift-tools-version: 6.2
import PackageDescription

// One loop at the end gives every target of ours the same strict settings.
// A warning is an error: Belfry is a program, not a library that others compile with other compilers.
let strict: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
  .treatAllWarnings(as: .error),
]

let argumentParser: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let lifecycle: Target.Dependency = .product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let unixSignals: Target.Dependency = .product(name: "UnixSignals", package: "swift-service-lifecycle")
let asyncAlgorithms: Target.Dependency = .product(name: "AsyncAlgorithms", package: "swift-async-algorithms")
let grdb: Target.Dependency = .product(name: "GRDB", package: "GRDB.swift")
let grpc: Target.Dependency = .product(name: "GRPCCore", package: "grpc-swift-2")
let grpcProtobuf: Target.Dependency = .product(name: "GRPCProtobuf", package: "grpc-swift-protobuf")
let grpcTransport: Target.Dependency = .product(name: "GRPCNIOTransportHTTP2", package: "grpc-swift-nio-transport")
let protobuf: Target.Dependency = .product(name: "SwiftProtobuf", package: "swift-protobuf")
let hummingbird: Target.Dependency = .product(name: "Hummingbird", package: "hummingbird")
let asyncHTTPClient: Target.Dependency = .product(name: "AsyncHTTPClient", package: "async-http-client")
let configuration: Target.Dependency = .product(name: "Configuration", package: "swift-configuration")
let httpTypes: Target.Dependency = .product(name: "HTTPTypes", package: "swift-http-types")
let nioCore: Target.Dependency = .product(name: "NIOCore", package: "swift-nio")
let nioHTTP1: Target.Dependency = .product(name: "NIOHTTP1", package: "swift-nio")
let nioSSL: Target.Dependency = .product(name: "NIOSSL", package: "swift-nio-ssl")
let nioPosix: Target.Dependency = .product(name: "NIOPosix", package: "swift-nio")
let systemPackage: Target.Dependency = .product(name: "SystemPackage", package: "swift-system")
let subprocess: Target.Dependency = .product(name: "Subprocess", package: "swift-subprocess")

let package = Package(
  name: "belfry",
  products: [
    .executable(name: "belfry", targets: ["belfry"]),
    .executable(name: "belfry-agent", targets: ["belfry-agent"]),
    .executable(name: "belfry-executor-http", targets: ["belfry-executor-http"]),
    .executable(name: "belfry-bench", targets: ["belfry-bench"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
    .package(url: "https://github.com/apple/swift-async-algorithms", from: "1.1.0"),
    .package(url: "https://github.com/apple/swift-configuration", from: "1.4.0"),
    .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
    .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.30.0"),
    .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0"),
    .package(url: "https://github.com/apple/swift-system", from: "1.8.0"),
    .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
    .package(url: "https://github.com/grpc/grpc-swift-2", from: "2.4.0"),
    .package(url: "https://github.com/grpc/grpc-swift-nio-transport", from: "2.9.0"),
    .package(url: "https://github.com/grpc/grpc-swift-protobuf", from: "2.4.0"),
    .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.0"),
    .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
    .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.0"),
  ],
  targets: [
    // System libraries: each is imported by exactly one target.
    .systemLibrary(name: "CLibGit2", pkgConfig: "libgit2", providers: [.apt(["libgit2-dev"])]),
    .systemLibrary(name: "CLibYAML", pkgConfig: "yaml-0.1", providers: [.apt(["libyaml-dev"])]),
    .systemLibrary(name: "COpenSSL", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),

    // Pure: no Foundation, no clock, no randomness, no I/O.
    .target(name: "Model"),
    .target(name: "Schedule", dependencies: ["Model"]),
    .target(name: "Planning", dependencies: ["Model", "Schedule"]),

    // What the services need of the operating system: blocking calls, clocks, durable files; and its time zones.
    .target(name: "Platform", dependencies: ["Model"]),
    .target(name: "ZoneInfo", dependencies: ["Model", "Schedule"]),

    // Thin layers over one library or one part of the system each.
    .target(name: "Manifest", dependencies: ["Model", "Schedule", "ZoneInfo", "CLibYAML"]),
    .target(name: "Trust", dependencies: ["Model", "COpenSSL"]),
    .target(name: "Git", dependencies: ["Model", "CLibGit2"]),
    .target(name: "Results", dependencies: ["Model", "Git", "Trust"]),
    .target(name: "Wire", dependencies: ["Model", protobuf, grpc, grpcProtobuf], exclude: ["belfry.proto"]),
    .target(name: "Execution", dependencies: ["Model", "Trust", "CSpawn"], plugins: ["BuildShim"]),
    .target(name: "CSpawn", cSettings: [.define("_GNU_SOURCE")]),
    .plugin(name: "BuildShim", capability: .buildTool()),

    // Services.
    .target(
      name: "ControllerKit",
      dependencies: [
        "Model", "Schedule", "Planning", "Manifest", "Trust", "Git", "Results", "Wire", "Platform", "ZoneInfo",
        logging, lifecycle, asyncAlgorithms, grpc, grpcProtobuf, grpcTransport, hummingbird, httpTypes, nioCore,
        protobuf,
      ]),
    .target(
      name: "AgentKit",
      dependencies: [
        "Model", "Schedule", "Planning", "Trust", "Wire", "Execution", "Platform", "ZoneInfo",
        logging, lifecycle, asyncAlgorithms, grpc, grpcProtobuf, grpcTransport, grdb, nioCore, protobuf,
      ]),
    .target(
      name: "CommandKit",
      dependencies: [
        "Model", "Schedule", "Planning", "Manifest", "Trust", "Git", "Results", "Platform", "ZoneInfo",
        "ControllerKit", "AgentKit", argumentParser, asyncHTTPClient, nioCore, nioHTTP1, nioPosix, subprocess, logging,
        lifecycle, unixSignals,
      ]),

    .target(
      name: "HTTPExecutor",
      dependencies: ["Model", asyncHTTPClient, nioCore, nioHTTP1, nioPosix, nioSSL]),

    // Programs: wiring only.
    .executableTarget(name: "belfry", dependencies: ["CommandKit", argumentParser]),
    .executableTarget(
      name: "belfry-agent",
      dependencies: [
        "AgentKit", "Model", "Platform", "Trust", argumentParser, configuration, logging, lifecycle, unixSignals,
        systemPackage,
      ]),
    .executableTarget(name: "belfry-executor-http", dependencies: ["HTTPExecutor", "Model"]),
    .executableTarget(
      name: "belfry-bench",
      dependencies: [
        "Model", "Schedule", "Planning", "Platform", "Trust", "Git", "Results", "ZoneInfo", "ControllerKit",
        "CLibYAML", argumentParser, subprocess, systemPackage,
      ]),

    // Tests.
    .target(name: "TestSupport", dependencies: ["Model", "Trust", subprocess]),
    .testTarget(name: "ModelTests", dependencies: ["Model", "TestSupport"]),
    .testTarget(name: "ScheduleTests", dependencies: ["Model", "Schedule", "ZoneInfo", "TestSupport"]),
    .testTarget(name: "ZoneInfoTests", dependencies: ["Model", "Schedule", "ZoneInfo", "TestSupport"]),
    .testTarget(name: "TrustTests", dependencies: ["Model", "Trust", "TestSupport"]),
    .testTarget(name: "ManifestTests", dependencies: ["Model", "Manifest", "Schedule", "ZoneInfo", "TestSupport"]),
    .testTarget(name: "PlanningTests", dependencies: ["Model", "Schedule", "Planning", "TestSupport"]),
    .testTarget(name: "ExecutionTests", dependencies: ["Execution", "Model", "Trust", "TestSupport"]),
    .testTarget(name: "HTTPExecutorTests", dependencies: ["HTTPExecutor", "Model", "TestSupport", nioCore]),
    .testTarget(name: "GitTests", dependencies: ["Model", "Git", "TestSupport"]),
    .testTarget(name: "ResultsTests", dependencies: ["Model", "Trust", "Git", "Results", "TestSupport"]),
    .testTarget(
      name: "CommandKitTests",
      dependencies: [
        "CommandKit", "ControllerKit", "Model", "Schedule", "Planning", "Git", "Results", "Trust", "Platform",
        "ZoneInfo", "TestSupport", argumentParser, hummingbird, httpTypes, nioCore, logging,
      ]),
    .testTarget(
      name: "AgentKitTests",
      dependencies: [
        "AgentKit", "Execution", "Model", "Schedule", "Planning", "Trust", "Wire", "Platform", "ZoneInfo",
        "TestSupport", grdb,
        logging, protobuf,
      ]),
    .testTarget(
      name: "ControllerKitTests",
      dependencies: [
        "ControllerKit", "Model", "Planning", "Manifest", "Trust", "Git", "Results", "Platform", "Wire", "ZoneInfo",
        "TestSupport", grpc, grpcTransport, protobuf, logging, hummingbird, asyncHTTPClient, nioCore, nioHTTP1,
      ]),
    .testTarget(
      name: "EndToEnd",
      dependencies: ["belfry", "belfry-agent", "belfry-executor-http", "TestSupport", "Model", "Trust"]),
  ]
)

for target in package.targets where ![.system, .plugin].contains(target.type) {
  target.swiftSettings = (target.swiftSettings ?? []) + strict
}
