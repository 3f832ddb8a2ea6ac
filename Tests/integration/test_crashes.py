"""After SIGKILL under load every acknowledged message is there: once, in order, under its cursor."""

import pytest

from crash_rounds import Rounds

ROUNDS = 20


def test_twenty_kills_lose_nothing(tmp_path):
    rounds = Rounds(tmp_path, seed=20261123)
    try:
        for number in range(ROUNDS):
            rounds.run(number)
        assert len(rounds.stored) > ROUNDS
        rounds.finish()
    finally:
        rounds.server.kill()


def test_the_check_sees_what_is_missing(tmp_path):
    """The check itself: it must not pass over a message that is gone."""
    rounds = Rounds(tmp_path, seed=1)
    try:
        rounds.run(0)
        rounds.stored["never published"] = ("0" * 23, "crash.a", "")
        with pytest.raises(AssertionError, match="is gone"):
            rounds.finish()
    finally:
        rounds.server.kill()
