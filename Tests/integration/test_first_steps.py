"""What a user does first, as the README shows it, with the README's own commands."""

import json
import re
import shlex
import subprocess

from client import ROOT, environment

README = (ROOT / "README.md").read_text()


def shell_blocks():
    return re.findall(r"^```sh(?: [^\n]*)?\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def the_block_with(text):
    found = [block for block in shell_blocks() if text in block]
    assert len(found) == 1, f"{len(found)} blocks of the README hold {text!r}"
    return found[0]


def test_publish_text_and_read_it_back(server, topic):
    published = server.curl("-d", "hello", f"/v1/topics/{topic}/messages")
    assert published.status == 201
    read = server.curl(f"/v1/topics/{topic}/messages?wait=30s")
    assert read.status == 200
    assert [message["data"] for message in json.loads(read.body)["messages"]] == ["hello"]


def test_publish_json_and_read_it_back_as_json(server, topic):
    assert server.curl("--json", '{"temp":21.5}', f"/v1/topics/{topic}/messages").status == 201
    read = server.curl(f"/v1/topics/{topic}/messages")
    assert json.loads(read.body)["messages"][0]["data"] == {"temp": 21.5}


def test_go_on_behind_a_cursor(server, topic):
    server.curl("-d", "one", f"/v1/topics/{topic}/messages")
    following = json.loads(server.curl(f"/v1/topics/{topic}/messages").body)["next"]
    server.curl("-d", "two", f"/v1/topics/{topic}/messages")
    read = json.loads(server.curl(f"/v1/topics/{topic}/messages?after={following}&wait=30s").body)
    assert [message["data"] for message in read["messages"]] == ["two"]


def test_publish_envelopes_to_several_topics(server, topic):
    envelopes = {
        "messages": [{"topic": f"{topic}.a", "data": 1}, {"topic": f"{topic}.b", "data": "x", "attributes": {"k": "v"}}]
    }
    published = server.curl("--json", json.dumps(envelopes), "/v1/messages")
    assert published.status == 201
    assert [receipt["topic"] for receipt in json.loads(published.body)["messages"]] == [f"{topic}.a", f"{topic}.b"]
    read = json.loads(server.curl(f"/v1/topics/{topic}.*/messages").body)["messages"]
    assert [message["data"] for message in read] == [1, "x"]
    assert read[1]["attributes"] == {"k": "v"}


def test_operations_answer(server, topic):
    server.curl("-d", "hello", f"/v1/topics/{topic}/messages")
    assert b"postern_messages_published_total" in server.curl("/metrics").body
    assert topic in [entry["topic"] for entry in json.loads(server.curl("/v1/topics?limit=1000").body)["topics"]]
    assert server.curl("/readyz").status == 200
    assert server.curl("/livez").status == 200


def test_the_readme_s_tour_runs_as_it_stands(serve):
    server = serve()
    commands = [line for line in the_block_with("curl -d 'hello'").splitlines() if line.startswith("curl ")]
    assert len(commands) >= 5
    for command in commands:
        command = command.replace("localhost:8080", f"{server.host}:{server.port}")
        command = command.replace("curl ", "curl -sSf ", 1)
        done = subprocess.run(["bash", "-c", command], capture_output=True, timeout=40, env=environment())
        assert done.returncode == 0, f"{command}: {done.stderr.decode()}"


def test_the_readme_s_shell_loop_hands_out_every_message_once(serve):
    server = serve()
    loop = the_block_with("jq -r .next").replace("localhost:8080", f"{server.host}:{server.port}")
    url = shlex.quote(f"{server.url}/v1/topics/greetings/messages")
    shell = subprocess.Popen(
        ["bash", "-c", loop], stdout=subprocess.PIPE, text=True, env=environment(), start_new_session=True
    )
    try:
        for number in range(5):
            subprocess.run(["bash", "-c", f"curl -sSf -d 'message {number}' {url}"], check=True, capture_output=True)
            assert shell.stdout.readline() == f"message {number}\n"
    finally:
        # The loop ends by itself once curl fails; the server is its only tie.
        server.terminate()
        try:
            shell.wait(10)
        except subprocess.TimeoutExpired:
            shell.kill()
            raise
    assert shell.stdout.read() == ""
