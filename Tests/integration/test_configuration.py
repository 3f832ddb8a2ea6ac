"""One file of settings, the environment, flags: what beats what, what is refused and how, and `postern config`."""

import re
import subprocess
import tomllib

import pytest

from certificates import Authority
from client import BINARY, ROOT, environment

CONFIG = 78  # EX_CONFIG of sysexits.h
USAGE = 64


def run(*arguments, **variables):
    return subprocess.run([BINARY, *arguments], capture_output=True, text=True, timeout=20, env=environment(**variables))


@pytest.fixture
def written(tmp_path):
    """Writes a file of settings."""

    def write(text, name="postern.toml"):
        path = tmp_path / name
        path.write_text(text)
        return path

    return write


def settings(arguments=(), **variables):
    """What `config show` says holds, as a TOML reader of somebody else's reads it."""
    done = run("config", "show", *map(str, arguments), **variables)
    assert done.returncode == 0, done.stderr
    return tomllib.loads(done.stdout)


class TestPrecedence:
    def test_a_file_is_read(self, serve, written):
        server = serve("--config", str(written("max_body_bytes = '2KiB'")))
        assert server.curl("-d", "x" * 2049, "/v1/topics/t/messages").status == 413

    def test_so_is_one_that_the_environment_names(self, serve, written):
        server = serve(env={"POSTERN_CONFIG": str(written("max_body_bytes = 2048"))})
        assert server.curl("-d", "x" * 2049, "/v1/topics/t/messages").status == 413

    def test_flags_beat_the_environment_which_beats_the_file(self, written):
        file = ["--config", written("max_streams = 1\nmax_topics = 1\nloops = 1")]
        held = settings([*file, "--loops", "3"], POSTERN_MAX_TOPICS="2", POSTERN_LOOPS="2")
        assert (held["max_streams"], held["max_topics"], held["loops"]) == (1, 2, 3)

    def test_where_a_value_comes_from_is_shown(self, written):
        path = written("\nmax_streams = 7")
        shown = run("config", "show", "--config", path, "--loops", "3", POSTERN_MAX_TOPICS="9").stdout
        assert re.search(rf"^max_streams = 7 +# {re.escape(str(path))}:2$", shown, re.M)
        assert re.search(r"^max_topics = 9 +# POSTERN_MAX_TOPICS$", shown, re.M)
        assert re.search(r"^loops = 3 +# --loops$", shown, re.M)
        assert re.search(r'^max_body_bytes = "1MiB" +# default$', shown, re.M)


class TestForms:
    def test_lists_tables_and_truth(self, written):
        path = written(
            """
            cors_origin = ["https://a.example", "https://b.example"]
            console = false
            [limit_address]
            requests = "100/s:200"
            polls = 10
            """
        )
        held = settings(["--config", path])
        assert held["cors_origin"] == "https://a.example,https://b.example"
        assert held["console"] is False
        assert held["limit_address"] == "requests=100/s:200,polls=10"

    def test_limits_of_a_table_hold(self, serve, written):
        server = serve("--config", str(written("[limit_address]\nrequests = '1/s:2'")))
        statuses = [server.curl("/v1/topics/t/messages").status for _ in range(4)]
        assert statuses[:2] == [200, 200] and 429 in statuses[2:]


