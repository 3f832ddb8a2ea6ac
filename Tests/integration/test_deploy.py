"""deploy/: the unit is clean and tight, and the release binary is what they install."""

import json
import os
import re
import shutil
import socket
import subprocess

import pytest

from certificates import Authority
from client import BINARY, ROOT, environment

UNIT = ROOT / "deploy/postern.service"


@pytest.fixture
def unit(tmp_path):
    """The unit with the built binary in its place, since verify wants what it starts to exist."""
    text = UNIT.read_text()
    assert "ExecStart=/usr/bin/postern serve" in text
    copy = tmp_path / "postern.service"
    copy.write_text(text.replace("/usr/bin/postern", str(BINARY)))
    return copy


def test_systemd_finds_nothing_to_say_about_the_unit(unit):
    done = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_its_exposure_is_under_2(unit):
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--no-pager", unit], capture_output=True, text=True
    )
    exposure = float(re.search(r"Overall exposure level for \S+: ([0-9.]+)", done.stdout)[1])
    assert exposure < 2.0, done.stdout


def test_the_service_manager_is_told(tmp_path):
    """READY=1 when it listens, STOPPING=1 when it drains: what Type=notify waits for."""
    path = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(path))
        manager.settimeout(10)
        process = subprocess.Popen(
            [BINARY, "serve", "--listen", "127.0.0.1:0"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=environment(NOTIFY_SOCKET=str(path)),
        )
        try:
            assert b"READY=1" in manager.recv(4096)
            process.terminate()
            assert b"STOPPING=1" in manager.recv(4096)
            assert process.wait(10) == 0
        finally:
            process.kill()
            process.wait()


def test_the_binary_stands_on_the_c_library_and_openssl_alone():
    """Swift is linked in; full Foundation and ICU are not there at all. OpenSSL is the system's, which mends it."""
    linked = subprocess.run(["ldd", BINARY], capture_output=True, text=True, check=True).stdout
    names = {os.path.basename(line.split()[0]) for line in linked.splitlines()}
    assert not [name for name in names if re.match(r"libswift|libFoundation|libicu|lib_Foundation", name)]
    assert {name.split(".so")[0] for name in names} <= {
        "linux-vdso",
        "libc",
        "libssl",
        "libcrypto",
        "libm",
        "libstdc++",
        "libgcc_s",
        "libdl",
        "libpthread",
        "librt",
        "ld-linux-x86-64",
        "ld-linux-aarch64",
    }


def test_the_stripped_binary_is_small(tmp_path):
    if not shutil.which("strip"):
        pytest.skip("there is no strip")
    stripped = tmp_path / "postern"
    subprocess.run(["strip", "-o", stripped, BINARY], check=True)
    assert stripped.stat().st_size < 20_000_000


def healthy(**variables):
    """What the container's health check says."""
    text = (ROOT / "deploy/Containerfile").read_text()
    command = json.loads(re.search(r"HEALTHCHECK .* CMD (\[.*\])", text)[1])
    assert command[0] == "/usr/bin/postern"
    command[0] = str(BINARY)
    return subprocess.run(command, env=environment(**variables), capture_output=True, timeout=10).returncode == 0


def test_the_container_s_health_check_asks_the_server(serve):
    server = serve()
    address = f"0.0.0.0:{server.port}"
    assert healthy(POSTERN_LISTEN=address)
    server.terminate()
    assert not healthy(POSTERN_LISTEN=address)


def test_the_health_check_holds_where_tls_is_spoken(serve, tmp_path):
    certificate, key = Authority(tmp_path).issue("localhost")
    server = serve("--tls-cert", str(certificate), "--tls-key", str(key))
    assert healthy(POSTERN_LISTEN=f"0.0.0.0:{server.port}")


def test_the_health_check_asks_where_operators_are_served(serve):
    """Since clients' connections may have to begin with a proxy's header."""
    server = serve("--proxy-protocol", "on", "--trusted-proxies", "192.0.2.1", "--admin-listen", "127.0.0.1:0")
    operators = server.next_line().rsplit(":", 1)[1].strip()
    clients = f"0.0.0.0:{server.port}"
    assert not healthy(POSTERN_LISTEN=clients)
    assert healthy(POSTERN_LISTEN=clients, POSTERN_ADMIN_LISTEN=f"127.0.0.1:{operators}")


def test_the_image_serves_nobody_unasked():
    """Whoever runs it gives it tokens, or says that it may be open."""
    [line] = re.findall(r"^ENV (.*)", (ROOT / "deploy/Containerfile").read_text(), re.MULTILINE)
    variables = dict(variable.split("=") for variable in line.split())
    done = subprocess.run(
        [BINARY, "serve"], env=environment(**variables), capture_output=True, text=True, timeout=20
    )
    assert done.returncode == 78 and "is reached from beyond this machine" in done.stderr
