"""TLS as an independent scanner grades it: sslyze, against Mozilla's "intermediate" configuration."""

import json
import re
import subprocess
import sys

import pytest

from certificates import Authority
from client import serving


@pytest.fixture(scope="module")
def scan(tmp_path_factory):
    """What it says on standard output, and what it found."""
    directory = tmp_path_factory.mktemp("scan")
    authority = Authority(directory)
    certificate, key = authority.issue("localhost", "DNS:localhost", "IP:127.0.0.1")
    report = directory / "report.json"
    with serving("--tls-cert", str(certificate), "--tls-key", str(key), "--loops", "2") as server:
        done = subprocess.run(
            [sys.executable, "-m", "sslyze", f"--json_out={report}", f"--certinfo_ca_file={authority.certificate}",
             f"localhost:{server.port}"],
            capture_output=True, text=True, timeout=120)
        assert server.process.poll() is None
    (result,) = json.loads(report.read_text())["server_scan_results"]
    assert result["scan_status"] == "COMPLETED", done.stdout
    found = {name: scan["result"] for name, scan in result["scan_result"].items() if scan["status"] == "COMPLETED"}
    return done.stdout, found


def test_it_complies_with_mozilla_s_configuration(scan):
    """But for the certificate's authority, which is the test's own."""
    verdict = scan[0].split("COMPLIANCE AGAINST TLS CONFIGURATION")[1]
    faults = re.findall(r"^\s+\* (\w+):", verdict, re.MULTILINE)
    assert set(faults) <= {"certificate_path_validation"}, verdict
    assert "Compliant" in verdict or faults, verdict


@pytest.mark.parametrize("version", ["ssl_2_0", "ssl_3_0", "tls_1_0", "tls_1_1"])
def test_old_versions_have_no_cipher(scan, version):
    assert scan[1][f"{version}_cipher_suites"]["accepted_cipher_suites"] == []


@pytest.mark.parametrize("version", ["tls_1_2", "tls_1_3"])
def test_new_versions_have_some(scan, version):
    assert len(scan[1][f"{version}_cipher_suites"]["accepted_cipher_suites"]) >= 3


def test_no_known_fault(scan):
    found = scan[1]
    assert not found["heartbleed"]["is_vulnerable_to_heartbleed"]
    assert not found["openssl_ccs_injection"]["is_vulnerable_to_ccs_injection"]
    assert found["robot"]["robot_result"].startswith("NOT_VULNERABLE")
    assert not found["session_renegotiation"]["is_vulnerable_to_client_renegotiation_dos"]