class TestWhatIsWrong:
    FILE = """
max_boddy_bytes = "1MiB"
max_streams = 0
retention-age = "1h"
tls_cert = ["a.pem"]
loops = 1.5

[nothing]
"""

    def test_all_of_it_is_told_with_file_line_and_key(self, written):
        path = written(self.FILE)
        for done in (run("config", "check", path), run("serve", "--config", path)):
            assert done.returncode == CONFIG and done.stdout == ""
            assert done.stderr.splitlines() == [
                f"postern: {path}:2: max_boddy_bytes: there is no such setting; did you mean max_body_bytes?",
                f"postern: {path}:3: max_streams: a whole number from 1 to 1000000 is wanted, not '0'",
                f"postern: {path}:4: retention-age: there is no such setting; did you mean retention_age?",
                f"postern: {path}:6: loops: a text or a whole number is wanted, not a number with a point",
                f"postern: {path}:8: nothing: there is no such setting; see: postern config default",
                f"postern: {path}:5: tls_cert: tls_cert and tls_key must name as many files: each certificate has its key",
            ]

    def test_flags_and_variables_are_told_together(self):
        done = run("serve", "--loops", "0", "--max-streams", "x", POSTERN_MAX_TOPICS="none")
        assert done.returncode == USAGE
        assert [line.split(": ")[1] for line in done.stderr.splitlines()] == [
            "POSTERN_MAX_TOPICS",
            "--max-streams",
            "--loops",
        ]

    def test_no_toml(self, written):
        path = written("loops = 1\nmax_topics = \n")
        done = run("config", "check", path)
        assert done.returncode == CONFIG
        assert done.stderr.startswith(f"postern: {path}:2: ") and "column" in done.stderr

    @pytest.mark.parametrize("name", ["absent.toml", ""])
    def test_no_file(self, tmp_path, name):
        path = tmp_path / name
        done = run("serve", "--config", path)
        assert done.returncode == CONFIG
        assert done.stderr in (f"postern: {path}: No such file or directory\n", f"postern: {path}: Is a directory\n")

    def test_a_misspelt_variable(self):
        done = run("serve", "--listen", "127.0.0.1:0", POSTERN_RETENTON_AGE="1h")
        assert done.returncode == USAGE
        assert "did you mean POSTERN_RETENTION_AGE?" in done.stderr

    def test_what_kubernetes_puts_there_is_let_be(self, serve):
        env = {
            "POSTERN_SERVICE_HOST": "10.0.0.1",
            "POSTERN_SERVICE_PORT": "8080",
            "POSTERN_PORT": "tcp://10.0.0.1:8080",
            "POSTERN_PORT_8080_TCP_PROTO": "tcp",
        }
        assert serve(env=env).curl("/livez").status == 200

    def test_settings_that_want_each_other(self, written):
        path = written("durability = 'memory'\njwt_issuer = 'me'\ncors_max_age = 5")
        done = run("config", "check", path)
        assert done.returncode == CONFIG
        assert [line.removeprefix(f"postern: {path}:") for line in done.stderr.splitlines()] == [
            "3: cors_max_age: wants cors_origin",
            "2: jwt_issuer: wants tokens, jwt_secret, jwks or jwt_key",
            "1: durability: wants data_dir",
        ]

    def test_listening_to_strangers_by_oversight(self, written):
        done = run("config", "check", written("listen = '0.0.0.0:8080'"))
        assert done.returncode == CONFIG and "0.0.0.0:8080 is reached from beyond this machine" in done.stderr


class TestCheck:
    def test_a_good_file(self, written):
        path = written("loops = 1")
        done = run("config", "check", path)
        assert (done.returncode, done.stdout, done.stderr) == (0, f"{path}: good\n", "")

    def test_the_files_it_names_are_read(self, written, tmp_path):
        certificate, key = Authority(tmp_path).issue("localhost")
        written("nonsense", "tokens")
        path = written(f"tokens = '{tmp_path}/tokens'\ntls_cert = '{certificate}'\ntls_key = '{tmp_path}/absent'")
        done = run("config", "check", path)
        assert done.returncode == CONFIG
        assert f"{tmp_path}/tokens: line 1" in done.stderr and f"{tmp_path}/absent" in done.stderr
        assert "nonsense" not in done.stderr
        path = written(f"tls_cert = '{certificate}'\ntls_key = '{key}'")
        assert run("config", "check", path).returncode == 0

    def test_the_environment_is_no_part_of_it(self, written):
        assert run("config", "check", written("loops = 1"), POSTERN_LOOPS="0").returncode == 0


class TestDefault:
    def test_it_sets_nothing_and_is_good(self, written):
        done = run("config", "default")
        assert done.returncode == 0 and tomllib.loads(done.stdout) == {}
        assert run("config", "check", written(done.stdout)).returncode == 0

    def test_every_setting_stands_in_it_and_every_default_is_what_holds(self, written):
        text = run("config", "default").stdout
        held = settings()
        uncommented = dict(re.findall(r"^#(\w+) = (\S.*)$", text, re.M))
        flags = set(re.findall(r"^  --([a-z-]+) <", run("serve", "--help").stdout, re.M)) - {"config"}
        names = {name.replace("_", "-") for name in re.findall(r"^#(\w+) =", text, re.M)}
        assert names == flags
        defaults = tomllib.loads("\n".join(f"{name} = {value}" for name, value in uncommented.items() if not value.startswith("#")))
        assert defaults == {name: value for name, value in held.items()}

    def test_every_default_can_be_written(self, written):
        text = re.sub(r"^#(\w+ = [^ #].*)$", r"\1", run("config", "default").stdout, flags=re.M)
        path = written(text)
        done = run("config", "check", path)
        # Those that mean nothing alone are told so, and nothing else is wrong.
        assert all(": wants " in line for line in done.stderr.splitlines()), done.stderr


def test_secrets_are_never_shown(written, tmp_path):
    written("s3cret" * 8, "secret")
    done = run("config", "show", "--config", written(f"jwt_secret = '{tmp_path}/secret'"))
    assert f"{tmp_path}/secret" in done.stdout and "s3cret" not in done.stdout


def test_the_reference_in_the_documentation_is_the_code_s():
    text = (ROOT / "docs/configuration.md").read_text()
    begin, end = "<!-- settings: begin -->\n", "<!-- settings: end -->"
    reference = text[text.index(begin) + len(begin) : text.index(end)]
    assert reference.strip() == run("config", "reference").stdout.strip()
