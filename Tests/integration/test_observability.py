"""Alert rules and dashboard: checked by promtool, run by a real Prometheus that scrapes a real server."""

import json
import re
import socket
import subprocess
import time

import pytest
import requests
import yaml

from client import ROOT, Api
from documents import anchors

RULES = ROOT / "deploy/prometheus-rules.yml"
DASHBOARD = ROOT / "deploy/grafana-dashboard.json"

groups = yaml.safe_load(RULES.read_text())["groups"]
alerts = {rule["alert"]: rule for group in groups for rule in group["rules"] if "alert" in rule}
records = {rule["record"]: rule for group in groups for rule in group["rules"] if "record" in rule}
panels = json.loads(DASHBOARD.read_text())["panels"]

WHO = 'instance="a",job="postern"'
COUNT = "postern_http_request_duration_seconds_count"
BUCKET = "postern_http_request_duration_seconds_bucket"


def slow(metric, labels=""):
    """A histogram all of whose observations are between one second and infinity."""
    more = f",{labels}" if labels else ""
    return [(f'{metric}{{{WHO}{more},le="{le}"}}', grows) for le, grows in (("0.1", "0+0x60"), ("2", "0+60x60"), ("+Inf", "0+60x60"))]


def quick(metric, labels=""):
    more = f",{labels}" if labels else ""
    return [(f'{metric}{{{WHO}{more},le="{le}"}}', "0+60x60") for le in ("0.1", "2", "+Inf")]


# For each alert: series that make it fire within 40 minutes, and series that do not.
CASES = {
    "PosternDown": ([(f"up{{{WHO}}}", "0x60")], [(f"up{{{WHO}}}", "1x60")]),
    "PosternRestarting": (
        [(f"process_start_time_seconds{{{WHO}}}", "0+60x60")],
        [(f"process_start_time_seconds{{{WHO}}}", "5x60")],
    ),
    "PosternErrors": (
        [(f'{COUNT}{{{WHO},code="500"}}', "0+5x60"), (f'{COUNT}{{{WHO},code="200"}}', "0+95x60")],
        [(f'{COUNT}{{{WHO},code="500"}}', "0+0x60"), (f'{COUNT}{{{WHO},code="200"}}', "0+95x60")],
    ),
    "PosternSlowPublishes": (slow(BUCKET, 'method="POST"'), quick(BUCKET, 'method="POST"') + slow(BUCKET, 'method="GET"')),
    "PosternSlowDelivery": (slow("postern_delivery_delay_seconds_bucket"), quick("postern_delivery_delay_seconds_bucket")),
    "PosternStorageFailed": ([(f"postern_storage_failed{{{WHO}}}", "1x60")], [(f"postern_storage_failed{{{WHO}}}", "0x60")]),
    "PosternStorageFull": ([(f"postern_storage_full{{{WHO}}}", "1x60")], [(f"postern_storage_full{{{WHO}}}", "0x60")]),
    "PosternStorageDamaged": (
        [(f"postern_storage_damaged_ranges{{{WHO}}}", "2x60")],
        [(f"postern_storage_damaged_ranges{{{WHO}}}", "0x60")],
    ),
    "PosternSlowDisk": (
        slow("postern_storage_commit_duration_seconds_bucket"),
        quick("postern_storage_commit_duration_seconds_bucket"),
    ),
    "PosternArenaBudget": (
        [(f'postern_arena_acquire_failures_total{{{WHO},reason="budget"}}', "0+1x60")],
        [
            (f'postern_arena_acquire_failures_total{{{WHO},reason="budget"}}', "3x60"),
            (f"postern_arena_reserved_bytes{{{WHO}}}", "50x60"),
            (f"postern_arena_budget_bytes{{{WHO}}}", "100x60"),
        ],
    ),
    **{
        alert: (
            [(f"{part}{{{WHO}}}", "95x60"), (f"{whole}{{{WHO}}}", "100x60")],
            [(f"{part}{{{WHO}}}", "85x60"), (f"{whole}{{{WHO}}}", "100x60")],
        )
        for alert, part, whole in (
            ("PosternConnectionsNearLimit", "postern_connections", "postern_connections_limit"),
            ("PosternStreamsNearLimit", "postern_streams", "postern_streams_limit"),
            ("PosternTopicsNearLimit", "postern_interned_topics", "postern_topics_limit"),
            ("PosternScheduledNearLimit", "postern_scheduled_messages", "postern_scheduled_messages_limit"),
            ("PosternFilesNearLimit", "process_open_fds", "process_max_fds"),
        )
    },
    "PosternSlowReaders": (
        [
            (f'postern_connections_closed_total{{{WHO},reason="slow_reader"}}', "0+6x60"),
            (f'postern_stream_closes_total{{{WHO},reason="stalled"}}', "0+6x60"),
        ],
        [
            (f'postern_connections_closed_total{{{WHO},reason="finished"}}', "0+600x60"),
            (f'postern_connections_closed_total{{{WHO},reason="slow_reader"}}', "1x60"),
            (f'postern_stream_closes_total{{{WHO},reason="stalled"}}', "1x60"),
        ],
    ),
    "PosternRetentionShort": (
        [
            (f"postern_messages_dropped_total{{{WHO}}}", "0+9x60"),
            (f"postern_log_oldest_timestamp_seconds{{{WHO}}}", "1+60x60"),
        ],
        [(f"postern_messages_dropped_total{{{WHO}}}", "0+9x60"), (f"postern_log_oldest_timestamp_seconds{{{WHO}}}", "1x60")],
    ),
    "PosternIdempotencyShort": (
        [(f"postern_idempotency_evictions_total{{{WHO}}}", "0+1x60")],
        [(f"postern_idempotency_evictions_total{{{WHO}}}", "7x60")],
    ),
    "PosternReloadRefused": (
        [(f"postern_config_last_reload_successful{{{WHO}}}", "0x60")],
        [(f"postern_config_last_reload_successful{{{WHO}}}", "1x60")],
    ),
    "PosternTokensRefused": (
        [(f'postern_authentications_total{{{WHO},result="unknown"}}', "0+600x60")],
        [(f'postern_authentications_total{{{WHO},result="accepted"}}', "0+6000x60")],
    ),
}


