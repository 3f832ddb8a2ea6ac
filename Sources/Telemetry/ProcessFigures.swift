/// What the system says of this process at one moment; nil for what cannot be read.
public struct ProcessFigures: Sendable {
    /// User and system CPU time spent.
    public var cpuSeconds: Double
    public var residentBytes: UInt64?
    public var virtualBytes: UInt64?
    public var threads: UInt64?
    public var openFiles: UInt64?
    /// Most open files allowed.
    public var openFilesLimit: UInt64?
    /// Since 1970.
    public var startSeconds: Double?
    /// Since the start.
    public var uptimeSeconds: Double?
}
