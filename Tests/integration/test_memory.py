"""Memory comes back: one large request among small ones pins nothing."""

import pytest

from client import Api, eventually


@pytest.mark.slow
def test_one_large_body_among_small_ones_leaves_no_memory_behind(serve):
    server = serve("--loops", "1")
    api = Api(server)

    def reserved():
        return server.metric("postern_arena_reserved_bytes")

    def small_requests():
        for _ in range(50):
            assert api.publish_json("small", {"temp": 21.5}).status_code == 201

    for _ in range(10):
        small_requests()
    before = reserved()
    assert api.publish_json("large", "x" * (900 << 10)).status_code == 201
    assert server.metric("postern_arena_request_bytes_sum") > 900 << 10

    def back():
        small_requests()
        return reserved() <= before

    eventually(back, timeout=60, what="arenas shrink to what they were")


def test_the_log_s_memory_is_bounded(serve):
    """Retention holds by itself: 64 MiB through a log of 4 MiB that is warm."""
    server = serve("--loops", "1", "--retention-bytes", "4MiB")
    api = Api(server)
    for _ in range(64):
        api.publish("t", "x" * (512 << 10))
    before = server.resident_bytes()
    for _ in range(128):
        assert api.publish("t", "x" * (512 << 10)).status_code == 201
    assert server.resident_bytes() - before < 4 << 20
    assert server.metric("postern_log_bytes") <= 4 << 20


def test_topics_that_come_and_go_leave_nothing_behind(serve):
    server = serve("--loops", "1")
    api = Api(server)
    for number in range(300):
        api.publish(f"passing-{number}", "x")
        assert api.request("DELETE", f"/v1/topics/passing-{number}").status_code == 204
    server.waits_for("postern_interned_topics", 0)
    server.waits_for("postern_interned_bytes", 0)
