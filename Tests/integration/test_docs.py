"""What the documentation says to type does what it says, its links lead somewhere, and its tables are the code's."""

import re

import pytest

from client import ROOT
from documents import COMMANDS, PROGRAMS, Block, anchors, blocks, documents, is_like, links, run

RUN = [path for path in documents() if any(block.is_run for block in blocks(path))]


def name(path):
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", RUN, ids=name)
def test_every_command_does_what_it_says(path, tmp_path):
    status, log, printed = run(path, tmp_path)
    assert status == 0, f"{name(path)}: {log}"
    before = None
    for block in blocks(path):
        if "output" in block.comments:
            assert before is not None, f"{name(path)}:{block.line}: no block before it prints anything"
            text = printed[before.line]
            assert is_like(text, block.text), f"{name(path)}:{block.line}: line {before.line} printed {text!r}"
        if block.is_run:
            before = block


@pytest.mark.parametrize("path", documents(), ids=name)
def test_every_block_is_marked(path):
    for block in blocks(path):
        place = f"{name(path)}:{block.line}"
        assert not block.unknown, f"{place}: what is {block.unknown}?"
        if block.language not in PROGRAMS:
            assert not COMMANDS.search(block.text) or block.language in ("text", "json", "yaml", "toml", "ini", "html", "c"), (
                f"{place}: commands stand in a block that is not marked sh"
            )
        elif not block.is_run:
            assert block.reason, f"{place}: it is not run, and no reason is given"


@pytest.mark.parametrize("path", documents(), ids=name)
def test_every_link_leads_somewhere(path):
    for line, target, anchor in links(path):
        place = f"{name(path)}:{line}"
        assert target.exists(), f"{place}: there is no {target}"
        if anchor and target.suffix == ".md":
            assert anchor in anchors(target), f"{place}: {target.name} has no heading #{anchor}"


class TestTheseTests:
    """A wrong document is noticed."""

    def fails(self, tmp_path, text, within=60):
        path = tmp_path / "document.md"
        path.write_text(text)
        (tmp_path / "run").mkdir()
        return run(path, tmp_path / "run", within)

    def test_a_command_that_fails(self, tmp_path):
        status, log, _ = self.fails(tmp_path, "```sh\ntrue\n```\n\n```sh\nfalse | true\n```\n")
        assert status != 0 and "line 5 failed" in log

    def test_a_later_block_sees_what_an_earlier_one_left(self, tmp_path):
        status, _, printed = self.fails(
            tmp_path, "```sh\nx=1; echo y > file\n```\n```sh\necho $x; cat file\n```\n```sh timeout=5\necho $x\n```\n"
        )
        assert status == 0 and printed[4] == "1\ny\n" and printed[7] == "1\n"

    def test_a_server_is_there_until_it_is_not_wanted(self, tmp_path):
        status, log, _ = self.fails(
            tmp_path,
            "```sh\ncurl -sSf localhost:8080/livez\n```\n<!-- server: none -->\n```sh\n! curl -s localhost:8080/livez\n```\n",
        )
        assert status == 0, log

    def test_output(self):
        assert is_like('a\n{"x":1,"t":"now"}\nb\n', '{"x":1,"t":"…"}')
        assert not is_like('{"x":2,"t":"now"}\n', '{"x":1,"t":"…"}')
        assert is_like("a\nb\nc\n", "b\nc") and not is_like("a\nb\nx\nc\n", "b\nc")

    def test_reasons(self):
        assert Block(1, "sh", None, "", ["not run: wants a cluster"]).reason == "wants a cluster"
        assert Block(1, "sh", None, "", ["not run:"]).reason is None
        assert not Block(1, "sh", None, "", ["not run"]).is_run

    def test_comments_that_mean_nothing(self):
        assert Block(1, "text", None, "", ["ouput"]).unknown and not Block(1, "text", None, "", ["output"]).unknown
        assert Block(1, "sh", None, "", ["server:none"]).unknown and not Block(1, "sh", None, "", ["server: none"]).unknown
        assert Block(1, "sh", None, "", ["not run:"]).unknown and not Block(1, "sh", None, "", ["not run: wants a cluster"]).unknown

    def test_a_document_that_does_not_end(self, tmp_path):
        status, log, _ = self.fails(tmp_path, "```sh\ntrue\n```\n\n```sh\nsleep 1000\n```\n", within=2)
        assert status == 124 and "line 5\nit was not over" in log


def test_every_problem_is_in_the_guide():
    """docs/http-api.md lists every `code` that openapi.yaml does, with its status."""
    contract = set(re.findall(r"^ +\| `(\w+)` \| (\d+) \|", (ROOT / "openapi.yaml").read_text(), re.M))
    guide = set(re.findall(r"^\| `(\w+)` \| (\d+) \|", (ROOT / "docs/http-api.md").read_text(), re.M))
    assert contract and guide == contract
