"""SIGHUP: what changes while the server runs, what is kept where anything is wrong, what wants a restart."""

import json
import signal
import subprocess
import time

import pytest

from certificates import Authority
from client import BINARY, Api, environment, eventually

PATH = "/v1/topics/t/messages"


@pytest.fixture
def configured(serve, tmp_path):
    """A server with a file of settings, and a function that writes another one and has it read."""
    path = tmp_path / "postern.toml"

    def start(text, *arguments, **options):
        path.write_text(text)
        server = serve("--config", str(path), *arguments, **options)

        def change(text):
            before = events(server)
            path.write_text(text)
            server.process.send_signal(signal.SIGHUP)
            eventually(lambda: len(reloads(server)) > len([e for e in before if is_reload(e)]), what="it was read again")
            # Loops go over to it within a second.
            time.sleep(1.2)
            return events(server)[len(before) :]

        return server, change

    return start


def events(server):
    return [json.loads(line) for line in server.standard_error().splitlines()]


def is_reload(event):
    return event["message"] in ("settings are read again", "settings stay as they were")


def reloads(server):
    return [event for event in events(server) if is_reload(event)]


def named(events, message, field):
    return [event[field] for event in events if event["message"] == message]


class TestWhatIsTakenUp:
    def test_the_largest_body(self, configured):
        server, change = configured("max_body_bytes = '1KiB'")
        assert server.curl("-d", "x" * 2000, PATH).status == 413
        logged = change("max_body_bytes = '4KiB'")
        assert server.curl("-d", "x" * 2000, PATH).status == 201
        assert named(logged, "settings are read again", "changed") == ["max_body_bytes"]

    def test_limits_come_change_and_go(self, configured):
        server, change = configured("")
        assert {server.curl(PATH).status for _ in range(5)} == {200}
        change("limit_address = { requests = '1/h:2' }")
        assert [server.curl(PATH).status for _ in range(3)] == [200, 200, 429]
        change("limit_address = { requests = '1/h:5' }")
        assert 200 in {server.curl(PATH).status for _ in range(2)}
        change("")
        assert {server.curl(PATH).status for _ in range(8)} == {200}

    def test_what_a_client_holds_is_given_back_to_where_it_was_counted(self, configured):
        server, change = configured("limit_address = { streams = 1 }")
        with server.connect() as stream:
            stream.send(b"GET /v1/topics/t/messages?format=ndjson HTTP/1.1\r\nHost: x\r\n\r\n")
            eventually(lambda: server.metric("postern_streams") == 1, what="the stream is there")
            change("")
        eventually(lambda: server.metric("postern_streams") == 0, what="the stream is gone")
        change("limit_address = { streams = 1 }")
        with server.connect() as stream:
            stream.send(b"GET /v1/topics/t/messages?format=ndjson HTTP/1.1\r\nHost: x\r\n\r\n")
            eventually(lambda: server.metric("postern_streams") == 1, what="the stream is there")
            assert server.curl("-m", "2", PATH + "?format=ndjson").status == 429

    def test_the_level_of_the_log(self, configured):
        server, change = configured("log_level = 'notice'")
        assert not named(events(server), "serving", "message")
        change("log_level = 'info'")
        assert server.terminate() == 0
        assert named(events(server), "ended", "message")

    def test_retention(self, configured):
        server, change = configured("")
        api = Api(server)
        for number in range(10):
            api.publish("t", str(number))
        change("retention_count = 3")
        eventually(lambda: len(api.messages("t")) == 3, what="all but three are dropped")

    def test_retention_on_disk(self, configured, directory):
        server, change = configured("", "--data-dir", str(directory))
        api = Api(server)
        for number in range(10):
            api.publish("t", str(number))
        change("retention_count = 3")
        eventually(lambda: len(api.messages("t")) == 3, what="all but three are dropped")

    def test_how_many_streams_there_may_be(self, configured):
        server, change = configured("max_streams = 5")
        change("max_streams = 1")
        with server.connect() as stream:
            stream.send(b"GET /v1/topics/t/messages?format=ndjson HTTP/1.1\r\nHost: x\r\n\r\n")
            eventually(lambda: server.metric("postern_streams") == 1, what="the stream is there")
            assert server.curl("-m", "2", PATH + "?format=ndjson").status == 503

    def test_how_many_connections_there_may_be(self, configured):
        server, change = configured("max_connections = 100")
        change("max_connections = 1")
        with server.connect() as kept:
            assert kept.get("/livez").reply().status == 200
            assert server.curl("/livez").status == 503

    def test_the_page(self, configured):
        server, change = configured("console = false")
        assert server.curl("/").status == 404
        change("console = true")
        assert server.curl("/").status == 200

    def test_another_file_of_tokens(self, configured, tmp_path):
        made = [subprocess.run([BINARY, "token", "new", "--publish", "**"], capture_output=True, text=True).stdout.split("\n") for _ in range(2)]
        for index, (_, line, *_) in enumerate(made):
            (tmp_path / f"tokens-{index}").write_text(line + "\n")
            (tmp_path / f"tokens-{index}").chmod(0o600)
        server, change = configured(f"tokens = '{tmp_path}/tokens-0'")

        def status(index):
            return server.curl("-H", f"Authorization: Bearer {made[index][0]}", "-d", "x", PATH).status

        assert (status(0), status(1)) == (201, 401)
        change(f"tokens = '{tmp_path}/tokens-1'")
        assert (status(0), status(1)) == (401, 201)

    def test_another_certificate(self, configured, tmp_path):
        for name in ("one", "two"):
            (tmp_path / name).mkdir()
        pairs = [Authority(tmp_path / name).issue("localhost") for name in ("one", "two")]
        texts = [f"tls_cert = '{certificate}'\ntls_key = '{key}'" for certificate, key in pairs]
        server, change = configured(texts[0])
        before = shown(server.port)
        change(texts[1])
        after = shown(server.port)
        assert before != after and "BEGIN CERTIFICATE" in after


