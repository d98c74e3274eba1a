"""What a job will take, in memory and time, reckoned before anything is made: what cannot end is not begun.

The figures are those of `docs/scaling.md`, measured on two cores, and right to a factor of three or so; what is refused
is off by far more.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from compare.experiments.experiment import Experiment
from compare.experiments.floors import FLOOR_RUNS
from compare.experiments.grid import Sweep
from compare.experiments.populations import SHARD
from compare.experiments.unseeded import procedures
from compare.work.place import Place

if TYPE_CHECKING:
    from compare.data.dataset import Dataset
    from compare.recipe.architecture import Architecture
    from compare.recipe.protocol import Protocol

KERAS_UPDATE, SCRATCH_UPDATE = 6e-5, 1e-5  # seconds that an update of a small network takes
FLOPS = 2e9  # multiplications and additions a second, where it is large
PROCESS = 0.5e9  # bytes that a process takes which has imported TensorFlow
ROW = 125  # bytes of one epoch of one run, until all is told


@dataclass(frozen=True)
class Cost:
    """Seconds of one core, which workers share, and bytes: `kept` until the end, `working` for a worker at a time."""

    seconds: float = 0.0
    kept: float = 0.0
    working: float = 0.0

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.seconds + other.seconds, self.kept + other.kept, max(self.working, other.working))

    def times(self, number: int) -> Cost:
        """Return the cost of so many, one after the other."""
        return Cost(self.seconds * number, self.kept * number, self.working)

    def at(self, place: Place) -> tuple[float, float]:
        """Return the seconds and the bytes that it takes there; on a cluster, this machine only keeps what comes."""
        if place.scheduler is not None:
            return 0.0, self.kept
        processes = place.workers + place.companion
        return self.seconds / processes, self.kept + processes * (PROCESS + self.working)


def _training(architecture: Architecture, dataset: Dataset, protocol: Protocol, update: float, stack: int) -> Cost:
    """One run of a stack of so many; what a stack needs at a time are its orders, weights, gradients and outputs."""
    weights = sum(math.prod(weight.shape) for weight in architecture.weights)
    outputs = sum(math.prod(shape) for shape in architecture.shapes)
    updates = protocol.epochs * protocol.steps(dataset.n)
    seconds = updates * update + 6 * weights * dataset.n * protocol.epochs / FLOPS
    batch = min(protocol.batch_size or dataset.n, dataset.n)
    numbers = protocol.epochs * dataset.n + 4 * weights + 3 * batch * outputs
    return Cost(seconds, ROW * protocol.epochs, 8 * stack * numbers)


def _pair(architecture: Architecture, dataset: Dataset, protocol: Protocol) -> Cost:
    """A matched pair, with its noise floor."""
    scratch = _training(architecture, dataset, protocol, SCRATCH_UPDATE, FLOOR_RUNS).times(FLOOR_RUNS + 2)
    return scratch + _training(architecture, dataset, protocol, KERAS_UPDATE, 1)


def of_run(experiment: Experiment, dataset: Dataset) -> Cost:
    """What the main job takes."""
    architecture, cost = experiment.architecture(dataset), Cost()
    if "matched" in experiment.parts:
        for protocol in experiment.protocols:
            cost += _pair(architecture, dataset, protocol).times(2 * len(experiment.dtypes) * experiment.pairs)
    if "unseeded" in experiment.parts:
        for each in procedures(experiment):
            update = SCRATCH_UPDATE if each.side == "scratch" else KERAS_UPDATE
            one = _training(architecture, dataset, each.protocol, update, min(SHARD, experiment.replicates))
            cost += one.times(experiment.replicates)
    return cost


def runs(sweep: Sweep) -> int:
    """Return how many runs a sweep has: one a matched cell, and the replicates of both sides of an unseeded one."""
    return sum(1 if cell.mode == "matched" else 2 * sweep.replicates for cell in sweep.cells())


def of_sweep(sweep: Sweep, datasets: dict[str, Dataset]) -> Cost:
    """What a sweep takes."""
    cost = Cost()
    for cell in sweep.cells():
        data, protocol = datasets[cell.data], cell.protocol(sweep.epochs)
        architecture = cell.architecture(data, sweep)
        if cell.mode == "matched":
            cost += _pair(architecture, data, protocol)
        else:
            for update in (SCRATCH_UPDATE, KERAS_UPDATE):
                one = _training(architecture, data, protocol, update, min(SHARD, sweep.replicates))
                cost += one.times(sweep.replicates)
    return cost
