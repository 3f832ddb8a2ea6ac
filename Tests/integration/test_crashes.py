"""After a bad end under load every acknowledged message is there: once, in order, under its cursor."""

import os

import pytest

from crash_rounds import ROLLING, ROOMY, Kept, Rounds
from disk import build

SEED = 20261123
ROUNDS = int(os.environ.get("ROUNDS", "20"))


@pytest.fixture(scope="session")
def hook(tmp_path_factory):
    return build(tmp_path_factory.mktemp("disk"))


@pytest.fixture
def ending(tmp_path):
    """Starts rounds and ends their server."""
    begun = []

    def begin(*flags, **options):
        begun.append(Rounds(tmp_path, SEED, *flags, **options))
        return begun[-1]

    yield begin
    for rounds in begun:
        rounds.server.kill()


def run(rounds, count):
    for number in range(count):
        rounds.run(number)
    assert len(rounds.stored) > count
    rounds.finish()


def test_kills_lose_nothing(ending):
    run(ending(*ROOMY), ROUNDS)


def test_nor_do_kills_while_segments_come_and_go(ending):
    """Segments of 1 MiB: a kill meets their ends, their indexes and their removal."""
    rounds = ending(*ROLLING)
    run(rounds, ROUNDS)
    assert len(list(rounds.log.glob("*.segment"))) > 5


@pytest.mark.parametrize("flags", [ROOMY, ROLLING], ids=["roomy", "rolling"])
def test_a_loss_of_power_loses_nothing(ending, hook, flags):
    """Of what no fdatasync vouches for, any sector may be there or not."""
    rounds = ending(*flags, hook=hook)
    run(rounds, ROUNDS)
    assert rounds.undone > 0, "the power never took anything"


@pytest.mark.parametrize("mode", ["interval=20ms", "memory"])
def test_other_modes_mistake_no_message_for_another(ending, hook, mode):
    """Acknowledged at once: some may go with the power. No cursor comes to mean another message."""
    rounds = ending(*ROOMY, "--durability", mode, hook=hook, keeps_acknowledged=False)
    rounds.keeps_batches = False  # looked at by itself
    run(rounds, ROUNDS // 2)
    assert rounds.undone > 0, "the power never took anything"


@pytest.mark.parametrize("mode", ["interval=20ms", "memory"])
def test_other_modes_tear_no_batch(ending, hook, mode):
    """A batch is all or nothing, in whatever mode, whatever the power took."""
    run(ending(*ROOMY, "--durability", mode, hook=hook, keeps_acknowledged=False), ROUNDS // 2)


class TestTheCheckItself:
    """It must not pass over what is wrong."""

    def test_it_sees_what_the_power_took(self, ending, hook):
        rounds = ending(*ROOMY, "--durability", "memory", hook=hook)
        with pytest.raises(AssertionError, match="acknowledged and is not there|cursor_gone"):
            run(rounds, 20)

    def test_it_sees_what_is_gone(self, ending):
        rounds = ending(*ROOMY)
        rounds.run(0)
        rounds.stored["never published"] = Kept("0" * 23, "never published", 0)
        with pytest.raises(AssertionError, match="never published is gone"):
            rounds.finish()

    def test_it_sees_what_changed_its_place(self, ending):
        rounds = ending(*ROOMY)
        rounds.run(0)
        first, second = list(rounds.stored)[:2]
        rounds.stored[first], rounds.stored[second] = rounds.stored[second], rounds.stored[first]
        with pytest.raises(AssertionError, match="is gone"):
            rounds.finish()
