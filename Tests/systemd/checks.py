"""Postern as a service of a booted systemd. Run inside the machine that scripts/test-systemd.sh boots; it prints a line a
check, and how many passed at the end."""

import http.client
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import traceback
from pathlib import Path

sys.path.insert(0, "/opt/postern")

from ptrace import Stopped
from restart_load import Load

IN = Path("/opt/postern")
UNITS = Path("/etc/systemd/system")
ADDRESS = "127.0.0.1:8080"
checks = []


def check(function):
    checks.append(function)
    return function


def run(*command, status=0):
    done = subprocess.run(command, capture_output=True, text=True, timeout=90)
    assert status is None or done.returncode == status, f"{command}: {done.returncode} {done.stdout}{done.stderr}"
    return done.stdout + done.stderr


def systemctl(*words, status=0):
    return run("systemctl", *words, status=status)


def show(name, unit="postern.service"):
    return run("systemctl", "show", "--value", "-p", name, unit).strip()


def eventually(probe, what, timeout=20):
    deadline = time.monotonic() + timeout
    while not (result := probe()):
        assert time.monotonic() < deadline, f"{what} did not come to pass within {timeout} s"
        time.sleep(0.05)
    return result


def request(method, path, body=None, token=None):
    connection = http.client.HTTPConnection(*ADDRESS.split(":"), timeout=20)
    connection.request(method, path, body, {"Authorization": f"Bearer {token}"} if token else {})
    reply = connection.getresponse()
    text = reply.read().decode()
    connection.close()
    return reply.status, text


def journal(**fields):
    """Entries of the service with these fields, oldest first."""
    run("journalctl", "--sync")
    matches = [f"{name}={value}" for name, value in fields.items()]
    text = run("journalctl", "--no-pager", "-o", "json", "_SYSTEMD_UNIT=postern.service", *matches)
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


def loops():
    """The main thread, the log's writer and its upkeep, the loops, the reporter: in the order they were started."""
    pid = show("MainPID")
    return sorted(int(name) for name in os.listdir(f"/proc/{pid}/task"))[3:-1]


def restart():
    # So many in so short a time are not a fault here.
    systemctl("reset-failed", "postern.service")
    systemctl("restart", "postern.service")


def drop_in(name, text):
    folder = UNITS / "postern.service.d"
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(text)
    systemctl("daemon-reload")


@check
def it_installs_and_systemd_has_nothing_to_say():
    shutil.copy(IN / "postern", "/usr/bin/postern")
    for name in ("postern.service", "postern.socket"):
        shutil.copy(IN / "deploy" / name, UNITS / name)
    Path("/usr/share/doc/postern").mkdir(parents=True, exist_ok=True)
    Path("/etc/default/postern").write_text("POSTERN_DATA_DIR=/var/lib/postern\nPOSTERN_LOOPS=2\n")
    said = run("systemd-analyze", "verify", *(str(UNITS / name) for name in ("postern.service", "postern.socket")))
    assert said == "", said
    systemctl("daemon-reload")


@check
def it_starts_and_says_what_it_does():
    systemctl("enable", "--now", "postern.socket", "postern.service")
    assert show("ActiveState") == "active"
    assert re.fullmatch(r"serving on 127\.0\.0\.1:8080, \d+ connections, \d+ messages published", show("StatusText"))
    assert request("POST", "/v1/topics/first/messages", "kept")[0] == 201


@check
def it_is_nobody_in_particular_and_keeps_its_messages_in_its_own_directory():
    status = Path(f"/proc/{show('MainPID')}/status").read_text()
    user = int(re.search(r"Uid:\s+(\d+)", status)[1])
    assert 61184 <= user <= 65519, user
    assert "CapEff:\t0000000000000000" in status and "NoNewPrivs:\t1" in status and "Seccomp:\t2" in status
    directory = Path("/var/lib/private/postern")
    assert list(directory.iterdir()) and directory.stat().st_mode & 0o777 == 0o700


@check
def its_exposure_is_under_one_and_a_half():
    text = run("systemd-analyze", "security", "--no-pager", "postern.service")
    assert float(re.search(r"Overall exposure level for \S+: ([0-9.]+)", text)[1]) < 1.5, text


@check
def the_journal_has_its_entries_with_fields():
    [entry] = journal(POSTERN_ADDRESS=ADDRESS)
    assert entry["MESSAGE"].startswith("serving address=127.0.0.1:8080 ")
    assert (entry["PRIORITY"], entry["SYSLOG_IDENTIFIER"]) == ("6", "postern")
    assert (entry["POSTERN_LOOPS"], entry["POSTERN_LOGGER"]) == ("2", "postern")
    assert entry["_TRANSPORT"] == "journal" and int(entry["POSTERN_OPEN_FILES_LIMIT"]) > 15000


def reloads():
    before, pid = len(journal(PRIORITY="5")), show("MainPID")
    systemctl("reload", "postern.service")
    after = lambda: [e for e in journal(PRIORITY="5")[before:] if "settings are read again" in e["MESSAGE"]]
    assert (show("ActiveState"), show("MainPID")) == ("active", pid)
    return after


