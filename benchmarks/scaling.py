"""How the scratch network's cost grows: with epochs, replicates, width and samples; and that its memory does not."""

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from benchmarks import contestants
from benchmarks.measures import Contestant, Effort, Measure, compare, iris, random_digits
from benchmarks.timing import interleaved

STATUS = Path("/proc/self/status")
MEGABYTE = 1e6

# Peak memory of a process of its own, less the recorded trajectory: the high-water mark never falls.
PEAK = """
import re, sys
import numpy as np
from scratch_nn import DenseLayer, Network
rng = np.random.default_rng(0)
net = Network(seed=0, dtype="float32")
for units in (6, 10, 8, 3):
    net.add(DenseLayer(units))
net.train(rng.normal(size=(150, 4)), rng.integers(0, 3, 150), int(sys.argv[1]))
peak = int(re.search(r"VmHWM:\\s+(\\d+) kB", open("/proc/self/status").read())[1]) * 1024
print(peak - net.loss.nbytes - net.accuracy.nbytes)
"""


class Point(NamedTuple):
    """One point of a curve: `axis` = `size` costs `cost` in `unit`."""

    axis: str
    size: int
    cost: float
    unit: str


def long_runs(effort: Effort, missing: list[str]) -> Iterator[Measure]:
    """An epoch of a long run against one of short runs that take as long together; and memory."""
    train = contestants.scratch(iris())
    few = max(1, effort.most_epochs // 100)
    long_run = Contestant(partial(train, effort.most_epochs), effort.most_epochs)
    short_runs = Contestant(lambda: [train(few) for _ in range(effort.most_epochs // few)], effort.most_epochs)
    rivals = {f"of runs of {few:,}": (short_runs, 1.1)}
    yield from compare(
        f"an epoch of a run of {effort.most_epochs:,}", "us per epoch", long_run, rivals, effort.fit_repeats
    )
    if STATUS.exists():
        grown = peak_memory(effort.most_epochs) - peak_memory(few)
        bar = 5.0
        yield Measure(
            f"memory after {effort.most_epochs:,} epochs less that after {few:,}, trajectory aside",
            "5 MB", "MB", grown / MEGABYTE, bar, grown / MEGABYTE / bar, grown / MEGABYTE / bar, 1.0,
        )  # fmt: skip


def peak_memory(epochs: int) -> int:
    """Bytes that a process which trains a small network holds at most, the trajectory aside. Linux only."""
    found = subprocess.run([sys.executable, "-c", PEAK, str(epochs)], capture_output=True, text=True, check=True)
    return int(found.stdout)


def curves(effort: Effort) -> Iterator[Point]:
    """Time along each axis, the other sizes fixed."""
    for epochs in (effort.epochs, 10 * effort.epochs, 100 * effort.epochs):
        repeats = max(2, effort.repeats * effort.epochs // epochs)
        yield Point("epochs", epochs, _cost(contestants.scratch(iris()), epochs, epochs, repeats), "us per epoch")
    for replicates in (1, 4, 16, 64, 256, 1024):
        train, epochs = contestants.scratch(iris(replicates=replicates)), max(effort.epochs // replicates, 20)
        cost = _cost(train, epochs, epochs * replicates, effort.repeats)
        yield Point("replicates", replicates, cost, "us per replicate and epoch")
    for hidden in (effort.hidden // 32, effort.hidden // 8, effort.hidden // 2, 2 * effort.hidden):
        task = random_digits(effort._replace(hidden=max(hidden, 1), samples=1024), batch=128)
        for name in ("scratch", "matrix_products"):
            cost = _cost(getattr(contestants, name)(task), 1, len(task.y) / task.batch, effort.repeats)
            yield Point(f"width, {name.replace('_', ' ')}", task.layers[0], cost, "us per step")
    for samples in (100, 1_000, 10_000, 100_000):
        task = iris()
        rows = np.arange(samples) % len(task.y)
        more = replace(task, X=task.X[rows], y=task.y[rows], batch=len(rows))
        epochs = max(1, effort.epochs // samples)
        yield Point(
            "samples", len(rows), _cost(contestants.scratch(more), epochs, epochs, effort.repeats), "us per epoch"
        )


def _cost(train: contestants.Train, epochs: int, work: float, repeats: int) -> float:
    """Microseconds a unit of work, the least of the repeats."""
    return interleaved({"": partial(train, epochs)}, repeats)[""].min() / work * 1e6
