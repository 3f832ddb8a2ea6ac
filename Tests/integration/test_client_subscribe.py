"""`postern subscribe`: what it reads, where it goes on, what it runs."""

import json
import signal
import time

import pytest

from client import Api, environment, eventually
from command_client import Client, is_one_line


@pytest.fixture
def postern(server):
    return Client(server.url)


class TestSubscribe:
    @pytest.fixture
    def filled(self, api, topic):
        for number in range(5):
            api.publish(topic, str(number), Attr_Parity="odd" if number % 2 else "even")
        return topic

    def test_what_is_there(self, postern, filled):
        done = postern("subscribe", filled)
        assert (done.returncode, done.out, done.err) == (0, "0\n1\n2\n3\n4\n", "")

    def test_forms(self, postern, filled, api):
        assert postern("subscribe", filled, "--format", "raw").out == "01234"
        lines = postern("subscribe", filled, "--format", "json").out.splitlines()
        assert [json.loads(line) for line in lines] == api.messages(filled)

    def test_bytes_come_as_they_were(self, postern, api, topic):
        body = bytes(range(256)) * 3
        api.publish(topic, body)
        assert postern("subscribe", topic, "--format", "raw").stdout == body

    def test_filter_and_limit(self, postern, filled):
        assert postern("subscribe", filled, "--filter", "parity:odd").out == "1\n3\n"
        assert postern("subscribe", filled, "--limit", "2").out == "0\n1\n"
        assert postern("subscribe", filled, "--limit", "2", "--follow").out == "0\n1\n"

    def test_more_than_one_reply_holds(self, postern, api, topic):
        api.batch(*({"topic": topic, "data": str(n)} for n in range(1000)))
        api.batch(*({"topic": topic, "data": str(n)} for n in range(1000, 1500)))
        assert postern("subscribe", topic).out.split() == [str(n) for n in range(1500)]
        assert postern("subscribe", topic, "--limit", "1200").out.split() == [str(n) for n in range(1200)]

    def test_a_place_to_go_on(self, postern, filled, tmp_path, api):
        state = tmp_path / "state"
        assert postern("subscribe", filled, "--limit", "2", "--state", state).out == "0\n1\n"
        assert state.read_text() == api.messages(filled)[1]["cursor"] + "\n"
        assert postern("subscribe", filled, "--state", state).out == "2\n3\n4\n"
        assert postern("subscribe", filled, "--state", state).out == ""
        api.publish(filled, "5")
        assert postern("subscribe", filled, "--state", state).out == "5\n"

    def test_a_file_that_is_something_else_is_left_alone(self, postern, filled, tmp_path):
        other = tmp_path / "notes"
        other.write_text("Dear diary,\n")
        done = postern("subscribe", filled, "--state", other)
        assert done.returncode == 66 and is_one_line(done.err)
        assert other.read_text() == "Dear diary,\n"

    def test_follow_from_now(self, postern, api, filled):
        process = postern.start("subscribe", filled, "--follow", "--since", "latest")
        eventually(lambda: api.server.metric("postern_streams") == 1, what="it follows")
        api.publish(filled, "new")
        assert process.stdout.readline() == b"new\n"
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0

    def test_what_was_printed_is_remembered_though_its_reader_left(self, postern, filled, tmp_path, api):
        state = tmp_path / "state"
        process = postern.start("subscribe", filled, "--follow", "--state", state)
        assert [process.stdout.readline() for _ in range(5)][-1] == b"4\n"
        process.stdout.close()
        api.publish(filled, "x")
        assert process.wait(10) == 0
        assert state.read_text().strip() == api.messages(filled)[4]["cursor"]

    def test_a_reader_of_its_output_that_leaves_ends_it(self, postern, filled):
        process = postern.start("subscribe", filled, "--follow")
        assert process.stdout.readline() == b"0\n"
        process.stdout.close()
        Api(type("S", (), {"url": postern.environment["POSTERN_URL"], "credentials": {}})).publish(filled, "x")
        assert process.wait(10) == 0
        assert process.stderr.read() == b""


