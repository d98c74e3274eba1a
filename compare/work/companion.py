"""A second process beside this one: it makes calls in turn, while this process does something else."""

import multiprocessing
import os
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from functools import partial
from operator import itemgetter
from queue import SimpleQueue
from typing import Any, Generic, TypeVar

from compare.work.lifetime import ENDING, end_with_parent, may_be_copied

Result = TypeVar("Result")


class Companion:
    """A process of its own, if there is one.

    Parameters
    ----------
    executor : ProcessPoolExecutor or None
    ready : bool
        Whether it can make every call as fast as this process can.
    """

    def __init__(self, executor: ProcessPoolExecutor | None, ready: bool = True) -> None:
        self.executor, self.ready = executor, ready
        self._held: list[Callable[[], None]] = []
        self._lock = threading.Lock()

    def __bool__(self) -> bool:
        return self.executor is not None

    def share(
        self, function: Callable[..., Result], calls: Iterable[tuple[Any, ...]], waiting: int = 0
    ) -> "Shared[Result]":
        """Begin to make these calls, each given by its arguments; so many of them, the last, wait for `renew`."""
        return Shared(self, function, calls, waiting)

    def call(self, function: Callable[..., Result], *arguments: Any) -> Result:
        """Have it make one call, and wait for that; where it is lost, or there is none, make the call here."""
        if self.executor is not None:
            with suppress(BrokenProcessPool):
                return self.executor.submit(function, *arguments).result()
        return function(*arguments)

    def renew(self) -> "Companion":
        """Have a copy of this process as it is now make the calls that wait, and those to come.

        What this process has imported since need not be imported again, and nothing must have begun to use it. Where
        processes are not copied, nothing is done.

        Returns
        -------
        Companion
            The process that made the calls so far, and is free now.
        """
        if self.ready:
            return self
        former = Companion(self.executor)
        self.executor = _started("fork")
        with self._lock:
            self.ready = True
        for give in self._held:
            give()
        return former

    def dismiss(self) -> None:
        """Let it end, and give its memory back, once it has made all calls."""
        if self.executor is not None:
            self.executor.shutdown(wait=False)
            self.executor = None

    def holds(self, give: Callable[[], None]) -> bool:
        """Whether it is not ready yet: then this is called once it is."""
        with self._lock:
            if not self.ready:
                self._held.append(give)
            return not self.ready


class Shared(Generic[Result]):
    """Calls that a companion takes from the start, one at a time, and this process from the end."""

    def __init__(
        self, companion: Companion, function: Callable[..., Result], calls: Iterable[tuple[Any, ...]], waiting: int
    ) -> None:
        self._companion, self._function = companion, function
        self._calls = dict(enumerate(calls))
        self._at_once = len(self._calls) - waiting
        self._left = deque(self._calls)  # both sides take from it, which is atomic
        self.given: SimpleQueue[tuple[int, Future[Result]]] = SimpleQueue()
        self._give()

    def __bool__(self) -> bool:
        return bool(self._companion)

    def _give(self) -> None:
        """Give the companion its next call, and again when that is made."""
        with suppress(IndexError):  # there is none, or this process took the last one just now
            if self._left[0] >= self._at_once and self._companion.holds(self._give):
                return
            executor = self._companion.executor  # looked up once it is ready: before, it was another
            if executor is None:
                return
            key = self._left.popleft()
            try:
                future = executor.submit(self._function, *self._calls[key])
            except RuntimeError as error:  # the companion is lost, or was ended
                future = Future()
                future.set_exception(error)
                self.given.put((key, future))
                return
            future.add_done_callback(partial(self._take, key))

    def _take(self, key: int, future: "Future[Result]") -> None:
        self.given.put((key, future))
        self._give()

    def _last(self) -> int | None:
        """Take the last call that neither side has come to; None if there is none."""
        with suppress(IndexError):
            return self._left.pop()
        return None

    def results(self) -> Generator[Result, None, None]:
        """Make the calls that the companion has not come to, or was lost with; yield every result, in any order."""
        while self._calls:
            key = self._last() if self.given.empty() else None
            if key is None:
                key, future = self.given.get()
                try:
                    result = future.result()
                except BrokenProcessPool:
                    break
            else:
                result = self._function(*self._calls[key])
            del self._calls[key]
            yield result
        for call in self._calls.values():
            yield self._function(*call)


ALONE = Companion(None)


@contextmanager
def companion(wanted: bool) -> Iterator[Companion]:
    """Start a companion, if wanted, and end it: at once, whatever it does."""
    if not wanted:
        yield ALONE
        return
    before = multiprocessing.active_children()
    way = "fork" if comes_as_a_copy() else "spawn"
    beside = Companion(_started(way), ready=way != "fork")
    try:
        yield beside
    finally:
        for process in set(multiprocessing.active_children()) - set(before):
            process.kill()
        if beside.executor is not None:
            beside.executor.shutdown(cancel_futures=True)


def in_two(function: Callable[..., Result], calls: Iterable[tuple[Any, ...]]) -> list[Result]:
    """Make calls in this process and in a copy of it, if it may be copied; return the results in the calls' order."""
    numbered = [(function, number, call) for number, call in enumerate(calls)]
    with companion(len(numbered) > 1 and threading.active_count() == 1 and comes_as_a_copy()) as beside:
        return [result for _, result in sorted(beside.share(_numbered, numbered).results(), key=itemgetter(0))]


def _numbered(function: Callable[..., Result], number: int, call: tuple[Any, ...]) -> tuple[int, Result]:
    return number, function(*call)


def comes_as_a_copy() -> bool:
    """Whether a companion is a copy of this process, which need not import what this one has."""
    return sys.platform == "linux" and may_be_copied()


def _begin(parent: int) -> None:
    """Leave it to the parent what an interrupt means, which reaches both: it ends this process."""
    end_with_parent(parent)
    for number in ENDING:
        signal.signal(number, signal.SIG_DFL if number == signal.SIGTERM else signal.SIG_IGN)


def _started(way: str) -> ProcessPoolExecutor:
    context = multiprocessing.get_context(way)
    executor = ProcessPoolExecutor(1, context, initializer=_begin, initargs=(os.getpid(),))
    executor.submit(os.getpid)  # starts the process, from this thread
    return executor
