"""Runs replicates: in this process, in worker processes, or on a Dask cluster; the numbers are the same.

Work is cut into shards. What a shard gives depends on its seeds alone, so it does not matter where it runs, beside
what, or how the work was cut. An executor brings the shards to the workers and their tables back, whatever it is.
"""

import threading
import traceback
from collections.abc import Callable, Generator, Iterator, MutableMapping
from concurrent.futures import FIRST_COMPLETED, CancelledError, Executor, Future, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import islice, starmap
from typing import Any

import numpy as np
import pandas as pd
from threadpoolctl import ThreadpoolController

from compare.errors import InputError
from compare.phrases import complain
from compare.recipe.streams import children
from compare.work.cluster import Lost, connected
from compare.work.companion import Companion, Shared
from compare.work.place import HERE, Place
from compare.work.processes import processes

ATTEMPTS = 2  # a shard that fails, or whose worker dies, has one more
AHEAD = 2  # shards a worker: one that it runs, one that waits for it
LOOK = 1.0  # seconds between two looks at those who work
Outcome = tuple[int, pd.DataFrame | None, str]  # the shard's index; its table, or None and why not
Begun = Shared[Outcome]
_one_at_a_time = threading.Lock()  # a Dask worker may have threads; a process has one traced model


@dataclass(frozen=True)
class Shard:
    """Some replicates of one procedure.

    Attributes
    ----------
    name : str
        Names the shard, and its file, in the run.
    function : callable
        `function(*settings, seeds)` gives the table of these replicates. It is defined in a module, so that a
        worker can import it.
    settings : tuple
    sequence : SeedSequence
        The procedure's; replicate k draws from its child k.
    start, stop : int
        The replicates: start, ..., stop - 1. By default one, as of what draws nothing.
    heavy : bool
        Whether it needs what takes long to import.
    """

    name: str
    function: Callable[..., pd.DataFrame]
    settings: tuple[Any, ...]
    sequence: np.random.SeedSequence = field(default_factory=lambda: np.random.SeedSequence(0))
    start: int = 0
    stop: int = 1
    heavy: bool = False

    def __len__(self) -> int:
        return self.stop - self.start

    def run(self) -> pd.DataFrame:
        """Return the shard's table, its column `replicate` counted from `start`."""
        seeds = children(self.sequence, self.start, self.stop)
        table = self.function(*self.settings, seeds)
        return table.assign(replicate=table["replicate"] + self.start)


@dataclass(frozen=True)
class Failure:
    """A shard that failed every time, and how, the last time."""

    shard: Shard
    traceback: str

    def record(self) -> dict[str, Any]:
        """Return what a manifest says of it: enough to run the shard again by itself."""
        sequence = self.shard.sequence
        return {
            "shard": self.shard.name,
            "replicates": [self.shard.start, self.shard.stop],
            "seeds": {"entropy": sequence.entropy, "spawn_key": list(sequence.spawn_key)},
            "traceback": self.traceback,
        }


def cut(
    name: str,
    function: Callable[..., pd.DataFrame],
    settings: tuple[Any, ...],
    sequence: np.random.SeedSequence,
    replicates: int,
    size: int,
    heavy: bool = False,
) -> list[Shard]:
    """Cut the replicates of one procedure into shards of `size`."""
    return [
        Shard(f"{name}-{start:07d}", function, settings, sequence, start, min(start + size, replicates), heavy)
        for start in range(0, replicates, size)
    ]


def begin(shards: list[Shard], finished: MutableMapping[str, pd.DataFrame], beside: Companion) -> Begun:
    """Let a companion begin with the shards that are not finished yet, before `run` asks for them."""
    calls = sorted(enumerate(_waiting(shards, finished)), key=lambda call: call[1].heavy)
    return beside.share(_attempt, calls, waiting=sum(shard.heavy for _, shard in calls))


def _waiting(shards: list[Shard], finished: MutableMapping[str, pd.DataFrame]) -> list[Shard]:
    return [shard for shard in shards if shard.name not in finished]


