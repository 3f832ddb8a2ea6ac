/// Sends the log of the whole process to standard error, or to systemd's journal where standard error leads there. Call it once, before the first `Logger` is made: swift-log
/// traps at a second call.
///
/// The thread that logs writes the line itself. Where standard error is a pipe that nobody empties, it waits, and so
/// does whoever logs next; where that pipe was closed, the system sends SIGPIPE, which a server ignores.
/// - Parameter level: what is below it is not written, until `LogThreshold` says otherwise.
/// - Parameter metadataProvider: adds fields to every line.
public func bootstrapLogging(
    level: LogLevel, format: LogFormat = .automatic, metadataProvider: Logger.MetadataProvider? = nil
) {
    LogThreshold.level = level
    let destination = LogDestination.standardError(format)
    LoggingSystem.bootstrap(
        { label, provider in
            LineLogHandler(label: label, destination: destination, metadataProvider: provider)
        }, metadataProvider: metadataProvider)
}
