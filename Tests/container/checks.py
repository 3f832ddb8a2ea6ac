"""The image: what is in it, how it runs, how it ends, and how one container takes another's place.

usage: checks.py STATE_DIRECTORY IMAGE REBUILT_IMAGE      STATE_DIRECTORY is podman's; scripts/test-container.sh makes all
"""

import contextlib
import http.client
import io
import json
import os
import resource
import socket
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
import traceback

from replace_load import ReplaceLoad

STATE, IMAGE, REBUILT = sys.argv[1:4]
# Hard limits of this machine may be lower than what podman asks for, and then nothing starts.
LIMITS = [
    f"--ulimit={name}={min(wanted, hard)}:{min(wanted, hard)}"
    for name, number, wanted in (("nofile", resource.RLIMIT_NOFILE, 20_000), ("nproc", resource.RLIMIT_NPROC, 4096))
    for hard in [resource.getrlimit(number)[1] % (1 << 63)]
]
TIGHT = ["--network=host", "--cgroups=disabled", "--read-only", "--read-only-tmpfs=false", "--cap-drop=ALL"]
TIGHT += ["--security-opt=no-new-privileges", *LIMITS]


def podman(*arguments, timeout=60, check=True):
    command = ["podman", "--root", f"{STATE}/storage", "--runroot", f"{STATE}/run", "--storage-driver", "vfs"]
    command += ["--runtime", "crun", *map(str, arguments)]
    # There may be no systemd whose timers run the health check; the checks below run it themselves.
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=timeout, env=os.environ | {"DISABLE_HC_SYSTEMD": "true"},
        stdin=subprocess.DEVNULL,
    )
    if check and done.returncode != 0:
        raise AssertionError(f"podman {' '.join(map(str, arguments))}: {done.returncode} {done.stderr}")
    return done


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def ask(port, method, path, body=None, timeout=20):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.request(method, path, body=body)
        reply = connection.getresponse()
        return reply.status, reply.read()
    finally:
        connection.close()


def until_ready(port):
    deadline = time.monotonic() + 20
    while True:
        with contextlib.suppress(OSError):
            if ask(port, "GET", "/readyz")[0] == 200:
                return
        assert time.monotonic() < deadline, "it does not get ready"
        time.sleep(0.05)


@contextlib.contextmanager
def container(host="127.0.0.1", variables=()):
    """A running container and its port; gone at the end."""
    port = free_port()
    name = f"postern-check-{port}"
    settings = {"POSTERN_LISTEN": f"{host}:{port}"} | dict(variables)
    podman("run", "--detach", "--name", name, *TIGHT,
           *[f"--env={key}={value}" for key, value in settings.items()], IMAGE)  # fmt: skip
    try:
        until_ready(port)
        yield name, port
    finally:
        podman("rm", "--force", "--time", "0", name, check=False)


def main_process(name):
    return int(podman("inspect", "--format", "{{.State.Pid}}", name).stdout)


def files(image):
    """All that is in an image, by path."""
    with tempfile.TemporaryDirectory() as folder:
        podman("save", "--format", "oci-archive", "--output", f"{folder}/image.tar", image)
        with tarfile.open(f"{folder}/image.tar") as archive:
            manifest = json.load(archive.extractfile("index.json"))["manifests"][0]["digest"]
            blob = lambda digest: archive.extractfile("blobs/" + digest.replace(":", "/")).read()
            found = {}
            for layer in json.loads(blob(manifest))["layers"]:
                with tarfile.open(fileobj=io.BytesIO(blob(layer["digest"]))) as part:
                    found |= {member.name.strip("/"): member for member in part.getmembers()}
            return found


def check_it_is_under_40_MB():
    size = int(podman("image", "inspect", "--format", "{{.Size}}", IMAGE).stdout)
    print(f"  {size / 1e6:.1f} MB")
    assert size < 40_000_000, size


def check_its_one_program_is_postern():
    programs = [
        path
        for path, member in files(IMAGE).items()
        if member.isfile() and member.mode & 0o111 and ".so" not in path
    ]
    assert programs == ["usr/bin/postern"], programs
    done = podman("run", "--rm", *TIGHT, "--entrypoint", "/bin/sh", IMAGE, "-c", "true", check=False)
    assert done.returncode == 127, done


def check_the_terms_of_all_it_holds_are_in_it():
    found = files(IMAGE)
    for package in ("postern", "libc6", "libssl3", "libcurl4", "ca-certificates"):
        assert f"usr/share/doc/{package}/copyright" in found, package


