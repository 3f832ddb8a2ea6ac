import Access
import Arenas
import Clients
import EventLoop
import PubSub
import Telemetry

/// What `/metrics` shows. Label values come from closed lists, never from a client.
extension GatewayShared {
    func metricsText() -> MetricsText {
        var text = MetricsText()
        appendArenas(to: &text)
        appendLog(to: &text)
        appendStorage(to: &text)
        appendStreams(to: &text)
        appendConnections(to: &text)
        appendRequests(to: &text)
        appendConfiguration(to: &text)
        processMetrics.append(to: &text)
        text.buildInfo(version: version)
        return text
    }

    private func appendArenas(to text: inout MetricsText) {
        let arenas = arenas.statistics()
        text.gauge("postern_arena_pool_capacity", help: "Arenas there are.", value: arenas.capacity)
        text.gauge("postern_arena_pool_idle", help: "Arenas that wait for a request.", value: arenas.idle)
        text.gauge("postern_arena_pool_in_use", help: "Arenas that a request holds.", value: arenas.inUse)
        text.counter(
            "postern_arena_acquires_total", help: "Arenas leased, by where they came from.", label: "source",
            [("local", arenas.acquiresLocal), ("shared", arenas.acquiresShared), ("created", arenas.acquiresCreated)])
        text.counter(
            "postern_arena_releases_total", help: "Arenas given back, by what became of them.", label: "outcome",
            [
                ("local", arenas.releasesLocal), ("shared", arenas.releasesShared),
                ("trimmed", arenas.releasesTrimmed), ("freed", arenas.releasesFreed),
            ])
        text.counter(
            "postern_arena_acquire_failures_total", help: "Arenas that could not be leased.", label: "reason",
            [("budget", arenas.acquireFailuresBudget)])
        text.counter(
            "postern_arena_growth_failures_total", help: "Times an arena could not grow within the budget.",
            value: arenas.growthFailures)
        text.gauge("postern_arena_reserved_bytes", help: "Memory of all arenas.", value: arenas.reservedBytes)
        text.gauge("postern_arena_idle_bytes", help: "Memory of arenas that wait.", value: arenas.idleBytes)
        text.gauge(
            "postern_arena_retain_target_bytes", help: "What an arena keeps at most when it is given back.",
            value: arenas.retainTargetBytes)
        text.counter(
            "postern_arena_chunk_allocations_total", help: "Chunks of memory taken for arenas.",
            value: arenas.chunkAllocations)
        text.counter(
            "postern_arena_oversize_rejections_total",
            help: "Requests refused for their announced size before an arena was leased.",
            value: arenas.oversizeRejections)
        text.counter(
            "postern_arena_promoted_bytes_total", help: "Bytes that left an arena, by the door.", label: "kind",
            [("copy", arenas.promotedCopyBytes), ("intern", arenas.promotedInternBytes)])
        text.histogram("postern_arena_request_bytes", help: "Arena bytes a request took.", merged(\.arenaBytesSnapshot))
        text.histogram(
            "postern_arena_hold_seconds", help: "How long a request held its arena.", merged(\.arenaHoldSnapshot),
            scale: .nanosecondsAsSeconds)
    }

    private func appendLog(to text: inout MetricsText) {
        let log = log.statistics
        text.counter("postern_messages_published_total", help: "Messages stored.", value: log.published)
        text.counter(
            "postern_messages_duplicate_total", help: "Publishes that repeated an idempotency key.",
            value: log.duplicates)
        text.counter(
            "postern_messages_delivered_total", help: "Messages handed to clients, by the form of their read.",
            label: "form",
            [("poll", delivered(.poll)), ("sse", delivered(.eventStream)), ("ndjson", delivered(.lines))])
        text.counter(
            "postern_messages_dropped_total", help: "Messages dropped by retention.", value: log.droppedByRetention)
        text.counter(
            "postern_messages_scheduled_total", help: "Messages taken in to be delivered later.", value: log.scheduled)
        text.gauge("postern_scheduled_messages", help: "Messages that wait for their time.", value: log.waiting)
        text.gauge("postern_log_messages", help: "Messages that can be read.", value: log.messages)
        text.gauge("postern_log_bytes", help: "Bytes of messages that can be read.", value: log.bytes)
        text.gauge("postern_log_segments", help: "Segments that hold messages.", value: log.segments)
        text.gauge("postern_log_reserved_bytes", help: "Memory of all segments.", value: log.reservedBytes)
        text.gauge("postern_interned_topics", help: "Distinct topic names held.", value: log.internedTopics)
        text.gauge("postern_interned_bytes", help: "Bytes of the topic names held.", value: log.internedBytes)
        text.gauge("postern_idempotency_keys", help: "Idempotency keys remembered.", value: log.idempotencyKeys)
        text.counter(
            "postern_idempotency_evictions_total", help: "Idempotency keys forgotten before their time.",
            value: log.idempotencyEvictions)
        text.gauge(
            "postern_poll_waiters", help: "Polls that are parked.", value: metrics.reduce(0) { $0 + $1.waiters.value })
    }

