"""Names that collide under simple hashes, for floods of hash tables."""

import itertools
import random
import string

# Two letters each, of the same DJB2 (33·a + b), whatever stands before and behind.
DJB2_PAIR = ("Ez", "FY")
LETTERS = string.ascii_letters + string.digits


def djb2(count):
    """Names of one DJB2 hash, and of one length."""
    steps = max(1, (count - 1).bit_length())
    return ["".join(blocks) for blocks in itertools.islice(itertools.product(DJB2_PAIR, repeat=steps), count)]


def fnv1a(count, prime=0x01000193, basis=0x811C9DC5):
    """Names of one 32-bit FNV-1a hash, and of one length.

    Two blocks that lead from one state to the same next one are found by their birthday; each step doubles the names
    (Joux' multicollision).
    """
    state, pairs = basis & 0xFFFFFFFF, []
    for _ in range(max(1, (count - 1).bit_length())):
        state, pair = _pair(state, prime & 0xFFFFFFFF)
        pairs.append(pair)
    return ["".join(blocks) for blocks in itertools.islice(itertools.product(*pairs), count)]


def fnv1a_low(count):
    """Names whose 64-bit FNV-1a hashes end in the same 32 bits: all in one slot of any table of a power of two."""
    return fnv1a(count, prime=0x100000001B3, basis=0xCBF29CE484222325)


def _pair(state, prime):
    source, seen, mask = random.Random(state), {}, 0xFFFFFFFF
    while True:
        block = "".join(source.choices(LETTERS, k=6))
        reached = state
        for letter in block.encode():
            reached = (reached ^ letter) * prime & mask
        other = seen.setdefault(reached, block)
        if other != block:
            return reached, (other, block)
