"""A full disk: publishes are told 507, reads go on, and publishing goes on by itself once there is room."""

import os
import subprocess

import pytest

from client import Api, eventually, serving

BALLAST = 6 << 20


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 24 MiB with a file on it that can be taken away."""
    if os.geteuid() != 0:
        pytest.skip("mounting a file system wants root")
    directory = tmp_path / "disk"
    directory.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", directory], capture_output=True, text=True
    )
    if mounted.returncode != 0:
        pytest.skip(f"this machine does not mount a tmpfs: {mounted.stderr}")
    (directory / "ballast").write_bytes(bytes(BALLAST))
    (directory / "log").mkdir()
    yield directory
    subprocess.run(["umount", "-l", directory], check=True)


def fill(api):
    """Publishes until the disk is full; what was acknowledged."""
    stored = []
    for number in range(2000):
        reply = api.publish("full", f"{number} " + "x" * 20_000)
        if reply.status_code != 201:
            return stored, reply
        stored.append(reply.json()["cursor"])
    raise AssertionError("the disk is not full")


def cursors(api):
    found, after = [], None
    while True:
        page = api.read("full", limit=100, **({"after": after} if after else {})).json()
        if not page["messages"]:
            return found
        found += [message["cursor"] for message in page["messages"]]
        after = page["next"]


def test_a_full_disk_loses_nothing(small_disk):
    flags = ["--data-dir", str(small_disk / "log"), "--retention-bytes", "1GiB"]
    with serving(*flags) as server:
        api = Api(server)
        stored, refusal = fill(api)
        assert refusal.status_code == 507, refusal.text
        assert refusal.json()["code"] == "storage_full" and int(refusal.headers["Retry-After"]) > 0
        assert refusal.headers["Content-Type"] == "application/problem+json"
        assert server.metric("postern_storage_full") == 1
        assert cursors(api) == stored, "reads go on"
        assert api.get("/readyz").status_code == 200, "it can be read"
        assert api.publish("full", "small").status_code == 507
        assert api.request("PUT", "/v1/topics/full", json={}).status_code == 507
        (small_disk / "ballast").unlink()
        again = eventually(
            lambda: (reply := api.publish("full", "again")).status_code == 201 and reply, what="publishing goes on"
        )
        stored.append(again.json()["cursor"])
        assert server.metric("postern_storage_full") == 0
        assert "the disk is full" in server.standard_error() and "has room again" in server.standard_error()
        server.kill()
    with serving(*flags) as server:
        assert cursors(Api(server)) == stored, "what was refused is not there, and what was stored is"


def test_a_disk_that_is_full_at_the_start_is_told_of(small_disk):
    with serving("--data-dir", str(small_disk / "log")) as server:
        assert server.terminate() == 0
    subprocess.run(["dd", "if=/dev/zero", f"of={small_disk}/more", "bs=1M"], capture_output=True)
    with serving("--data-dir", str(small_disk / "log")) as server:
        api = Api(server)
        assert api.publish("full", "x").status_code == 507
        (small_disk / "more").unlink()
        eventually(lambda: api.publish("full", "x").status_code == 201, what="publishing goes on")