    private func appendStorage(to text: inout MetricsText) {
        guard let storage, let figures = log.statistics.storage else { return }
        text.histogram(
            "postern_storage_commit_duration_seconds",
            help: "From taking what was staged to its being as durable as it is to be.",
            storage.commitDuration.snapshot(), scale: .nanosecondsAsSeconds)
        text.histogram(
            "postern_storage_commit_messages", help: "Messages made durable by one commit.",
            storage.commitMessages.snapshot())
        text.gauge("postern_storage_file_bytes", help: "Bytes of all segment files.", value: figures.fileBytes)
        text.counter(
            "postern_storage_written_bytes_total", help: "Bytes of records written.", value: figures.writtenBytes)
        text.gauge("postern_storage_staged_bytes", help: "Bytes that wait to be written.", value: figures.stagedBytes)
        text.counter(
            "postern_storage_segments_deleted_total", help: "Segments removed by retention.",
            value: figures.segmentsDeleted)
        text.counter(
            "postern_storage_segments_compacted_total", help: "Segments written anew without what was dropped.",
            value: figures.segmentsCompacted)
        text.gauge(
            "postern_storage_damaged_ranges", help: "Ranges of messages that cannot be read any more.",
            value: figures.damagedRanges)
        text.gauge(
            "postern_storage_recovery_seconds", help: "How long it took to open the log.",
            value: figures.recoverySeconds)
        text.gauge("postern_storage_full", help: "1 while the disk is full.", value: figures.isFull ? 1 : 0)
        text.gauge("postern_storage_failed", help: "1 once the disk failed.", value: figures.hasFailed ? 1 : 0)
        text.gauge(
            "postern_log_oldest_timestamp_seconds", help: "When the oldest message was stored; 0 where there is none.",
            value: Int((figures.oldestMicroseconds ?? 0) / 1_000_000))
    }

    private func delivered(_ kind: ReadForm.Kind) -> UInt64 { metrics.reduce(0) { $0 + $1.delivered[kind].value } }

    private func appendStreams(to text: inout MetricsText) {
        text.gauge(
            "postern_streams", help: "Streams that are open.", value: metrics.reduce(0) { $0 + $1.streams.value })
        text.counter(
            "postern_stream_closes_total", help: "Streams that ended, by why.", label: "reason",
            StreamEnd.allCases.map { reason in
                ("\(reason.name)", metrics.reduce(0) { $0 + $1.streamCloses[reason].value })
            })
        text.histogram(
            "postern_stream_lag_messages",
            help: "Messages of the log, whatever their topic, behind what a stream was just sent.",
            merged { $0.streamLag.snapshot() })
        text.histogram(
            "postern_delivery_delay_seconds",
            help: "From a message's time to when it was sent to a client that waited, the oldest of each delivery.",
            merged { $0.deliveryDelay.snapshot() }, scale: .nanosecondsAsSeconds)
    }

    private func appendConnections(to text: inout MetricsText) {
        func sum(_ figure: (LoopStatistics) -> Int) -> Int { loops.reduce(0) { $0 + figure($1.statistics) } }
        text.gauge("postern_connections", help: "Connections that are open.", value: sum(\.openConnections))
        text.counter("postern_connections_accepted_total", help: "Connections accepted.", value: sum(\.acceptedTotal))
        text.counter(
            "postern_connections_refused_total", help: "Connections over the limit.", value: sum(\.refusedTotal))
        text.counter(
            "postern_connection_accept_errors_total", help: "Connections that could not be accepted.",
            value: sum(\.acceptErrorsTotal))
        text.counter(
            "postern_connections_closed_total", help: "Connections that ended, by the reason.", label: "reason",
            [
                ("finished", sum { $0.closedTotal(.finished) }), ("peer_closed", sum { $0.closedTotal(.peerClosed) }),
                ("failed", sum { $0.closedTotal(.failed) }), ("slow_reader", sum { $0.closedTotal(.slowReader) }),
            ])
        text.counter(
            "postern_authentications_total", help: "Tokens looked at, by what became of them.", label: "result",
            [
                ("accepted", metrics.reduce(0) { $0 + $1.authentications.accepted.value }),
                ("missing", metrics.reduce(0) { $0 + $1.authentications.missing.value }),
            ]
                + Refusal.allCases.map { refusal in
                    (refusal.rawValue, metrics.reduce(0) { $0 + $1.authentications[refusal].value })
                })
        text.counter(
            "postern_rate_limited_total", help: "Requests and connections refused for a client's limits.",
            label: "limit",
            RateKind.allCases.map { kind in ("\(kind.name)", metrics.reduce(0) { $0 + $1.limited[kind].value }) })
        text.counter(
            "postern_tls_handshakes_total", help: "TLS handshakes, by how they ended.", label: "result",
            [
                ("new", sum { $0.handshakesTotal - $0.resumedHandshakesTotal }),
                ("resumed", sum(\.resumedHandshakesTotal)), ("failed", sum(\.failedHandshakesTotal)),
            ])
        text.counter("postern_received_bytes_total", help: "Bytes read from sockets.", value: sum(\.bytesReadTotal))
        text.counter("postern_sent_bytes_total", help: "Bytes written to sockets.", value: sum(\.bytesWrittenTotal))
        text.gauge(
            "postern_pending_output_bytes", help: "Bytes held for clients that do not read.",
            value: sum(\.pendingOutputBytes))
        text.counter("postern_loop_wakeups_total", help: "Loops woken by another.", value: sum(\.wakeupsTotal))
    }

    private func appendRequests(to text: inout MetricsText) {
        guard var all = metrics.first?.requests.snapshot() else { return }
        for metrics in metrics.dropFirst() { all.merge(metrics.requests.snapshot()) }
        text.histogram(
            "postern_http_request_duration_seconds",
            help: "From a request's first look to its answer; a long poll's wait counts.", all)
    }

    private func merged(_ snapshot: (LoopMetrics) -> HistogramSnapshot) -> HistogramSnapshot {
        var result = snapshot(metrics[0])
        for metrics in metrics.dropFirst() { result.merge(snapshot(metrics)) }
        return result
    }
}

extension LoopMetrics {
    fileprivate var arenaBytesSnapshot: HistogramSnapshot { arenaBytes.snapshot() }
    fileprivate var arenaHoldSnapshot: HistogramSnapshot { arenaHold.snapshot() }
}