def test_the_rules_are_rules():
    done = subprocess.run(["promtool", "check", "rules", RULES], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert set(CASES) == set(alerts), "each alert has a case"


def outcome(tmp_path, alert, series, fires):
    """What promtool says of a case: whether the alert fires (or not) as expected, with whatever labels and texts."""
    test = {
        "rule_files": [str(RULES)],
        "evaluation_interval": "1m",
        "tests": [
            {
                "interval": "1m",
                "input_series": [{"series": name, "values": values} for name, values in series],
                "promql_expr_test": [
                    {
                        "expr": f'count(ALERTS{{alertname="{alert}",alertstate="firing",instance="a"}}) > 0 or vector(0)',
                        "eval_time": "40m",
                        "exp_samples": [{"labels": "{}", "value": int(fires)}],
                    }
                ],
            }
        ],
    }
    path = tmp_path / "test.yml"
    path.write_text(yaml.safe_dump(test))
    return subprocess.run(["promtool", "test", "rules", path], capture_output=True, text=True)


@pytest.mark.parametrize("alert", CASES)
def test_an_alert_fires_when_it_should_and_not_when_it_should_not(alert, tmp_path):
    bad, good = CASES[alert]
    for series, fires in ((bad, True), (good, False)):
        done = outcome(tmp_path, alert, series, fires)
        assert done.returncode == 0, done.stdout + done.stderr
    # The other way round the test would notice.
    assert outcome(tmp_path, alert, bad, False).returncode != 0


@pytest.mark.parametrize("alert", alerts)
def test_an_alert_says_what_to_do(alert):
    notes = alerts[alert]["annotations"]
    assert notes["summary"] and notes["description"]
    file, anchor = notes["runbook_url"].split("#")
    assert anchor in anchors(ROOT / file)


class Prometheus:
    def __init__(self, tmp_path, target):
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.url = f"http://127.0.0.1:{free.getsockname()[1]}"
        configuration = {
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "rule_files": [str(RULES)],
            "scrape_configs": [{"job_name": "postern", "static_configs": [{"targets": [target]}]}],
        }
        (tmp_path / "prometheus.yml").write_text(yaml.safe_dump(configuration))
        self.process = subprocess.Popen(
            [
                "prometheus", f"--config.file={tmp_path}/prometheus.yml", f"--storage.tsdb.path={tmp_path}/data",
                f"--web.listen-address={self.url[7:]}",
            ],
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        )
        self.session = requests.Session()
        self.session.trust_env = False

    def get(self, path, **parameters):
        reply = self.session.get(self.url + path, params=parameters, timeout=10)
        assert reply.status_code == 200, reply.text
        return reply.json()["data"]

    def query(self, expression):
        return self.get("/api/v1/query", query=expression)["result"]


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory):
    """A Prometheus that has looked at a busy server with a log on disk a few times."""
    from client import Server

    directory = tmp_path_factory.mktemp("log")
    server = Server("--data-dir", str(directory))
    prometheus = Prometheus(tmp_path_factory.mktemp("prometheus"), f"{server.host}:{server.port}")
    try:
        api = Api(server)
        deadline = time.monotonic() + 40
        while time.monotonic() < deadline:
            api.publish("t", "x")
            api.read("t", wait="10ms", since="latest")
            try:
                if len(prometheus.query("count_over_time(up[1m]) > 5")) == 1:
                    break
            except requests.ConnectionError:
                assert prometheus.process.poll() is None, prometheus.process.stderr.read()
            time.sleep(0.05)
        yield prometheus
    finally:
        prometheus.process.terminate()
        prometheus.process.wait(20)
        server.kill()


