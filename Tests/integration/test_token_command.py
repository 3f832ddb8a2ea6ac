"""`postern token new`: what it prints, and what it refuses."""

import base64
import hashlib
import re
import subprocess
import time
from datetime import datetime

import pytest

from client import BINARY, environment

USAGE = 64  # EX_USAGE of sysexits.h
TOKEN = re.compile(r"pst_[A-Za-z0-9_-]{43}")


def new(*arguments):
    return subprocess.run(
        [BINARY, "token", "new", *arguments], capture_output=True, text=True, timeout=10, env=environment()
    )


def made(*arguments):
    done = new(*arguments)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    token, line = done.stdout.splitlines()
    assert TOKEN.fullmatch(token)
    name, digest, *rest = line.split(" ")
    assert digest == "sha256:" + hashlib.sha256(token.encode()).hexdigest()
    assert token not in line
    return token, name, rest


def test_a_token_and_its_line():
    _, name, rest = made(
        *("--name", "orders", "--publish", "orders.**", "--publish", "audit", "--subscribe", "orders.*,news"),
        *("--admin", "--expires", "2027-01-31T01:00:00+01:00"),
    )
    assert name == "orders"
    assert rest == ["publish=orders.**,audit", "subscribe=orders.*,news", "admin", "expires=2027-01-31T00:00:00Z"]


def test_nothing_is_granted_unasked():
    assert made("--name", "x", "--subscribe", "a")[2] == ["subscribe=a"]
    assert made("--name", "x", "--admin")[2] == ["admin"]


def test_one_without_a_name_is_called_by_its_hash():
    token, name, _ = made("--publish", "orders.**", "--subscribe", "orders.*", "--expires", "30d")
    assert name == "token-" + hashlib.sha256(token.encode()).hexdigest()[:8]


def test_each_token_is_another_one_of_256_bits():
    tokens = {made("--admin")[0] for _ in range(20)}
    assert len(tokens) == 20
    assert all(len(base64.urlsafe_b64decode(token[4:] + "=")) == 32 for token in tokens)


@pytest.mark.parametrize("life, seconds", [("30d", 30 * 86400), ("12h", 12 * 3600), ("90s", 90)])
def test_a_life_counts_from_now(life, seconds):
    _, expires = made("--name", "x", "--admin", "--expires", life)[2]
    end = datetime.fromisoformat(expires.removeprefix("expires=")).timestamp()
    assert abs(end - time.time() - seconds) < 5


@pytest.mark.parametrize(
    "arguments, wanted",
    [
        ([], "a token that allows nothing is of no use: --publish, --subscribe or --admin is wanted"),
        (["--name", "x", "--expires", "1d"], "a token that allows nothing is of no use"),
        (["--name", "a b"], "--name: 1 to 64 letters, digits, '.', '-' and '_' are wanted"),
        (["--name", "pst_x"], "--name: 1 to 64 letters, digits, '.', '-' and '_' are wanted"),
        (["--name", "x", "--publish", "a.**.b"], "--publish: pattern 1, byte 2: ** may only be the last token"),
        (["--name", "x", "--subscribe", "a", "--subscribe", ""], "--subscribe: pattern 2, byte 0"),
        (["--name", "x", "--expires", "soon"], "a time from 1s to 3650d, or one such as 2027-01-31T00:00:00Z"),
        (["--name", "x", "--expires", "0s"], "a time from 1s to 3650d"),
    ],
)
def test_what_is_refused(arguments, wanted):
    done = new(*arguments)
    assert done.returncode == USAGE
    assert wanted in done.stderr
    assert done.stdout == ""
