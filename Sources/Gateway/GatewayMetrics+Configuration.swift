import Telemetry

/// What the gateway was told: the bounds that its figures are to be held against, and how its last reload went.
extension GatewayShared {
    func appendConfiguration(to text: inout MetricsText) {
        let configuration = live.current.configuration
        text.gauge(
            "postern_connections_limit", help: "Most connections at a time.", value: configuration.maximumConnections)
        text.gauge("postern_streams_limit", help: "Most streams at a time.", value: configuration.maximumStreams)
        text.gauge("postern_topics_limit", help: "Most topics at a time.", value: configuration.log.maximumTopics)
        text.gauge(
            "postern_scheduled_messages_limit", help: "Most messages that wait for their time.",
            value: configuration.log.maximumScheduled)
        text.gauge(
            "postern_arena_budget_bytes", help: "Most memory of all arenas.", value: configuration.arenaBudgetBytes)
        if let accessLog {
            text.counter(
                "postern_access_log_lost_total", help: "Requests that were to be logged and found no room.",
                value: UInt64(accessLog.lostTotal))
        }
        text.gauge(
            "postern_config_last_reload_successful",
            help: "Whether the last reading of settings, tokens and certificates was taken up in full.",
            value: reloads.isSuccessful ? 1 : 0)
        text.gauge(
            "postern_config_last_reload_success_timestamp_seconds", help: "When one last was, in seconds since 1970.",
            value: Int(reloads.lastSuccessSeconds))
    }
}