def test_it_is_scraped_and_its_rules_are_good(prometheus):
    assert [sample["value"][1] for sample in prometheus.query('up{job="postern"}')] == ["1"]
    loaded = [rule for group in prometheus.get("/api/v1/rules")["groups"] for rule in group["rules"]]
    assert len(loaded) == len(alerts) + len(records)
    assert [rule["name"] for rule in loaded if rule["health"] == "err"] == []
    assert [rule["name"] for rule in loaded if rule.get("state") == "firing"] == []


def names(expression):
    return set(re.findall(r"\b((?:postern|process)_[a-z_]+)", re.sub(r"{[^}]*}", "", expression)))


EXPRESSIONS = [rule["expr"] for rule in [*alerts.values(), *records.values()]] + [
    target["expr"] for panel in panels for target in panel.get("targets", [])
]


def test_every_metric_that_is_asked_for_is_there(prometheus):
    known = set(prometheus.get("/api/v1/label/__name__/values"))
    asked = set().union(*map(names, EXPRESSIONS))
    assert asked and asked - known == set()


@pytest.mark.parametrize("title", [panel["title"] for panel in panels if "targets" in panel])
def test_every_panel_shows_something(prometheus, title):
    panel = next(panel for panel in panels if panel["title"] == title and "targets" in panel)
    for target in panel["targets"]:
        expression = target["expr"].replace("$__rate_interval", "1m").replace("$instance", ".*")
        assert prometheus.query(expression), expression


class TestDashboard:
    dashboard = json.loads(DASHBOARD.read_text())

    def test_it_names_no_data_source_of_somebody_s_own(self):
        text = DASHBOARD.read_text()
        assert set(re.findall(r'"uid": "([^"]+)"', text)) == {"postern", "${datasource}"}
        assert [variable["name"] for variable in self.dashboard["templating"]["list"]] == ["datasource", "instance"]

    def test_panels_stand_beside_each_other(self):
        assert self.dashboard["schemaVersion"] >= 36
        assert len({panel["id"] for panel in panels}) == len(panels)
        taken = {}
        for panel in panels:
            place = panel["gridPos"]
            assert place["x"] + place["w"] <= 24
            for x in range(place["x"], place["x"] + place["w"]):
                for y in range(place["y"], place["y"] + place["h"]):
                    assert (x, y) not in taken, f"{panel['title']} lies on {taken[x, y]}"
                    taken[x, y] = panel["title"]

    def test_every_panel_has_a_unit_and_targets_have_names(self):
        for panel in panels:
            if panel["type"] == "row":
                continue
            assert panel["title"] and panel["targets"]
            assert len({target["refId"] for target in panel["targets"]}) == len(panel["targets"])


def test_the_figures_for_people_without_prometheus(serve):
    """GET /v1/stats agrees with /metrics."""
    server = serve("--loops", "2")
    api = Api(server)
    for _ in range(7):
        api.publish("t", "x")
    for _ in range(3):
        assert api.get("/nowhere").status_code == 404
    stats = api.get("/v1/stats").json()
    assert stats["requests"] == {"2xx": 7, "3xx": 0, "4xx": 3, "5xx": 0}
    assert stats["messages"]["published"] == server.metric("postern_messages_published_total") == 7
    process = stats["process"]
    assert 0 < process["resident_bytes"] < 500_000_000 and 0 < process["open_files"] <= process["open_files_limit"]
    assert process["cpu_milliseconds"] <= 60_000 and stats["uptime_seconds"] <= 60