def shown(port):
    done = subprocess.run(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-servername", "localhost"],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20)
    return done.stdout[done.stdout.index("-----BEGIN") : done.stdout.index("-----END")]


class TestWhatIsKept:
    def test_everything_where_anything_is_wrong(self, configured):
        server, change = configured("max_body_bytes = '1KiB'")
        logged = change("max_body_bytes = '4KiB'\nmax_strems = 5\nmax_topics = -1")
        errors = named(logged, "settings stay as they were", "error")
        assert len(errors) == 2 and "did you mean max_streams?" in errors[0] and ":3: max_topics:" in errors[1]
        assert server.curl("-d", "x" * 2000, PATH).status == 413
        assert server.metric("postern_config_last_reload_successful") == 0
        change("max_body_bytes = '4KiB'")
        assert server.curl("-d", "x" * 2000, PATH).status == 201
        assert server.metric("postern_config_last_reload_successful") == 1
        assert abs(server.metric("postern_config_last_reload_success_timestamp_seconds") - time.time()) < 10

    def test_what_wants_a_restart_is_named_and_the_rest_is_taken_up(self, configured):
        server, change = configured("max_body_bytes = '1KiB'")
        logged = change("max_body_bytes = '4KiB'\nmax_topics = 5\nlisten = '127.0.0.1:1'")
        assert named(logged, "these settings want a restart", "settings") == ["max_topics"]
        assert server.curl("-d", "x" * 2000, PATH).status == 201
        # It is said again as long as the file says so.
        assert named(change("max_topics = 5"), "these settings want a restart", "settings") == ["max_topics"]

    def test_strangers_stay_out(self, serve, tmp_path):
        certificate, key = Authority(tmp_path).issue("localhost")
        tls = f"tls_cert = '{certificate}'\ntls_key = '{key}'\ntls_client_ca = '{certificate}'"
        path = tmp_path / "postern.toml"
        path.write_text(tls)
        server = serve("--config", str(path), listen="0.0.0.0:0")
        path.write_text(tls + "\ntls_client_auth = 'optional'")
        server.process.send_signal(signal.SIGHUP)
        eventually(lambda: reloads(server), what="it was read again")
        [error] = named(events(server), "settings stay as they were", "error")
        assert "is reached from beyond this machine" in error

    def test_tokens_do_not_come_or_go(self, configured, tmp_path):
        line = subprocess.run([BINARY, "token", "new", "--publish", "**"], capture_output=True, text=True).stdout.split("\n")[1]
        (tmp_path / "tokens").write_text(line + "\n")
        server, change = configured("")
        logged = change(f"tokens = '{tmp_path}/tokens'")
        assert named(logged, "these settings want a restart", "settings") == ["tokens"]
        assert server.curl("-d", "x", PATH).status == 201

    def test_a_bad_file_of_tokens_leaves_the_old_one_and_is_tried_again(self, configured, tmp_path):
        token, line, *_ = subprocess.run([BINARY, "token", "new", "--publish", "**"], capture_output=True, text=True).stdout.split("\n")
        (tmp_path / "good").write_text(line + "\n")
        (tmp_path / "bad").write_text("nonsense\n")
        server, change = configured(f"tokens = '{tmp_path}/good'")
        logged = change(f"tokens = '{tmp_path}/bad'")
        assert any("/bad: line 1" in error for error in named(logged, "tokens and keys stay as they were", "error"))
        assert server.curl("-H", f"Authorization: Bearer {token}", "-d", "x", PATH).status == 201
        (tmp_path / "bad").write_text("")
        change(f"tokens = '{tmp_path}/bad'")
        assert server.curl("-H", f"Authorization: Bearer {token}", "-d", "x", PATH).status == 401

    def test_a_body_beyond_what_arenas_were_made_for(self, configured):
        server, change = configured("")
        assert named(change("max_body_bytes = '32MiB'"), "these settings want a restart", "settings") == ["max_body_bytes"]

    def test_segments_of_another_size(self, configured):
        server, change = configured("")
        assert named(change("retention_bytes = '2MiB'"), "these settings want a restart", "settings") == ["retention_bytes"]
        assert named(change("retention_bytes = '64MiB'"), "these settings want a restart", "settings") == []


def test_flags_beat_the_file_after_a_reload_too(configured):
    server, change = configured("max_body_bytes = '8KiB'", "--max-body-bytes", "1KiB")
    change("max_body_bytes = '16KiB'")
    assert server.curl("-d", "x" * 2000, PATH).status == 413


def test_a_storm_of_reloads_under_load_loses_nothing(configured, background):
    server, change = configured("max_streams = 5")
    api = Api(server)
    published = background(lambda: [api.publish("storm", str(number)).status_code for number in range(300)])
    for number in range(200):
        server.process.send_signal(signal.SIGHUP)
        time.sleep(0.005)
    assert set(published.result(30)) == {201}
    assert server.curl("/livez").status == 200
