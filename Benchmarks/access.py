#!/usr/bin/env python3
"""What tokens, limits and TLS cost, measured: beside the same server without, and beside nginx.

    Benchmarks/access.py [--rounds 5] [--seconds 3] [--only cpu,instructions,tls] [--keep]

  cpu           processor time a publish: a token of the file, a cached JWT, limits, all of it, ÷ none of it
  instructions  the same in user-side instructions, exact and repeatable (callgrind); needs no quiet machine
  tls           publish over TLS 1.3 ÷ plain, ÷ nginx's static 200 over TLS: requests a second, and processor time

Expects the release binary (POSTERN, else .build/release/postern) and what `Benchmarks/install.sh --access` installs and
builds. All sides of a ratio run seconds apart in every round, forth in one and back in the next; figures are medians of
the rounds' ratios, with the least and the greatest. One loop, 64 connections that stay open, 100-byte bodies. Prints
Markdown.
"""

import argparse
import base64
import contextlib
import hashlib
import hmac
import json
import os
import re
import secrets
import shutil
import signal
import statistics
import subprocess
import sys
import time
from pathlib import Path

from kit.load import busy_cores

HERE = Path(__file__).resolve().parent
STATE = Path(os.environ.get("BENCH_STATE", HERE / ".state"))
POSTERN = os.environ.get("POSTERN", str(HERE.parent / ".build/release/postern"))
LOAD = STATE / "fanload"
FILES = STATE / "access"
LIMITS = "requests=10000000/s,bytes=100GiB/s,messages=10000000/s"
TICKS = os.sysconf("SC_CLK_TCK")


