"""deploy/: what Kubernetes, Compose and Prometheus are told is what they understand, and agrees with the image."""

import json
import re
import subprocess

import compose_spec
import kubernetes_validate
import pytest
import requests
import yaml

from client import BINARY, ROOT, environment, eventually, serving
from test_front_proxies import free_port

DEPLOY = ROOT / "deploy"


@pytest.fixture
def resources():
    return list(yaml.safe_load_all((DEPLOY / "kubernetes.yaml").read_text()))


@pytest.fixture
def pod(resources):
    [workload] = [resource for resource in resources if resource["kind"] == "StatefulSet"]
    return workload["spec"]["template"]["spec"]


def test_kubernetes_schemas_have_nothing_to_object_to(resources):
    for resource in resources:
        kubernetes_validate.validate(resource, "1.34", strict=True)


def test_a_misspelt_field_is_objected_to(resources):
    """The check above can fail."""
    resources[0]["metdata"] = {}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(resources[0], "1.34", strict=True)


def test_the_pod_is_what_the_restricted_standard_wants(pod):
    assert pod["securityContext"]["runAsNonRoot"] and pod["securityContext"]["runAsUser"] == 65532
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    [container] = pod["containers"]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert container["resources"]["requests"] and container["resources"]["limits"]


def test_the_pod_has_longer_than_a_drain_takes(pod):
    [container] = pod["containers"]
    wait = container["lifecycle"]["preStop"]["sleep"]["seconds"]
    default = subprocess.run([BINARY, "config", "default"], capture_output=True, text=True, env=environment()).stdout
    drain = int(re.search(r'drain_timeout = "?(\d+)s?"?', default)[1])
    assert pod["terminationGracePeriodSeconds"] > wait + drain


def test_the_pod_s_settings_are_taken_and_its_probes_answer(resources, pod, tmp_path):
    """The file as it is, but for places and ports of this machine."""
    [settings] = [resource for resource in resources if resource["kind"] == "ConfigMap"]
    [secret] = [resource for resource in resources if resource["kind"] == "Secret"]
    (tmp_path / "log").mkdir()
    (tmp_path / "tokens").write_text(secret["stringData"]["tokens"])
    text = settings["data"]["postern.toml"].replace("/etc/postern/secret/tokens", str(tmp_path / "tokens"))
    text = text.replace("/var/lib/postern", str(tmp_path / "log")).replace("0.0.0.0:9464", "127.0.0.1:0")
    (tmp_path / "postern.toml").write_text(text)
    with serving("--config", str(tmp_path / "postern.toml"), "--data-dir", str(tmp_path / "log")) as server:
        [container] = pod["containers"]
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            assert requests.get(server.url + container[probe]["httpGet"]["path"], timeout=5).status_code == 200
        assert requests.get(server.url + "/v1/topics", timeout=5).status_code == 401


def test_compose_understands_its_file():
    text = (DEPLOY / "compose.yaml").read_text()
    compose_spec.PyCompose.from_yaml(text)
    with pytest.raises(ValueError, match="stop_grace_perio"):
        compose_spec.PyCompose.from_yaml(text.replace("stop_grace_period", "stop_grace_perio"))


def test_compose_names_files_that_are_there():
    services = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]
    mounted = [mount.split(":")[0] for service in services.values() for mount in service.get("volumes", [])]
    for place in (place for place in mounted if place.startswith("./")):
        assert (DEPLOY / place).exists(), place


def test_compose_s_settings_are_a_server_s(tmp_path):
    [variables] = [yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]["postern"]["environment"]]
    variables = {**variables, "POSTERN_DATA_DIR": str(tmp_path)}
    done = subprocess.run([BINARY, "config", "show"], env=environment(**variables), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "admin_listen" in done.stdout


def test_prometheus_asks_a_server_as_compose_has_it_do(tmp_path):
    with serving("--admin-listen", "127.0.0.1:0") as server:
        operators = server.next_line().rsplit(":", 1)[1].strip()
        text = (DEPLOY / "compose/prometheus.yml").read_text().replace("postern:9464", f"127.0.0.1:{operators}")
        text = text.replace("15s", "1s").replace("/etc/prometheus/rules", str(tmp_path / "rules"))
        (tmp_path / "prometheus.yml").write_text(text)
        checked = subprocess.run(["promtool", "check", "config", tmp_path / "prometheus.yml"], capture_output=True, text=True)
        assert checked.returncode == 0, checked.stderr + checked.stdout
        port = free_port()
        prometheus = subprocess.Popen(
            ["prometheus", f"--config.file={tmp_path}/prometheus.yml", f"--storage.tsdb.path={tmp_path}/data",
             f"--web.listen-address=127.0.0.1:{port}"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:

            def up():
                try:
                    reply = requests.get(f"http://127.0.0.1:{port}/api/v1/query", params={"query": "up"}, timeout=5)
                except requests.ConnectionError:
                    return None
                return [sample["value"][1] for sample in json.loads(reply.text)["data"]["result"]] if reply.ok else None

            assert eventually(up, timeout=30, what="Prometheus asks") == ["1"]
        finally:
            prometheus.terminate()
            prometheus.wait(20)