@check
def it_reloads():
    eventually(reloads(), "the settings are read again")


@check
def with_the_drop_in_a_reload_is_waited_for():
    version = int(re.match(r"systemd (\d+)", run("systemctl", "--version"))[1])
    if version < 254:
        return "not with this systemd"
    drop_in("systemd-254.conf", (IN / "deploy/postern.service.d/systemd-254.conf").read_text())
    assert show("Type") == "notify-reload"
    restart()
    for _ in range(3):
        assert len(reloads()()) == 1


@check
def restarts_under_load_fail_no_request_and_lose_no_message():
    load = Load(ADDRESS)
    load.start()
    pids = {show("MainPID")}
    for _ in range(4):
        time.sleep(1.5)
        restart()
        pids.add(show("MainPID"))
    time.sleep(1)
    faults = load.stop()
    assert faults == [], faults[:5]
    assert len(pids) == 5 and len(load.acknowledged) > 500
    return f"4 restarts, {len(load.acknowledged)} messages, longest request {load.longest:.2f} s"


@check
def a_stuck_loop_is_killed_and_started_anew_and_nothing_is_lost():
    drop_in("watchdog.conf", "[Service]\nWatchdogSec=4s\n")
    restart()
    assert request("POST", "/v1/topics/watchdog/messages", "kept")[0] == 201
    pid, began = show("MainPID"), time.monotonic()
    stuck = loops()
    assert len(stuck) == 2, stuck
    with Stopped(stuck[1]) as thread:
        eventually(thread.is_gone, "the kill")
        killed = time.monotonic() - began
    eventually(lambda: show("NRestarts") == "1", "the restart")
    took = time.monotonic() - began
    eventually(lambda: show("ActiveState") == "active", "the new one serves")
    assert show("MainPID") != pid
    status, text = request("GET", "/v1/topics/watchdog/messages")
    assert [message["data"] for message in json.loads(text)["messages"]] == ["kept"]
    assert [e for e in journal() if "a thread is stuck" in e["MESSAGE"] and e["POSTERN_THREAD"] == "loop 1"]
    assert "Watchdog timeout" in run("journalctl", "--no-pager", "-u", "postern.service")
    return f"killed {killed:.1f} s after it was stuck, with WatchdogSec=4s, and serving {took:.1f} s after"


@check
def the_watchdog_leaves_a_healthy_one_alone():
    restarts, pid = show("NRestarts"), show("MainPID")
    time.sleep(9)
    assert (show("NRestarts"), show("MainPID")) == (restarts, pid)
    (UNITS / "postern.service.d/watchdog.conf").unlink()
    systemctl("daemon-reload")


@check
def a_credential_in_the_store_is_used_without_being_named():
    lines = run("/usr/bin/postern", "token", "new", "--name", "check", "--publish", "**", "--subscribe", "**").splitlines()
    token, line = lines[0], lines[-1]
    store = Path("/etc/credstore")
    store.mkdir(mode=0o700, exist_ok=True)
    (store / "postern.tokens").write_text(line + "\n")
    (store / "postern.tokens").chmod(0o600)
    restart()
    path = "/v1/topics/first/messages"
    assert request("GET", path)[0] == 401
    status, text = request("GET", path, token=token)
    assert status == 200 and json.loads(text)["messages"][0]["data"] == "kept"
    (store / "postern.tokens").unlink()
    restart()
    assert request("GET", path)[0] == 200


@check
def it_stops():
    assert systemctl("stop", "postern.socket", "postern.service") == ""
    assert (show("ActiveState"), show("Result"), show("ExecMainStatus")) == ("inactive", "success", "0")
    try:
        socket.create_connection(ADDRESS.split(":"), 2)
    except ConnectionRefusedError:
        return
    raise AssertionError("the port is still open")


@check
def it_serves_without_the_socket_too():
    systemctl("start", "postern.service")
    assert show("ActiveState", "postern.socket") == "inactive"
    assert json.loads(request("GET", "/v1/topics/first/messages")[1])["messages"][0]["data"] == "kept"
    systemctl("stop", "postern.service")


@check
def a_port_that_is_taken_is_told_in_the_journal():
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", 8080))
        taken.listen()
        systemctl("start", "postern.service", status=1)
        systemctl("stop", "postern.service")
        text = run("journalctl", "--no-pager", "-u", "postern.service", "--since", "-10s")
    assert "127.0.0.1:8080 is in use by another process (EADDRINUSE)" in text, text
    assert "ss -ltnp 'sport = :8080'" in text and "status=69" in text, text


def main():
    failed = 0
    for function in checks:
        began = time.monotonic()
        name = function.__name__.replace("_", " ")
        try:
            note = function()
            print(f"ok    {name} ({time.monotonic() - began:.1f} s)" + (f": {note}" if note else ""), flush=True)
        except Exception:
            failed += 1
            print(f"FAIL  {name}\n{traceback.format_exc()}", flush=True)
            print(run("journalctl", "--no-pager", "-n", "25", "-u", "postern.service", status=None), flush=True)
    print(f"{len(checks) - failed} passed, {failed} failed", flush=True)


main()
