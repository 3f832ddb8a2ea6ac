/// A swift-log back end that writes one line an event to a descriptor, with one `write(2)`, or hands it to the journal.
///
/// Lines of several threads never interleave: a lock is held for the write, since the system may split a write to a
/// full pipe. Where nobody reads the pipe the writing thread waits, and with it whoever logs next; where the
/// descriptor does not block, a line is given up, or cut short, after a second. Lines that cannot be written are lost
/// in silence: there is no place left to say so.
struct LineLogHandler: LogHandler {
    /// The process's, until a logger sets its own.
    var logLevel: Logger.Level {
        get { ownLevel ?? LogThreshold.level }
        set { ownLevel = newValue }
    }
    var metadata: Logger.Metadata = [:]
    var metadataProvider: Logger.MetadataProvider?

    private var ownLevel: Logger.Level?
    private let label: String
    private let destination: LogDestination

    init(
        label: String, destination: LogDestination, level: Logger.Level? = nil,
        metadataProvider: Logger.MetadataProvider?
    ) {
        self.label = label
        self.destination = destination
        ownLevel = level
        self.metadataProvider = metadataProvider
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        // The nearer to the statement, the stronger: handler, provider, statement.
        var fields = metadata
        if let provided = metadataProvider?.get() { fields.merge(provided) { _, new in new } }
        if let given = event.metadata { fields.merge(given) { _, new in new } }
        if let error = event.error {
            fields["error.message"] = .string("\(error)")
            fields["error.type"] = .string(String(reflecting: type(of: error)))
        }
        destination.write(
            LogLine(
                time: .now(), level: event.level, label: label, message: event.message.description, fields: fields))
    }
}
