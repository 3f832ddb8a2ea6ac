"""--access-log: what is told of requests, what never is, and that nobody waits for it."""

import json
import os
import subprocess
import time

import pytest

from client import BINARY, Api, environment, eventually


def entries(server):
    lines = [json.loads(line) for line in server.standard_error().splitlines()]
    return [line for line in lines if line.get("logger") == "access"]


def all_of(server, count):
    eventually(lambda: len(entries(server)) >= count, what=f"{count} requests are told")
    found = entries(server)
    assert len(found) == count
    return found


def test_it_is_off_unless_asked_for(serve):
    server = serve()
    Api(server).publish("t", "x")
    server.terminate()
    assert entries(server) == []


def test_what_is_told(serve):
    server = serve("--access-log", "all")
    api = Api(server)
    api.publish("orders.eu", "hello", X_Request_Id="mine")
    api.get("/v1/topics/orders.eu/messages?limit=5")
    api.get("/nowhere")
    publish, read, missing = all_of(server, 3)
    assert publish["route"] == "publishMessage" and publish["method"] == "POST" and publish["status"] == 201
    assert publish["path"] == "/v1/topics/orders.eu/messages" and publish["request_id"] == "mine"
    assert publish["request_bytes"] == 5 and publish["reply_bytes"] > 100
    assert publish["address"] == "127.0.0.1" and 0 <= publish["microseconds"] < 5_000_000
    assert publish["level"] == "info"
    assert read["path"] == "/v1/topics/orders.eu/messages" and read["request_id"]
    assert (missing["route"], missing["status"], missing["path"]) == ("none", 404, "/nowhere")


def test_what_is_refused_before_it_is_read_is_told_too(serve):
    server = serve("--access-log", "all", "--max-body-bytes", "1KiB")
    with server.connect() as connection:
        assert connection.send(b"POST /v1/topics/t/messages HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n\r\n").reply().status == 413
    with server.connect() as connection:
        assert connection.send(b"GET / HTTP/1.1\r\nno field\r\n\r\n").reply().status == 400
    large, malformed = all_of(server, 2)
    assert (large["status"], large["method"]) == (413, "POST") and malformed["status"] == 400


def test_one_in_so_many(serve):
    server = serve("--access-log", "1/10", "--loops", "1")
    api = Api(server)
    for _ in range(100):
        api.publish("t", "x")
    assert {entry["status"] for entry in all_of(server, 10)} == {201}


def test_a_poll_is_told_when_it_is_answered(serve, background):
    server = serve("--access-log", "all")
    api = Api(server)
    waiting = background(lambda: Api(server).read("t", wait="10s"))
    eventually(lambda: server.metric("postern_poll_waiters") == 1, what="it waits")
    time.sleep(0.3)
    api.publish("t", "x")
    waiting.result(10)
    eventually(lambda: any(entry["route"] == "readMessages" for entry in entries(server)), what="it is told")
    [poll] = [entry for entry in entries(server) if entry["route"] == "readMessages"]
    assert poll["microseconds"] >= 300_000 and poll["reply_bytes"] > 100 and poll["status"] == 200


def test_a_client_that_leaves_is_told_too(serve):
    server = serve("--access-log", "all")
    with server.connect() as connection:
        connection.get("/v1/topics/t/messages?wait=20")
        eventually(lambda: server.metric("postern_poll_waiters") == 1, what="it waits")
    eventually(lambda: any(entry["status"] == 499 for entry in entries(server)), what="it is told")


def test_what_waits_for_the_disk_is_told_with_its_wait(serve, directory):
    server = serve("--access-log", "all", "--data-dir", str(directory))
    Api(server).publish("t", "x")
    [entry] = all_of(server, 1)
    assert entry["status"] == 201 and entry["microseconds"] > 0 and entry["reply_bytes"] > 100


def test_tokens_are_never_shown(serve, tmp_path):
    token, line, *_ = subprocess.run(
        [BINARY, "token", "new", "--name", "shop", "--publish", "**", "--subscribe", "**"], capture_output=True, text=True
    ).stdout.split("\n")
    (tmp_path / "tokens").write_text(line + "\n")
    server = serve("--tokens", str(tmp_path / "tokens"), "--token-parameter", "on", "--access-log", "all")
    api = Api(server)
    api.publish("t", "x", Authorization=f"Bearer {token}")
    api.get(f"/v1/topics/t/messages?access_token={token}")
    api.get("/v1/topics/t/messages?access_token=wrong")
    good, read, refused = all_of(server, 3)
    assert good["principal"] == read["principal"] == "token:shop"
    assert refused["status"] == 401 and "principal" not in refused
    assert token not in server.standard_error() and "access_token" not in server.standard_error()


@pytest.mark.parametrize("path", ["/%0a%22injected", "/" + "x" * 3000, "/\u00e9"])
def test_what_strangers_ask_for_cannot_break_a_line(serve, path):
    server = serve("--access-log", "all")
    with server.connect() as connection:
        connection.send(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        connection.reply()
    server.terminate()
    for line in server.standard_error().splitlines():
        assert len(json.loads(line).get("path", "")) <= 600


def test_nobody_waits_for_a_log_that_nobody_reads():
    """Standard error is a pipe that is full: requests are served, and what is not told is counted."""
    reader, writer = os.pipe()
    process = subprocess.Popen(
        [BINARY, "serve", "--listen", "127.0.0.1:0", "--access-log", "all"],
        stdout=subprocess.PIPE, stderr=writer, text=True, env=environment(),
    )
    os.close(writer)
    try:
        url = process.stdout.readline().split()[-1]
        load = [BINARY, "bench", "publish", "--server", url, "--messages", "100000", "--quiet", "--format", "json"]
        done = subprocess.run(load, capture_output=True, text=True, timeout=60, env=environment())
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["latency_microseconds"]["max"] < 2_000_000
        metrics = subprocess.run(["curl", "-sS", f"{url}/metrics"], capture_output=True, text=True, timeout=10).stdout
        [lost] = [line for line in metrics.splitlines() if line.startswith("postern_access_log_lost_total ")]
        assert int(float(lost.split()[1])) > 10_000
    finally:
        process.kill()
        process.wait()
        os.close(reader)
