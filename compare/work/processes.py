"""Processes beside this one, that take calls; they end with it, however it ends."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from loky import ProcessPoolExecutor

from compare.work.lifetime import end_with_parent

IDLE = 30  # seconds after which one ends that has nothing to do: its memory is of use to others


@contextmanager
def processes(number: int) -> Iterator[ProcessPoolExecutor]:
    """Start so many processes when they are first needed, and end them: at once, whatever they do."""
    executor = ProcessPoolExecutor(number, timeout=IDLE, initializer=end_with_parent, initargs=(os.getpid(),))
    try:
        yield executor
    finally:
        executor.shutdown(wait=True, kill_workers=True)
