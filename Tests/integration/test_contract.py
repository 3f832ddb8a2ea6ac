"""openapi.yaml: a valid document, the one that is served, and what the server does."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from client import ROOT, environment

DOCUMENT = yaml.safe_load((ROOT / "openapi.yaml").read_text())
HERE = Path(__file__).parent
METHODS = {"get", "put", "post", "delete", "patch", "head", "options"}


def operations():
    return [
        (path, method, operation)
        for path, item in DOCUMENT["paths"].items()
        for method, operation in item.items()
        if method in METHODS
    ]


def test_the_document_is_valid():
    validate(DOCUMENT)


def test_every_operation_has_an_id_of_its_own():
    names = [operation["operationId"] for _, _, operation in operations()]
    assert len(set(names)) == len(names) == 13


def resolved(node):
    while "$ref" in node:
        target = DOCUMENT
        for part in node["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        node = target
    return node


def examples():
    for path, method, operation in operations():
        name = operation["operationId"]
        for parameter in map(resolved, operation.get("parameters", [])):
            yield from examples_of(f"{name} {parameter['name']}", parameter)
        contents = [operation["requestBody"]] if "requestBody" in operation else []
        for holder in contents + [resolved(response) for response in operation["responses"].values()]:
            for media_type, content in holder.get("content", {}).items():
                if "json" in media_type and "ndjson" not in media_type:
                    yield from examples_of(f"{name} {media_type}", content)


def examples_of(name, holder):
    if "example" in holder:
        yield name, holder["schema"], holder["example"]
    for label, example in holder.get("examples", {}).items():
        yield f"{name} {label}", holder["schema"], resolved(example)["value"]


@pytest.mark.parametrize("name, schema, value", list(examples()), ids=[name for name, _, _ in examples()])
def test_every_example_is_what_its_schema_says(name, schema, value):
    Draft202012Validator({**schema, "components": DOCUMENT["components"]}).validate(value)


def test_the_server_serves_this_very_document(api):
    reply = api.get("/openapi.yaml")
    assert reply.status_code == 200
    assert reply.headers["Content-Type"] == "application/yaml"
    assert reply.content == (ROOT / "openapi.yaml").read_bytes()


@pytest.mark.slow
def test_the_server_does_what_the_document_says(serve, tmp_path):
    """schemathesis makes up requests, good and bad, from the document and holds each reply against it."""
    server = serve("--loops", "2", "--max-topics", "1000000", "--stream-lifetime", "1s")
    done = subprocess.run(
        [
            Path(sys.executable).parent / "st",
            "--config-file",
            HERE / "schemathesis.toml",
            "run",
            ROOT / "openapi.yaml",
            "--url",
            server.url,
        ],
        capture_output=True,
        text=True,
        timeout=600,
        cwd=tmp_path,
        env=environment(PYTHONPATH=str(HERE)),
    )
    assert done.returncode == 0, done.stdout[-12_000:] + done.stderr[-2000:]
    assert server.process.poll() is None, server.standard_error()
    server.gets_all_arenas_back()
    server.waits_for("postern_poll_waiters", 0)
