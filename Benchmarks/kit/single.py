"""What is measured on our server alone: the time to the first answer, the binary, and memory after a large body."""
import json
import os
import socket
import statistics
import subprocess
import tempfile
import time

from .paths import LOAD, PORT, POSTERN

_START_PORT, _SPIKE_PORT = PORT + 20, PORT + 21
_BODY_BYTES = 900 * 1024


class MeasurementFailed(Exception):
    """The server did not do what was to be measured."""


def _spawn(port, *flags):
    return subprocess.Popen([POSTERN, "serve", "--listen", f"127.0.0.1:{port}", *flags],
                            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _request(port, text, body=b"", timeout=10):
    """One request on a connection of its own; the whole answer."""
    with socket.create_connection(("127.0.0.1", port), timeout=timeout) as connection:
        head = f"{text} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
        if body:
            head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        connection.sendall(head.encode() + b"\r\n" + body)
        answer = b""
        while part := connection.recv(65536):
            answer += part
        return answer


def _await_live(process, port, seconds=10):
    """Asks for /livez until it answers 200."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise MeasurementFailed(f"postern ended with {process.returncode} before it answered")
        try:
            if _request(port, "GET /livez").startswith(b"HTTP/1.1 200"):
                return
        except OSError:
            time.sleep(0.0002)
    raise MeasurementFailed("postern gave no answer on /livez")


def _end(process):
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def start(loops, times=20):
    """Milliseconds from spawning the server to its first answered request."""
    took = []
    for _ in range(times):
        begin = time.monotonic()
        process = _spawn(_START_PORT, "--loops", str(loops))
        try:
            _await_live(process, _START_PORT)
            took.append((time.monotonic() - begin) * 1e3)
        finally:
            _end(process)
    return {"start_ms": statistics.median(took), "min_ms": min(took), "max_ms": max(took), "times": times}


def size():
    """Bytes of the binary as built and stripped, and the shared libraries it still asks for."""
    with tempfile.TemporaryDirectory() as folder:
        stripped = os.path.join(folder, "postern")
        subprocess.run(["strip", "-o", stripped, POSTERN], check=True)
        needed = subprocess.run(["readelf", "-d", POSTERN], capture_output=True, text=True).stdout
        libraries = [line.split("[")[1].rstrip("]") for line in needed.splitlines() if "(NEEDED)" in line]
        return {"stripped_bytes": os.path.getsize(stripped), "built_bytes": os.path.getsize(POSTERN),
                "libraries": libraries}


def spike(loops, wait=60, rate=2000):
    """Memory after one 900 KiB body among small ones, `wait` seconds later, against before.

    Retention is small, so that the log has reached its full size before the first sample and the large message
    has left it before the last: what remains is what the request's memory left behind.
    """
    process = _spawn(_SPIKE_PORT, "--loops", str(loops), "--retention-bytes", str(8 << 20))
    load = None
    try:
        _await_live(process, _SPIKE_PORT)
        load = subprocess.Popen(
            [LOAD, "publish", "--quiet", "--port", str(_SPIKE_PORT), "--pubs", "8", "--size", "100",
             "--rate", str(rate), "--warmup", "0", "--duration", str(wait + 60), "--topic", "small",
             "--pub-path", "/v1/topics/{t}/messages", "--pub-header", "Content-Type: text/plain"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        time.sleep(max(5, min(wait, 30)))
        before = _memory(process.pid)
        body = b'{"messages":[{"topic":"large","data":"' + b"x" * (_BODY_BYTES - 41) + b'"}]}'
        answer = _request(_SPIKE_PORT, "POST /v1/messages", body).split(b"\r\n", 1)[0].decode()
        if " 201 " not in answer:
            raise MeasurementFailed(f"the large body was answered {answer}")
        after = _memory(process.pid, samples=1)
        time.sleep(wait)
        later = _memory(process.pid)
    finally:
        if load:
            load.terminate()
            load.wait()
        _end(process)
    return {"answer": answer, "wait_s": wait, "before": before, "just_after": after, "later": later,
            "left_arena_bytes": later["arena_reserved_bytes"] - before["arena_reserved_bytes"],
            "left_pss_bytes": later["pss_bytes"] - before["pss_bytes"]}


def _memory(pid, samples=11):
    """Medians over two seconds of what the process and its arenas hold."""
    seen = []
    for index in range(samples):
        if index:
            time.sleep(0.2)
        reading = {}
        for line in _request(_SPIKE_PORT, "GET /metrics").decode(errors="replace").splitlines():
            name = line.split("{")[0].split(" ")[0]
            key = name.removeprefix("postern_")
            if name.startswith("postern_") and key in ("arena_reserved_bytes", "arena_idle_bytes", "log_bytes"):
                reading[key] = reading.get(key, 0) + int(float(line.rsplit(" ", 1)[1]))
        if "arena_reserved_bytes" not in reading:
            raise MeasurementFailed("/metrics does not tell postern_arena_reserved_bytes")
        with open(f"/proc/{pid}/smaps_rollup") as file:
            for line in file:
                if line.startswith(("Pss:", "Rss:")):
                    reading[line[:3].lower() + "_bytes"] = int(line.split()[1]) * 1024
        seen.append(reading)
    return {key: int(statistics.median(reading[key] for reading in seen)) for key in seen[0]}
