"""One list that two processes go through, this one and a copy of it: where a core is idle, in half of the time."""

import mmap
import os
import pickle
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from compare.check.subject.guard import aside
from compare.work.lifetime import end_with_parent, may_be_copied

Result = TypeVar("Result")


class Said:
    """One number that either process says, and both see; the first that is said stays."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, 8)  # zeros: nothing; else what was said, and one more

    def say(self, number: int) -> None:
        """Say a number, not below 0, if none was said yet."""
        if self.heard() is None:
            self._memory[:8] = (number + 1).to_bytes(8, "little")

    def heard(self) -> int | None:
        """What was said."""
        return int.from_bytes(self._memory[:8], "little") - 1 if any(self._memory[:8]) else None


def in_halves(work: Callable[[int, int, Said], list[Result]], alone: bool) -> list[Result]:
    """Have each half of some work done, and return what comes of both.

    Parameters
    ----------
    work : callable
        (first, step, said) -> plain values: does what comes first, and each so many after it.
    alone : bool
        Whether this process may be copied: nobody else's, whose threads would be missing.

    Returns
    -------
    list
        Of this process, then of the copy; of this one alone, which then does all, where there can be no copy.
    """
    said = Said()
    if not alone or not may_be_copied():
        return work(0, 1, said)
    here = os.getpid()
    incoming, outgoing = os.pipe()
    with aside():
        copy = os.fork()
        if copy == 0:
            end_with_parent(here)
        file = os.fdopen(*((incoming, "rb") if copy else (outgoing, "wb")))
    os.close(outgoing if copy else incoming)
    if copy == 0:
        try:
            pickle.dump(work(1, 2, said), file)
            file.flush()
        finally:
            os._exit(0)
    try:
        found = work(0, 2, said)
        with file, suppress(EOFError, pickle.UnpicklingError):  # it may have died: some edit ended it
            found += pickle.load(file)
        return found
    finally:
        os.waitpid(copy, 0)