def run(
    shards: list[Shard],
    finished: MutableMapping[str, pd.DataFrame],
    place: Place = HERE,
    advance: Callable[[int], None] = lambda replicates: None,
    begun: Begun | None = None,
) -> list[Failure]:
    """Run the shards that are not finished yet.

    Parameters
    ----------
    shards : list of Shard
    finished : mutable mapping of str to DataFrame
        By name, every finished shard's table: those that are there already are not run, each other one is put in as
        soon as it is finished.
    place : Place
    advance : callable
        Called with the number of replicates just finished.
    begun : Begun, optional
        What `begin` gave for the same shards; nothing was finished since.

    Returns
    -------
    list of Failure
        The shards that could not be finished.

    Raises
    ------
    InputError
        If the workers cannot be reached, or keep dying.
    """
    advance(sum(len(shard) for shard in shards if shard.name in finished))
    lost: Exception | None = None
    failures: list[Failure] = []
    for _ in range(ATTEMPTS):
        waiting = _waiting(shards, finished)
        lost, failures = None, []
        if not waiting:
            break
        attempts, begun = begun.results() if begun else _dispatched(waiting, place), None
        try:
            with closing(attempts):
                for index, table, trace in attempts:
                    if table is None:
                        failures.append(Failure(waiting[index], trace))
                    else:
                        finished[waiting[index].name] = table
                        advance(len(waiting[index]))
        except (BrokenProcessPool, Lost) as error:
            lost = error
            complain(f"{_told(error, place)}; what is left is run again")
    if lost is not None:
        raise InputError(f"{_told(lost, place)}, again and again; see to that, and resume") from lost
    return failures


def _told(lost: Exception, place: Place) -> str:
    if isinstance(lost, Lost):
        return f"`scheduler` must live until the work is done, with its workers. Received: {place.scheduler}, {lost}"
    many = f"Received: {place.workers}, and some died, perhaps for want of memory: use fewer"
    return f"`workers` must live until they are done. {many}"


def ready(place: Place) -> None:
    """See that the workers can be reached, before anything else is done.

    Raises
    ------
    InputError
        If they cannot.
    """
    if place.scheduler is not None:
        with connected(place.scheduler):
            pass


def _dispatched(waiting: list[Shard], place: Place) -> Generator[Outcome, None, None]:
    if place.here:
        yield from starmap(_attempt, enumerate(waiting))
        return
    calls = enumerate(waiting)
    with _executor(place, len(waiting)) as (executor, workers):
        running: dict[Future[Outcome], int] = {}
        while True:
            for index, shard in islice(calls, max(0, AHEAD * workers() - len(running))):
                running[executor.submit(_attempt, index, shard)] = index
            if not running:
                return
            for each in wait(running, LOOK, FIRST_COMPLETED).done:
                yield _outcome(each, running.pop(each))


def _outcome(future: "Future[Outcome]", index: int) -> Outcome:
    """What came of a shard. That a cluster gave it up, since whoever takes it dies, is a failure like any other."""
    try:
        return future.result()
    except BrokenProcessPool:
        raise
    except CancelledError:
        raise Lost("which answers no more") from None
    except Exception:
        return index, None, traceback.format_exc()


def _attempt(index: int, shard: Shard) -> Outcome:
    """Run a shard on one thread; a failure is a value too, so that the others go on."""
    with _one_at_a_time, _linear_algebra().limit(limits=1):
        try:
            return index, shard.run(), ""
        except Exception as error:  # whatever it is: it is reported with its seeds
            trace = traceback.format_exc()
            if "KeyboardInterrupt" in trace:  # TensorFlow turns one that comes while it traces into another error
                raise KeyboardInterrupt from error
            return index, None, trace


@lru_cache(maxsize=1)
def _linear_algebra() -> ThreadpoolController:
    """NumPy's threads: products cut among threads may round differently, and workers share the cores already."""
    return ThreadpoolController()


@contextmanager
def _executor(place: Place, most: int) -> Iterator[tuple[Executor, Callable[[], int]]]:
    """Yield what takes calls, and what tells for how many workers; `most` calls are to come.

    Raises
    ------
    InputError
        If a cluster cannot be reached.
    """
    if place.scheduler is not None:
        with connected(place.scheduler) as cluster:
            yield cluster.executor, cluster.workers
    else:
        number = min(place.workers, most)
        with processes(number) as executor:
            yield executor, lambda: number
