"""How much of a disk a log takes: what was set, and little more for a moment."""

import json
import threading
import time

import pytest

from client import Api, eventually
from durable import SMALL, end, on_disk, used


def send(api, lines):
    """Publishes a batch; 201, or 503 where it comes too fast."""
    reply = api.request("POST", "/v1/messages", data=lines, headers={"Content-Type": "application/x-ndjson"})
    assert reply.status_code in (201, 503), reply.text
    return reply.status_code


class TestSpace:
    def test_old_segments_go(self, directory):
        """What the operator set, one segment that is written to and one that is made ready."""
        bound, segment = 16 << 20, 1 << 20
        with on_disk(directory, *SMALL) as server:
            api = Api(server)
            largest = 0
            for n in range(80):
                lines = "\n".join(json.dumps({"topic": f"t.{k}", "data": "x" * 4000}) for k in range(100))
                eventually(lambda: send(api, lines) == 201, what="upkeep follows")
                largest = max(largest, used(directory))
            assert server.metric("postern_storage_segments_deleted_total") > 0
            eventually(
                lambda: used(directory) <= bound + segment,
                what="space is what was set",
            )
            # Six over it, the one that is written to, and the one that is made ready.
            assert largest <= bound + 8 * segment, "who publishes faster than upkeep follows is told to wait"
            before_all = api.messages("t.**", limit=1)[0]["cursor"][:-13] + "0" * 12 + "1"
            assert api.read("t.**", after=before_all).status_code == 410
            server.kill()
        with on_disk(directory, *SMALL) as server:
            api = Api(server)
            # A segment that was about to go may be back, and one more may have had to go.
            assert api.messages("t.**"), "what was kept is read"
            assert api.read("t.**", after=before_all).status_code == 410, "losses are remembered"

    def test_many_publishers_do_not_outrun_it(self, directory):
        """Whoever publishes faster than upkeep follows is told 503. Above the bound may stand: the segment that is
        written to, the one made ready, four that wait for their index, one that is sealed and one that goes: eight."""
        bound, segment = 16 << 20, 1 << 20
        with on_disk(directory, *SMALL) as server:
            body = "\n".join(json.dumps({"topic": "t", "data": "x" * 20_000}) for _ in range(8))
            statuses, largest = set(), 0

            def publish():
                api = Api(server)
                for _ in range(800):
                    reply = api.request(
                        "POST", "/v1/messages", data=body, headers={"Content-Type": "application/x-ndjson"}
                    )
                    statuses.add(reply.status_code)

            threads = [threading.Thread(target=publish) for _ in range(4)]
            for thread in threads:
                thread.start()
            while any(thread.is_alive() for thread in threads):
                largest = max(largest, used(directory))
                threads[0].join(0.002)
            assert statuses <= {201, 503}
            assert largest <= bound + 8 * segment, f"{largest >> 20} MiB"
            eventually(lambda: used(directory) <= bound + segment, timeout=5, what="space is what was set")

    def test_a_smaller_bound_holds_from_the_start_on(self, directory):
        with on_disk(directory, "--retention-bytes", "64MiB") as server:
            api = Api(server)
            body = "\n".join(json.dumps({"topic": "t", "data": "x" * 20_000}) for _ in range(40))
            while used(directory) < 60 << 20:
                api.request("POST", "/v1/messages", data=body, headers={"Content-Type": "application/x-ndjson"})
            last = api.publish("t", "last").json()["cursor"]
            server.kill()
        with on_disk(directory, *SMALL) as server:
            # What the log was written with counts: segments of 4 MiB.
            eventually(lambda: used(directory) <= (16 << 20) + (4 << 20), timeout=5, what="space is what was set")
            assert Api(server).get("/v1/topics/t").json()["latest"] == last

    @pytest.mark.parametrize("how", ["ended", "killed"])
    def test_bounds_by_count_and_age_hold_over_a_start(self, directory, how):
        with on_disk(directory) as server:
            api = Api(server)
            for n in range(30):
                api.publish("c", str(n))
            api.session.close()
            end(server, how)
        with on_disk(directory, "--retention-count", "10") as server:
            api = Api(server)
            assert [m["data"] for m in api.messages("c")] == [str(n) for n in range(20, 30)]
            assert server.metric("postern_log_messages") == 10
            api.session.close()
            end(server, how)
        time.sleep(1)
        with on_disk(directory, "--retention-age", "1s") as server:
            api = Api(server)
            eventually(lambda: api.messages("c") == [], timeout=3, what="what is too old goes")
            api.publish("c", "new")
            assert [m["data"] for m in api.messages("c")] == ["new"]

    def test_a_quiet_topic_does_not_keep_whole_segments(self, directory):
        with on_disk(directory, "--retention-bytes", "256MiB") as server:
            api = Api(server)
            api.request("PUT", "/v1/topics/busy", json={"retention": {"count": 10}})
            for n in range(45):
                api.publish("quiet", f"kept {n}")
                lines = "\n".join(json.dumps({"topic": "busy", "data": "x" * 9000}) for _ in range(100))
                api.request("POST", "/v1/messages", data=lines, headers={"Content-Type": "application/x-ndjson"})
            eventually(
                lambda: server.metric("postern_storage_segments_compacted_total") >= 1, timeout=20, what="compaction"
            )
            assert [m["data"] for m in api.messages("quiet")] == [f"kept {n}" for n in range(45)]
            assert len(api.messages("busy")) == 10
            server.kill()
        with on_disk(directory, "--retention-bytes", "256MiB") as server:
            assert [m["data"] for m in Api(server).messages("quiet")] == [f"kept {n}" for n in range(45)]
