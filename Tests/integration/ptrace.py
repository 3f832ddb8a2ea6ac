"""Stops one thread of another process, and no other of its threads: as a loop that is stuck."""

import ctypes
import os

SEIZE, INTERRUPT, DETACH = 0x4206, 0x4207, 17
# waitpid: threads that were not started by us (__WALL).
WALL = 0x40000000


class Stopped:
    def __init__(self, thread):
        self.thread = thread
        self.library = ctypes.CDLL(None, use_errno=True)

    def _call(self, what):
        if self.library.ptrace(what, self.thread, None, None) != 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))

    def __enter__(self):
        self._call(SEIZE)
        self._call(INTERRUPT)
        os.waitpid(self.thread, WALL)
        return self

    def is_gone(self):
        """Whether it was killed: what is traced ends only once the one who traces has taken note of it."""
        try:
            thread, status = os.waitpid(self.thread, WALL | os.WNOHANG)
        except ChildProcessError:
            return True
        return thread != 0 and (os.WIFEXITED(status) or os.WIFSIGNALED(status))

    def __exit__(self, *_):
        try:
            self._call(DETACH)
        except OSError:
            # It was killed meanwhile.
            pass
