"""Runs replicates: in this process, in worker processes, or on a Dask cluster; the numbers are the same.

Work is cut into shards. What a shard gives depends on its seeds alone, so it does not matter where it runs, beside
what, or how the work was cut. joblib brings the shards to the workers and their tables back.
"""

import multiprocessing
import threading
import traceback
from collections.abc import Callable, Generator, Iterator, MutableMapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd
from joblib import Parallel, delayed, parallel_config
from joblib.externals.loky.process_executor import BrokenProcessPool
from threadpoolctl import ThreadpoolController

from compare.errors import InputError
from compare.recipe.streams import children
from compare.work.cluster import connected
from compare.work.companion import IDLE, Companion, Shared, end_with_parent
from compare.work.place import HERE, Place

ATTEMPTS = 2  # a shard that fails, or whose worker dies, has one more
SILENCE = 3600.0  # seconds without one finished shard: a cluster never tells joblib that a shard kills its workers
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
        The replicates: start, ..., stop - 1.
    """

    name: str
    function: Callable[..., pd.DataFrame]
    settings: tuple[Any, ...]
    sequence: np.random.SeedSequence
    start: int
    stop: int

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
) -> list[Shard]:
    """Cut the replicates of one procedure into shards of `size`."""
    return [
        Shard(f"{name}-{start:07d}", function, settings, sequence, start, min(start + size, replicates))
        for start in range(0, replicates, size)
    ]


def begin(shards: list[Shard], finished: MutableMapping[str, pd.DataFrame], beside: Companion) -> Begun:
    """Let a companion begin with the shards that are not finished yet, before `run` asks for them."""
    return beside.share(_attempt, enumerate(_waiting(shards, finished)))


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
        except BrokenProcessPool as error:
            lost = error
        except multiprocessing.TimeoutError:
            raise InputError(
                f"`scheduler` must have workers that live. Received: {place.scheduler}, which has finished nothing for "
                f"{SILENCE / 60:.0f} minutes; see its workers' logs"
            ) from None
    if lost is not None:
        raise InputError(
            f"`workers` must live until they are done. Received: {place.workers}, and some keep dying, perhaps for "
            "want of memory; use fewer"
        ) from lost
    return failures


def _dispatched(waiting: list[Shard], place: Place) -> Generator[Outcome, None, None]:
    attempt = _attempt if place.here or place.scheduler else _attempt_in_worker
    with _backend(place) as parallel:
        yield from parallel(delayed(attempt)(k, each) for k, each in enumerate(waiting))


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


def _attempt_in_worker(index: int, shard: Shard) -> Outcome:
    end_with_parent()
    return _attempt(index, shard)


@lru_cache(maxsize=1)
def _linear_algebra() -> ThreadpoolController:
    """NumPy's threads: products cut among threads may round differently, and workers share the cores already."""
    return ThreadpoolController()


@contextmanager
def _backend(place: Place) -> Iterator[Parallel]:
    """Choose joblib's backend."""
    settings: dict[str, Any] = {"return_as": "generator_unordered", "batch_size": 1}
    if place.here:
        with parallel_config("sequential"):
            yield Parallel(**settings)
    elif place.scheduler is None:
        with parallel_config("loky", n_jobs=place.workers, inner_max_num_threads=1, idle_worker_timeout=IDLE):
            yield Parallel(**settings)
    else:
        with connected(place.scheduler) as client, parallel_config("dask", n_jobs=-1, client=client):
            yield Parallel(**settings, timeout=SILENCE)
