"""/metrics: clean by promtool, exact, and without a label that a stranger chose."""

import re
import subprocess

import pytest

from client import BINARY, Api

PROMISED = """
    postern_arena_pool_capacity postern_arena_pool_idle postern_arena_pool_in_use postern_arena_acquires_total
    postern_arena_releases_total postern_arena_acquire_failures_total postern_arena_reserved_bytes
    postern_arena_idle_bytes postern_arena_retain_target_bytes postern_arena_request_bytes
    postern_arena_chunk_allocations_total postern_arena_oversize_rejections_total postern_arena_hold_seconds
    postern_arena_promoted_bytes_total postern_interned_topics postern_interned_bytes
    postern_messages_published_total postern_messages_delivered_total postern_messages_dropped_total
    postern_log_messages postern_log_bytes postern_log_segments postern_poll_waiters postern_connections
    postern_http_request_duration_seconds postern_build_info process_cpu_seconds_total process_resident_memory_bytes
    process_open_fds process_max_fds process_start_time_seconds
""".split()


@pytest.fixture
def fresh(serve):
    """A server that nobody else speaks to, so that every figure is known."""
    return Api(serve("--loops", "2"))


def test_promtool_finds_nothing_to_say(fresh):
    fresh.publish("t", "x")
    fresh.read("t")
    text = fresh.get("/metrics").content
    done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_the_media_type_is_prometheus_own(fresh):
    assert fresh.get("/metrics").headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"


def test_every_promised_metric_is_there_with_help(fresh):
    text = fresh.get("/metrics").text
    described = set(re.findall(r"^# HELP (\S+) \S", text, re.MULTILINE))
    assert set(PROMISED) - described == set()


def test_publishes_are_counted_exactly(fresh):
    for number in range(40):
        fresh.publish("t", str(number))
    for number in range(3):
        fresh.batch(*[{"topic": "t", "data": number} for _ in range(10)])
    fresh.publish("t", "x", Idempotency_Key="k")
    fresh.publish("t", "x", Idempotency_Key="k")
    fresh.publish("t..t", "refused")
    server = fresh.server
    assert server.metric("postern_messages_published_total") == 71
    assert server.metric("postern_log_messages") == 71
    requests_seen = "postern_http_request_duration_seconds_count"
    assert server.metric(requests_seen, method="POST", code="201") == 44
    assert server.metric(requests_seen, method="POST", code="200") == 1
    assert server.metric(requests_seen, method="POST", code="400") == 1


def test_deliveries_are_counted_exactly(fresh):
    for number in range(10):
        fresh.publish("t", str(number))
    for limit in (3, 10, 7):
        fresh.read("t", limit=limit)
    fresh.read("other")
    assert fresh.server.metric("postern_messages_delivered_total") == 20


def test_what_retention_drops_is_counted(serve):
    api = Api(serve("--retention-count", "10"))
    for number in range(25):
        api.publish("t", str(number))
    api.server.waits_for("postern_messages_dropped_total", 15)
    assert api.server.metric("postern_log_messages") == 10


def test_arenas_are_leased_and_given_back(fresh):
    def acquired():
        return fresh.server.metric("postern_arena_acquires_total")

    def released():
        return fresh.server.metric("postern_arena_releases_total")

    before = acquired()
    for _ in range(10):
        fresh.publish_json("t", {"a": 1})
    assert acquired() - before >= 10
    assert acquired() == released()
    assert fresh.server.held_arenas() == 0


def test_labels_never_come_from_strangers(fresh):
    """Neither topics nor paths, methods or parameters that somebody made up."""
    for number in range(5):
        fresh.publish(f"stranger-{number}", "x")
        fresh.get(f"/stranger-{number}")
        fresh.request(f"STRANGER{number}", "/v1/topics")
        fresh.read("t", **{f"stranger{number}": 1})
    samples = fresh.server.metrics()
    assert not [sample for sample in samples if "stranger" in sample.lower()]


def test_the_number_of_samples_does_not_grow_with_use(fresh):
    for number in range(3):
        fresh.publish(f"warm-{number}", "x")
        fresh.read(f"warm-{number}")
        fresh.get("/metrics")
    before = set(fresh.server.metrics())
    for number in range(50):
        fresh.publish(f"t-{number}", "x")
        fresh.read(f"t-{number}")
    assert set(fresh.server.metrics()) == before


def test_histograms_add_up(fresh):
    for _ in range(20):
        fresh.publish("t", "x")
    samples = fresh.server.metrics()
    for name, value in samples.items():
        if "_bucket{" in name and 'le="+Inf"' in name:
            base, labels = name.split("_bucket{")
            rest = ",".join(label for label in labels.rstrip("}").split(",") if not label.startswith("le="))
            assert samples[f"{base}_count" + (f"{{{rest}}}" if rest else "")] == value


def test_open_connections_are_shown(fresh):
    asking = 1
    connections = [fresh.server.connect() for _ in range(7)]
    fresh.server.waits_for("postern_connections", 7 + asking)
    for connection in connections:
        connection.close()
    fresh.server.waits_for("postern_connections", asking)


def test_the_version_is_the_binary_s(fresh):
    version = subprocess.run([BINARY, "--version"], capture_output=True, text=True).stdout.split()[-1]
    assert fresh.server.metric("postern_build_info", version=version) == 1
