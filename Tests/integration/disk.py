"""A disk that does what a test says: it holds or fails what a server asks of it, and loses what was not synchronized."""

import contextlib
import mmap
import random
import struct
import subprocess
from pathlib import Path

from client import eventually

JOURNAL = 4096
SECTOR = 512


def build(folder):
    """The library that is preloaded into servers, made for this run."""
    library = Path(folder) / "disk_hook.so"
    source = Path(__file__).with_name("disk_hook.c")
    flags = ["-O2", "-Wall", "-Werror", "-shared", "-fPIC"]
    subprocess.run(["gcc", *flags, "-o", library, source, "-ldl"], check=True)
    return library


class Disk:
    """The switches of one server's disk. With a journal it can lose power."""

    def __init__(self, library, path, journal=0):
        self.path = Path(path)
        with self.path.open("w+b") as file:
            file.truncate(JOURNAL + journal)
            self.memory = mmap.mmap(file.fileno(), JOURNAL + journal)
        self.env = {"LD_PRELOAD": str(library), "DISK_HOOK_FILE": str(self.path)}

    def _get(self, form, offset):
        return struct.unpack_from(form, self.memory, offset)[0]

    def _set(self, offset, value):
        struct.pack_into("=I", self.memory, offset, value)

    @property
    def synchronized(self):
        """How many calls of fdatasync came back."""
        return self._get("=Q", 16)

    @contextlib.contextmanager
    def held(self):
        """Within it no fdatasync comes back."""
        self._set(0, 1)
        try:
            yield
        finally:
            self._set(0, 0)

    def waits(self):
        """Until an fdatasync is held."""
        eventually(lambda: self._get("=I", 12) > 0, what="fdatasync is called")

    def takes(self, microseconds):
        """How long an fdatasync lasts at least; where it comes back at once nothing is ever in doubt."""
        self._set(48, microseconds)

    def fails_to_synchronize(self, number):
        self._set(4, number)

    def fails_to_write(self, number):
        self._set(8, number)

    # A loss of power

    def _pending(self):
        """Writes that no fdatasync vouches for: file, offset, what was there before. Oldest first."""
        assert not self._get("=I", 36), "the journal was too small"
        place, end = JOURNAL, JOURNAL + self._get("=Q", 24)
        while place < end:
            file, offset, _, count, is_synchronized = struct.unpack_from("=QQQII", self.memory, place)
            place += 32
            if not is_synchronized:
                yield file, offset, self.memory[place : place + count]
            place += (count + 7) & ~7

    def lose_power(self, directory, choose: random.Random):
        """The server is dead. Of each sector that was written since, any of its states may be what the disk holds."""
        files = {path.stat().st_ino: path for path in Path(directory).iterdir()}
        pending = [write for write in self._pending() if write[0] in files]
        touched, undone = {}, 0
        for file, offset, old in pending:
            for sector in range(offset // SECTOR, (offset + len(old) - 1) // SECTOR + 1):
                touched[file, sector] = touched.get((file, sector), 0) + 1
        loses_all = choose.random() < 0.3
        kept = {place: 0 if loses_all else choose.randint(0, count) for place, count in sorted(touched.items())}
        for file, offset, old in reversed(pending):
            with files[file].open("r+b") as out:
                size = files[file].stat().st_size
                for sector in range(offset // SECTOR, (offset + len(old) - 1) // SECTOR + 1):
                    touched[file, sector] -= 1
                    if touched[file, sector] >= kept[file, sector]:
                        start = max(offset, sector * SECTOR)
                        end = min(offset + len(old), (sector + 1) * SECTOR, size)
                        if start < end:
                            out.seek(start)
                            out.write(old[start - offset : end - offset])
                            undone += 1
        return undone
