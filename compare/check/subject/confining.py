"""Keeps what is tried within bounds: of time, and of memory."""

import contextlib
import signal
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

import numpy as np

from compare.check.subject.exceptions import Interrupted
from compare.check.subject.tracing import own

MEMORY = 2**30  # bytes
TICK = 0.01  # seconds until it is tried again to end it, where a library's code ran


class Endless(Interrupted):
    """The subject went on for too long."""


@contextlib.contextmanager
def little_memory() -> Iterator[None]:
    """Let this process take little more memory than it has."""
    try:
        import resource

        pages = int(Path("/proc/self/statm").read_text().split()[0])
    except (ImportError, OSError):
        yield
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    least = pages * resource.getpagesize() + MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (least if soft < 0 else min(soft, least), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


@contextlib.contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Raise what no program catches, after so many seconds of the processor."""
    if not np.isfinite(seconds) or not hasattr(signal, "setitimer"):
        yield
        return

    def end(number: int, frame: FrameType | None) -> None:
        if frame is not None and own(frame.f_code.co_filename):  # not amid a library's own, or a collector's call
            raise Endless

    before = signal.signal(signal.SIGPROF, end)
    signal.setitimer(signal.ITIMER_PROF, seconds, TICK)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
