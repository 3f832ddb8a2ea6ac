"""openapi.yaml, held against a server that knows who may do what."""

import copy
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from client import environment
from test_access import new_token
from test_contract import DOCUMENT, HERE, METHODS

OPERATORS = {"getMetrics", "getStats", "getConsole", "putTopic", "deleteTopic"}
# High enough that no run meets them: each request is counted all the same.
LIMITS = "requests=1000000/s,bytes=10GiB/s,messages=1000000/s,topics=1000000/s,connections=10000,polls=10000,streams=10000"


def operations(document):
    return [operation for item in document["paths"].values() for name, operation in item.items() if name in METHODS]


def with_tokens(scheme):
    """The document of a server that takes tokens in this way alone, and asks everybody for one."""
    document = copy.deepcopy(DOCUMENT)
    for holder in [document, *operations(document)]:
        if "security" in holder:
            holder["security"] = [choice for choice in holder["security"] if set(choice) == {scheme}]
    known = document["components"]["securitySchemes"]
    document["components"]["securitySchemes"] = {scheme: known[scheme]}
    return document


def test_all_but_probes_and_the_document_ask_for_a_token():
    document = with_tokens("bearer")
    for operation in operations(document):
        asks = bool(operation.get("security", document["security"]))
        assert asks == ("401" in operation["responses"]), operation["operationId"]
        if operation["operationId"] in OPERATORS:
            assert "403" in operation["responses"], operation["operationId"]


@pytest.mark.slow
@pytest.mark.parametrize("scheme, key", [("bearer", "bearer"), ("cookie", "api_key"), ("parameter", "api_key")])
def test_the_server_does_what_the_document_says_to_those_who_may(serve, tmp_path, scheme, key):
    """schemathesis shows an operator's token. Each operation it also asks without one and with one that it made up, which
    must not be served (its check `ignored_auth`)."""
    token, line = new_token("operator", "--admin", "--publish", "**", "--subscribe", "**")
    tokens = tmp_path / "tokens"
    tokens.write_text(line + "\n" + new_token("reader", "--subscribe", "orders.*")[1] + "\n")
    tokens.chmod(0o600)
    server = serve(
        *("--loops", "2", "--max-topics", "1000000", "--stream-lifetime", "1s", "--tokens", str(tokens)),
        *("--token-parameter", "on" if scheme == "parameter" else "off"),
        *("--limit-address", LIMITS, "--limit-token", LIMITS),
    )
    server.credentials = {"headers": {"Authorization": f"Bearer {token}"}}
    document = tmp_path / "openapi.yaml"
    document.write_text(yaml.safe_dump(with_tokens(scheme), sort_keys=False, allow_unicode=True))
    config = tmp_path / "schemathesis.toml"
    # A URL shows a token in a read alone.
    chosen = ["--include-operation-id", "readMessages"] if scheme == "parameter" else []
    config.write_text((HERE / "schemathesis.toml").read_text() + f'\n[auth.openapi.{scheme}]\n{key} = "{token}"\n')
    done = subprocess.run(
        [Path(sys.executable).parent / "st", "--config-file", config, "run", document, "--url", server.url, *chosen],
        capture_output=True,
        text=True,
        timeout=900,
        cwd=tmp_path,
        env=environment(PYTHONPATH=str(HERE)),
    )
    assert done.returncode == 0, done.stdout[-12_000:] + done.stderr[-2000:]
    assert server.process.poll() is None, server.standard_error()
    for result in ("accepted", "missing", "malformed"):
        assert server.metric("postern_authentications_total", result=result) > 0, result
    assert token not in server.standard_error()
    server.gets_all_arenas_back()
    server.waits_for("postern_poll_waiters", 0)