class Server:
    """A process on a free port of loopback, stopped by its own pid."""

    def __init__(self, *flags, wrap=(), binary=POSTERN):
        self.process = subprocess.Popen(
            [*wrap, binary, "serve", "--listen", "127.0.0.1:0", "--loops", "1", *map(str, flags)],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
        line = self.process.stdout.readline().decode()
        if not line:
            sys.exit(f"access.py: the server did not start with {' '.join(map(str, flags))}")
        self.port = int(line.rsplit(":", 1)[1])
        self.pid = self.process.pid

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()


@contextlib.contextmanager
def serving(*flags, **options):
    server = Server(*flags, **options)
    try:
        yield server
    finally:
        server.stop()


# ---- who asks


def private(name, text):
    path = FILES / name
    path.write_text(text)
    path.chmod(0o600)
    return path


def signed(secret):
    """A JWT such as an issuer's: an hour, a subject, what it may do."""
    def part(value):
        return base64.urlsafe_b64encode(value).rstrip(b"=").decode()

    claims = {"sub": "device-4711", "iss": "https://issuer.example", "iat": int(time.time()),
              "exp": int(time.time()) + 86_400, "postern": {"publish": ["bench", "telemetry.*", "orders.**"]}}
    text = ".".join(part(json.dumps(piece, separators=(",", ":")).encode())
                    for piece in ({"alg": "HS256", "typ": "JWT"}, claims))
    return text + "." + part(hmac.digest(secret.encode(), text.encode(), hashlib.sha256))


def variants():
    """Name → a server's flags and a client's header."""
    token, line = subprocess.run(
        [POSTERN, "token", "new", "--name", "bench", "--publish", "**"], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    secret = secrets.token_urlsafe(48)
    tokens = ["--tokens", private("tokens", line + "\n")]
    keys = ["--jwt-secret", private("secret", secret)]
    limits = ["--limit-address", LIMITS, "--limit-token", LIMITS]
    jwt = signed(secret)
    return {
        "none of it": ([], None),
        "the header alone, not looked at": ([], token),
        "static token": (tokens, token),
        "cached JWT": (keys, jwt),
        "limits": (limits, None),
        "static token and limits": (tokens + limits, token),
        "cached JWT and limits": (keys + limits, jwt),
    }


MUSTS = {"static token": 3, "cached JWT": 5}


def publish(server, token, *flags):
    """A run of the load client, as its record."""
    command = [LOAD, "publish", "--quiet", "--port", server.port, "--server-pid", server.pid, "--pubs", 64, "--size", 100,
               "--topic", "bench", "--pub-path", "/v1/topics/{t}/messages", "--pub-header", "Content-Type: text/plain"]
    if token:
        command += ["--pub-header", f"Authorization: Bearer {token}"]
    done = subprocess.run([str(part) for part in [*command, *flags]], capture_output=True, text=True, check=True)
    record = json.loads(done.stdout)
    assert record["non2xx"] == 0 and record["failed"] == 0, record
    return record


# ---- figures


def spread(values, digits=2, sign=""):
    middle, least, greatest = (f"{value:{sign},.{digits}f}" for value in
                               (statistics.median(values), min(values), max(values)))
    return f"{middle} ({least} to {greatest})"


def cpu(options):
    print("\n| publish with | CPU a request, µs | added, % | must |\n|---|---|---|---|")
    with contextlib.ExitStack() as stack:
        sides = [(name, stack.enter_context(serving(*flags)), token) for name, (flags, token) in variants().items()]
        for _, server, token in sides:
            publish(server, token, "--warmup", 0, "--duration", 1)
        found = {name: [] for name, _, _ in sides}
        for number in range(options.rounds):
            sums = dict.fromkeys(found, 0.0)
            for step in range(2):
                # forth and back, so that a machine that grows slower is slower for all
                for name, server, token in sides if step == 0 else sides[::-1]:
                    record = publish(server, token, "--warmup", 0.3, "--duration", options.seconds / 2)
                    sums[name] += record["server_cpu"] / record["req_per_s"] * 1e6 / 2
            for name in found:
                found[name].append(sums[name])
            print(f"round {number + 1}: " + ", ".join(f"{name} {sums[name]:.2f}" for name in found), file=sys.stderr)
    for name, values in found.items():
        added = [100 * (value / base - 1) for value, base in zip(values, found["none of it"])]
        print(f"| {name} | {spread(values)} | {spread(added, 1, '+')} | {MUSTS.get(name, '–')} |", flush=True)


def instructions(options):
    """Two runs, one with twice the requests: their difference leaves out start, connecting and end."""
    print("\n| publish with | user-side instructions a request | added |\n|---|---|---|")
    base = None
    # valgrind cannot read what the compiler writes for debuggers
    binary = FILES / "postern"
    subprocess.run(["strip", "--strip-debug", "-o", str(binary), POSTERN], check=True)
    for name, (flags, token) in variants().items():
        totals, counts = [], []
        for times in (1, 2):
            out = FILES / f"callgrind.{name.replace(' ', '-')}"
            wrap = ["valgrind", "-q", "--tool=callgrind", f"--callgrind-out-file={out}"]
            with serving(*flags, wrap=wrap, binary=binary) as server:
                record = publish(server, token, "--warmup", 0, "--count", 3000 * times, "--duration", 600,
                                 "--max-seconds", 900)
            totals.append(int(re.search(r"^(?:summary|totals): (\d+)", out.read_text(), re.M)[1]))
            counts.append(record["requests"])
        each = (totals[1] - totals[0]) / (counts[1] - counts[0])
        base = base or each
        print(f"| {name} | {each:,.0f} | {each - base:+,.0f} |", flush=True)


# ---- TLS


def certificate():
    certificate, key = FILES / "certificate.pem", FILES / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
         "-subj", "/CN=localhost", "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True)
    return certificate, key


@contextlib.contextmanager
def nginx(certificate, key, port):
    """A static 200 on `port`, and over TLS on the next; yields its worker's pid."""
    folder = FILES / "nginx"
    folder.mkdir(exist_ok=True)
    (folder / "nginx.conf").write_text(f"""
{"user root;" if os.getuid() == 0 else ""}
worker_processes 1; pid {folder}/pid; error_log {folder}/error.log error; daemon on;
events {{ worker_connections 1024; multi_accept on; accept_mutex off; use epoll; }}
http {{
    access_log off; tcp_nodelay on; server_tokens off; keepalive_timeout 3600s; keepalive_requests 1000000000;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    ssl_certificate {certificate}; ssl_certificate_key {key}; ssl_protocols TLSv1.3;
    server {{
        listen 127.0.0.1:{port}; listen 127.0.0.1:{port + 1} ssl;
        location / {{ default_type text/plain; return 200 "ok\\n"; }}
    }}
}}
""")
    subprocess.run(["nginx", "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log")],
                   check=True, stdin=subprocess.DEVNULL)
    master = int((folder / "pid").read_text())
    try:
        yield int(Path(f"/proc/{master}/task/{master}/children").read_text().split()[0])
    finally:
        os.kill(master, signal.SIGTERM)


def cpu_seconds(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def wrk(url, pid, seconds):
    """Requests a second, and the server's processor time for one of them, in microseconds."""
    script = FILES / "publish.lua"
    script.write_text('wrk.method = "POST"\nwrk.body = string.rep("x", 100)\nwrk.headers["Content-Type"] = "text/plain"\n')
    before = cpu_seconds(pid)
    done = subprocess.run(["wrk", "-t1", "-c64", f"-d{seconds}s", "-s", str(script), url], capture_output=True, text=True,
                          check=True, stdin=subprocess.DEVNULL)
    used = cpu_seconds(pid) - before
    assert "Non-2xx" not in done.stdout and "Socket errors" not in done.stdout, done.stdout
    requests = int(re.search(r"(\d+) requests in", done.stdout)[1])
    return float(re.search(r"Requests/sec:\s+([\d.]+)", done.stdout)[1]), used / requests * 1e6


def tls(options):
    pair = certificate()
    port = int(os.environ.get("BENCH_PORT", "18400")) + 18
    flags = ["--tls-cert", pair[0], "--tls-key", pair[1], "--tls-min-version", "1.3"]
    with serving() as plain, serving(*flags) as secure, nginx(*pair, port) as worker:
        path = "/v1/topics/bench/messages"
        sides = {
            "publish": (f"http://127.0.0.1:{plain.port}{path}", plain.pid),
            "publish over TLS": (f"https://127.0.0.1:{secure.port}{path}", secure.pid),
            "nginx": (f"http://127.0.0.1:{port}/", worker),
            "nginx over TLS": (f"https://127.0.0.1:{port + 1}/", worker),
        }
        found = {name: [] for name in sides}
        for number in range(options.rounds):
            names = list(sides) if number % 2 == 0 else list(sides)[::-1]
            for name in names:
                found[name].append(wrk(*sides[name], max(1, round(options.seconds))))
            print(f"round {number + 1}: " + ", ".join(
                f"{name} {found[name][-1][0]:,.0f}/s {found[name][-1][1]:.2f} µs" for name in found), file=sys.stderr)
    print("\n| what | requests/s | CPU a request, µs |\n|---|---|---|")
    for name, values in found.items():
        print(f"| {name} | {spread([rate for rate, _ in values], 0)} | {spread([time for _, time in values])} |")
    # by processor time the other way round: what a server that is busy throughout would serve
    print("\n| ratio | of requests/s | of requests for the same CPU | must |\n|---|---|---|---|")
    for one, other, must in [("publish over TLS", "publish", 0.65), ("publish over TLS", "nginx over TLS", 0.9),
                             ("nginx over TLS", "nginx", "–"), ("publish", "nginx", "–")]:
        pairs = list(zip(found[one], found[other]))
        print(f"| {one} ÷ {other} | {spread([a[0] / b[0] for a, b in pairs])} | "
              f"{spread([b[1] / a[1] for a, b in pairs])} | {must} |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--only", default="cpu,instructions,tls")
    parser.add_argument("--keep", action="store_true", help="keep callgrind's files, under .state/access")
    options = parser.parse_args()
    if not LOAD.exists():
        sys.exit("access.py: the load client is not built; run Benchmarks/install.sh --access first")
    FILES.mkdir(parents=True, exist_ok=True)
    print(f"Cores' worth of work that others did at the start: {busy_cores():.2f}")
    try:
        for part in options.only.split(","):
            {"cpu": cpu, "instructions": instructions, "tls": tls}[part](options)
    finally:
        if not options.keep:
            shutil.rmtree(FILES, ignore_errors=True)


if __name__ == "__main__":
    main()
