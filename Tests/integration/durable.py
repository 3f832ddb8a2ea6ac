"""Servers whose messages are on disk, and their directories."""

import contextlib
import subprocess

from client import BINARY, environment, serving

SMALL = ["--retention-bytes", "16MiB"]


def on_disk(directory, *flags):
    return serving("--data-dir", str(directory), *flags)


def run(*arguments):
    return subprocess.run([BINARY, *arguments], capture_output=True, text=True, env=environment(), timeout=60)


def end(server, how):
    if how == "killed":
        server.kill()
    else:
        assert server.terminate() == 0, server.standard_error()


def segments(directory):
    return sorted(path for path in directory.iterdir() if path.suffix == ".segment")


def used(directory):
    """Bytes of all files; one that goes while we look has gone."""
    total = 0
    for path in directory.iterdir():
        with contextlib.suppress(FileNotFoundError):
            total += path.stat().st_size
    return total
