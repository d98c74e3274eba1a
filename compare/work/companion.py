"""A second process beside this one: it makes calls in turn, while this process does something else."""

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from functools import partial
from queue import SimpleQueue
from typing import Any, Generic, TypeVar

from joblib.externals.loky import ProcessPoolExecutor
from joblib.externals.loky.process_executor import BrokenProcessPool

from compare.work.processes import processes

Result = TypeVar("Result")


class Companion:
    """A process of its own, if there is one."""

    def __init__(self, executor: ProcessPoolExecutor | None) -> None:
        self._executor = executor

    def later(self, function: Callable[..., Any], *arguments: Any) -> None:
        """Have a call made that nobody waits for."""
        if self._executor is not None:
            self._executor.submit(function, *arguments)

    def share(self, function: Callable[..., Result], calls: Iterable[tuple[Any, ...]]) -> "Shared[Result]":
        """Begin to make these calls, each given by its arguments."""
        return Shared(self._executor, function, calls)


class Shared(Generic[Result]):
    """Calls that a companion takes from the start, one at a time, and this process from the end."""

    def __init__(
        self, executor: ProcessPoolExecutor | None, function: Callable[..., Result], calls: Iterable[tuple[Any, ...]]
    ) -> None:
        self._executor, self._function = executor, function
        self._calls = dict(enumerate(calls))
        self._left = deque(self._calls)  # both sides take from it, which is atomic
        self.given: SimpleQueue[tuple[int, Future[Result]]] = SimpleQueue()
        self._give()

    def __bool__(self) -> bool:
        return self._executor is not None

    def _give(self) -> None:
        """Give the companion its next call, and again when that is made."""
        if self._executor is None or not self._left:
            return
        with suppress(IndexError):  # this process took the last one just now
            key = self._left.popleft()
            try:
                future = self._executor.submit(self._function, *self._calls[key])
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
    with processes(1) as executor:
        yield Companion(executor)