class TestExec:
    def test_a_command_for_each_message(self, postern, api, topic, tmp_path):
        api.publish(topic, "data\n", Attr_Region="eu", Message_Key="k")
        out = tmp_path / "out"
        done = postern(
            "subscribe", topic, "--exec", f'cat >> {out}; echo "$POSTERN_TOPIC $POSTERN_KEY $POSTERN_ATTR_REGION" >> {out}'
        )
        assert (done.returncode, done.out) == (0, "")
        assert out.read_text() == f"data\n{topic} k eu\n"

    def test_what_strangers_publish_is_never_run(self, postern, api, topic, tmp_path):
        api.publish(topic, f"$(touch {tmp_path}/run)", Attr_X=f"$(touch {tmp_path}/run)`touch {tmp_path}/run`")
        assert postern("subscribe", topic, "--exec", 'x=$(cat); echo "$x $POSTERN_ATTR_X" > /dev/null').returncode == 0
        assert not (tmp_path / "run").exists()

    def test_a_command_that_fails_gets_its_message_again(self, postern, api, topic, tmp_path):
        for text in ("one", "two", "three"):
            api.publish(topic, text)
        state, out = tmp_path / "state", tmp_path / "out"
        command = f'read x; [ "$x" != two ] || [ -e {tmp_path}/mended ] || exit 7; echo "$x" >> {out}'
        done = postern("subscribe", topic, "--state", state, "--exec", command)
        assert done.returncode == 4 and is_one_line(done.err) and "ended with 7" in done.err
        (tmp_path / "mended").touch()
        assert postern("subscribe", topic, "--state", state, "--exec", command).returncode == 0
        assert out.read_text().split() == ["one", "two", "three"]

    def test_one_that_does_not_read_is_none_the_worse(self, postern, api, topic):
        api.publish(topic, "x" * 500_000)
        assert postern("subscribe", topic, "--exec", "true").returncode == 0


    def test_each_is_remembered_when_it_is_done(self, serve, tmp_path):
        """Killed in the middle of a stream's piece: no command is run twice."""
        server = serve()
        api = Api(server)
        api.batch(*({"topic": "t", "data": str(n)} for n in range(40)))
        state, out = tmp_path / "state", tmp_path / "out"
        arguments = ("subscribe", "t", "--follow", "--state", state, "--exec", f'cat >> {out}; echo >> {out}; sleep 0.02')
        reader = Client(server.url).start(*arguments)
        eventually(lambda: out.exists() and len(out.read_text().split()) >= 5, what="some are run")
        reader.kill()
        reader.wait()
        time.sleep(0.2)
        done = len(out.read_text().split())
        assert state.read_text().strip() in {m["cursor"] for m in api.messages("t")[done - 2 : done + 1]}

    def test_a_command_gets_no_connection_of_ours(self, postern, api, topic):
        api.publish(topic, "x")
        done = postern("subscribe", topic, "--exec", "ls -l /proc/self/fd | grep -c socket > /dev/null && exit 9; true")
        assert done.returncode == 0


class TestQuiet:
    def test_a_quiet_stream_is_not_given_up(self, serve):
        """Signs of life are a byte now and then."""
        server = serve("--stream-heartbeat", "500ms")
        reader = Client(server.url).start("subscribe", "t", "--follow")
        time.sleep(4)
        assert reader.poll() is None
        assert server.metric("postern_connections_accepted_total") <= 3
        reader.terminate()
        assert reader.communicate(timeout=10) == (b"", b"")


class TestResuming:
    @pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
    def test_restarts_of_the_server_lose_nothing_and_repeat_nothing(self, serve, directory, tmp_path, how):
        server = serve("--data-dir", str(directory), "--drain-timeout", "1s")
        address = f"{server.host}:{server.port}"
        reader = Client(server.url).start("subscribe", "t", "--follow", "--limit", "90", "--state", tmp_path / "state", "-q")
        numbers = iter(range(90))
        for _ in range(3):
            writer = Client(f"http://{address}")
            for _ in range(30):
                assert writer("publish", "t", next(numbers), "--retry", "20s").returncode == 0
            server.process.send_signal(how)
            server.process.wait(10)
            server = serve("--data-dir", str(directory), "--drain-timeout", "1s", listen=address)
        out, err = reader.communicate(timeout=30)
        assert reader.returncode == 0, err
        assert [int(line) for line in out.split()] == list(range(90))

    def test_a_place_is_kept_though_no_message_came(self, serve, directory):
        """Since latest, and the server away while the first message is published."""
        server = serve("--data-dir", str(directory))
        address = f"{server.host}:{server.port}"
        Api(server).publish("t", "old")
        reader = Client(server.url).start("subscribe", "t", "--follow", "--since", "latest", "--limit", "1")
        eventually(lambda: server.metric("postern_streams") == 1, what="it follows")
        server.process.kill()
        server.process.wait()
        server = serve("--data-dir", str(directory), listen=address)
        Api(server).publish("t", "new")
        out, err = reader.communicate(timeout=30)
        assert (reader.returncode, out) == (0, b"new\n")
        assert b"trying again" in err and b"connected again" in err

    def test_messages_that_are_lost_are_told(self, serve, tmp_path):
        server = serve("--retention-count", "3")
        client, api = Client(server.url), Api(server)
        api.publish("t", "0")
        assert client("subscribe", "t", "--state", tmp_path / "state").out == "0\n"
        (tmp_path / "copy").write_text((tmp_path / "state").read_text())
        for number in range(1, 9):
            api.publish("t", str(number))
        done = client("subscribe", "t", "--state", tmp_path / "state")
        assert (done.returncode, done.out) == (0, "6\n7\n8\n")
        assert is_one_line(done.err) and "are lost to retention" in done.err
        for follow in ([], ["--follow"]):
            done = client("subscribe", "t", "--state", tmp_path / "copy", "--fail-on-gap", *follow)
            assert (done.returncode, done.out) == (3, "") and is_one_line(done.err)

    def test_it_ends_where_it_is_told_how_long_to_try(self, serve):
        server = serve()
        reader = Client(server.url).start("subscribe", "t", "--follow", "--retry", "1s", "-q")
        eventually(lambda: server.metric("postern_streams") == 1, what="it follows")
        server.kill()
        assert reader.wait(20) == 69