def check_unasked_it_serves_nobody():
    done = podman("run", "--rm", *TIGHT, f"--env=POSTERN_LISTEN=0.0.0.0:{free_port()}", IMAGE, check=False)
    assert done.returncode == 78 and "is reached from beyond this machine" in done.stderr, done


def check_it_serves():
    with container() as (_, port):
        assert ask(port, "POST", "/v1/topics/a/messages", b"hello")[0] == 201
        status, body = ask(port, "GET", "/v1/topics/a/messages?wait=5s")
        assert status == 200 and json.loads(body)["messages"][0]["data"] == "hello"


def check_it_is_nobody_and_may_do_nothing():
    with container() as (name, _):
        status = open(f"/proc/{main_process(name)}/status").read()
        fields = dict(line.split(":\t", 1) for line in status.splitlines())
        assert fields["Uid"].split() == ["65532"] * 4 and fields["Gid"].split() == ["65532"] * 4, fields["Uid"]
        assert int(fields["CapEff"], 16) == int(fields["CapBnd"], 16) == 0 and fields["NoNewPrivs"] == "1"


def check_its_root_cannot_be_written():
    with container() as (name, _):
        mounts = [line.split() for line in open(f"/proc/{main_process(name)}/mounts")]
        [options] = [fields[3].split(",") for fields in mounts if fields[1] == "/"]
        assert "ro" in options, options
        writable = [fields[1] for fields in mounts if "rw" in fields[3].split(",") and fields[2] not in ("proc", "devpts", "mqueue")]
        assert all(place.startswith(("/dev", "/run", "/etc/", "/sys")) for place in writable), writable


def check_the_health_check_tells_well_from_ill():
    with container() as (name, _):
        done = podman("healthcheck", "run", name, check=False)
        assert done.returncode == 0, done
        pid = main_process(name)
        os.kill(pid, 19)  # SIGSTOP: it is there and answers nobody
        try:
            assert podman("exec", name, "/usr/bin/postern", "health", check=False).returncode != 0
        finally:
            os.kill(pid, 18)
        assert podman("healthcheck", "run", name, check=False).returncode == 0


def check_a_server_on_all_addresses_is_asked_on_loopback():
    with container(host="0.0.0.0", variables={"POSTERN_OPEN": "on"}) as (name, _):
        assert podman("healthcheck", "run", name, check=False).returncode == 0


def check_sigterm_drains_and_ends_with_0():
    with container() as (name, port):
        replies = []
        poll = threading.Thread(target=lambda: replies.append(ask(port, "GET", "/v1/topics/a/messages?wait=50s", timeout=60)))
        poll.start()
        time.sleep(0.5)
        began = time.monotonic()
        podman("stop", "--time", "30", name)
        took = time.monotonic() - began
        poll.join(10)
        print(f"  {took:.1f} s")
        assert took < 12, took
        assert replies and replies[0][0] == 200 and json.loads(replies[0][1])["messages"] == []
        assert podman("inspect", "--format", "{{.State.ExitCode}}", name).stdout.strip() == "0"


def check_a_container_takes_another_s_place_under_load():
    volume = f"postern-check-{os.getpid()}"
    podman("volume", "create", volume)
    port = free_port()
    settings = [f"--env=POSTERN_LISTEN=127.0.0.1:{port}", "--env=POSTERN_DATA_DIR=/var/lib/postern"]
    options = [*TIGHT, *settings, f"--volume={volume}:/var/lib/postern"]
    names = []
    try:
        with contextlib.ExitStack() as stack:
            load = None
            for number, image in enumerate((IMAGE, REBUILT, IMAGE)):
                if names:
                    podman("stop", "--time", "30", names[-1])
                    assert podman("inspect", "--format", "{{.State.ExitCode}}", names[-1]).stdout.strip() == "0"
                name = f"{volume}-{number}"
                names.append(name)
                podman("run", "--detach", "--name", name, *options, image)
                until_ready(port)
                load = load or stack.enter_context(ReplaceLoad(port))
                time.sleep(3)
            faults = load.finish()
        print(f"  {len(load.acknowledged)} acknowledged, {load.retries} tried again, 2 replacements")
        assert not faults, faults
        assert len(load.acknowledged) > 100 and load.retries > 0
    finally:
        for name in names:
            podman("rm", "--force", "--time", "0", name, check=False)
        podman("volume", "rm", "--force", volume, check=False)


def main():
    passed = failed = 0
    for name, check in list(globals().items()):
        if not name.startswith("check_"):
            continue
        print(name.removeprefix("check_").replace("_", " "), flush=True)
        try:
            check()
            passed += 1
        except Exception:  # whatever it is, the check has failed
            traceback.print_exc(file=sys.stdout)
            failed += 1
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
