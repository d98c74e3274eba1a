"""One matched pair: both sides trained from equal weights on equal batches, its noise floor, and its judgement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from time import perf_counter
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from compare.agreement import parity, tolerance
from compare.agreement.tolerance import Tolerance
from compare.data.dataset import Dataset
from compare.recipe.architecture import Architecture
from compare.recipe.orders import permuted_inside_batches
from compare.recipe.protocol import Protocol
from compare.recipe.streams import one_ulp_apart
from compare.sides.models import reused_model
from compare.sides.quiet_keras import load_keras
from compare.sides.sides import Weights, scratch_network
from scratch_nn import Network

if TYPE_CHECKING:
    from keras_ref import History

Array = NDArray[np.floating]

FLOOR_RUNS = 8  # runs that measure the noise floor
TOGETHER = 4_000_000  # numbers, of weights and orders, in a stack of such runs: a small network's step is overhead
# A ReLU's pre-activation within rounding of zero may come out on one side of it in all of 8 runs, and on the other in
# Keras: 1 of 800 float32 runs on iris. So a pair is measured by this many before it is called different.
FINE_FLOOR_RUNS = 64
# What must be decided of a run, at least, for its agreement to count: more than what nobody can see. Not all of it: now
# and then a float32 run ends where rounding alone moves it too far, after a hundred epochs beside Keras to the last
# digits, in which a learning rate that is 0.1 % off would have shown, and a fault of training code is there from the
# start. And not less, since then what is said of a run would rest on its first steps alone.
LEAST_DECIDED = 0.5


@dataclass(frozen=True)
class Course:
    """What both sides of a pair go through.

    Attributes
    ----------
    architecture : Architecture
    dataset : Dataset
    protocol : Protocol
    orders : array of integers of shape (epochs, n)
        The order in which each epoch visits the samples.
    start : list of ndarray
        The initial weights.
    """

    architecture: Architecture
    dataset: Dataset
    protocol: Protocol
    orders: NDArray[np.intp]
    start: Weights

    @property
    def training(self) -> tuple[Array, NDArray[np.int64], int, int | None]:
        """What every side's training takes before the orders: X, y, epochs, batch size."""
        return self.dataset.X, self.dataset.y, self.protocol.epochs, self.protocol.batch_size


@dataclass(frozen=True)
class Pair:
    """Both sides as trained; `seconds` is what each side's training took."""

    course: Course
    scratch: Network
    keras: History
    keras_weights: Weights
    seconds: dict[str, float]

    @property
    def trajectories(self) -> dict[str, tuple[Array, Array]]:
        """Each side's loss and accuracy, as they are recorded."""
        recorded = self.course.dataset.recorded
        return {
            side: (made.loss, recorded(made.accuracy))
            for side, made in (("scratch", self.scratch), ("keras", self.keras))
        }


def train_pair(course: Course, plain_fit: bool = False) -> Pair:
    """Train both sides; Keras from one compiled graph, or by its plain `fit`, which gives the same numbers."""
    begun = perf_counter()
    scratch = train_scratch(course)
    seconds = {"scratch": perf_counter() - begun}
    begun = perf_counter()
    keras, weights = train_keras(course, plain_fit)
    return Pair(course, scratch, keras, weights, {**seconds, "keras": perf_counter() - begun})


def train_scratch(course: Course) -> Network:
    """Train the scratch side alone."""
    network = scratch_network(course.architecture)
    network.set_weights(course.start)
    network.train(*course.training, course.orders)
    return network


def train_keras(course: Course, plain_fit: bool) -> tuple[History, Weights]:
    """Train Keras's side alone; return its trajectory and its final weights."""
    reference = load_keras()
    model = reused_model(course.architecture)
    model.set_weights(course.start)
    history = (reference.fit if plain_fit else reference.fit_compiled)(model, *course.training, course.orders)
    return history, model.get_weights()


def trajectory(loss: Array, accuracy: Array, **labels: object) -> pd.DataFrame:
    """Make a tidy table of one trajectory, (epochs,), or of several, (replicates, epochs)."""
    loss, accuracy = np.atleast_2d(loss), np.atleast_2d(accuracy)
    replicates, epochs = loss.shape
    columns: dict[str, Any] = {
        "replicate": np.repeat(np.arange(replicates), epochs),
        "epoch": np.tile(np.arange(epochs), replicates),
        "loss": loss.astype(np.float64).ravel(),
        "accuracy": accuracy.astype(np.float64).ravel(),
    }
    return pd.DataFrame({**columns, **labels})


class Floor(NamedTuple):
    """A run's noise floor: loss and accuracy of shape (epochs,), and one number for each tensor of the weights."""

    loss: Array
    accuracy: Array
    weights: list[float]


def measure_floors(
    pairs: Sequence[Pair], sequences: Sequence[np.random.SeedSequence], runs: int = FLOOR_RUNS
) -> list[Floor]:
    """Train runs that differ from each pair's scratch side by rounding alone; return each pair's largest drifts.

    The samples inside each batch come in other orders, which rounds the gradients' sums differently; and each initial
    weight is the same float or a neighbour, since the forward pass of a sample does not depend on the others. The pairs
    differ in their beginnings and orders alone: all runs are one stack, in which each has the numbers it has by itself.
    """
    course = pairs[0].course
    starts, orders = [], []
    for pair, sequence in zip(pairs, sequences, strict=True):
        order_sequence, weight_sequence = sequence.spawn(2)
        starts.append(one_ulp_apart(pair.course.start, runs, weight_sequence))
        batch_size = course.protocol.batch_size or course.dataset.n
        orders.append(permuted_inside_batches(pair.course.orders, batch_size, runs, order_sequence))
    stack = scratch_network(course.architecture, replicates=runs * len(pairs))
    stack.set_weights([np.concatenate(tensors) for tensors in zip(*starts, strict=True)])
    stack.train(*course.training, np.concatenate(orders))
    floors = []
    for number, pair in enumerate(pairs):
        own = slice(number * runs, (number + 1) * runs)
        tensors = zip(stack.get_weights(), pair.scratch.get_weights(), strict=True)
        floors.append(
            Floor(
                tolerance.sampled(stack.loss[own], pair.scratch.loss),
                tolerance.sampled(stack.accuracy[own], pair.scratch.accuracy),
                [float(tolerance.sampled(many[own], one).max()) for many, one in tensors],
            )
        )
    return floors


def _together(pairs: Sequence[Pair]) -> list[list[int]]:
    """The places of pairs that are measured in one stack: alike, and not too many."""
    alike: dict[tuple[Architecture, Protocol, int], list[int]] = {}
    for place, pair in enumerate(pairs):
        alike.setdefault((pair.course.architecture, pair.course.protocol, id(pair.course.dataset)), []).append(place)
    found = []
    for places in alike.values():
        course = pairs[places[0]].course
        numbers = course.orders.size + sum(tensor.size for tensor in course.start)
        most = max(1, TOGETHER // (FLOOR_RUNS * numbers))
        found += [places[first : first + most] for first in range(0, len(places), most)]
    return found


class Judgement(NamedTuple):
    """What is said of one pair.

    Attributes
    ----------
    verdict : {"parity", "parity in part", "no parity", "undecidable"}
    rows : list of dict
        One a comparison.
    floor : Floor
    decided : int
        How many epochs could be decided, from the first on: those after it rounding alone moves too far to tell.
    """

    verdict: str
    rows: list[dict[str, Any]]
    floor: Floor
    decided: int


def judge_pairs(pairs: Sequence[Pair], sequences: Sequence[np.random.SeedSequence]) -> list[Judgement]:
    """Judge each pair by what rounding alone does to it.

    Compared are loss and accuracy at every epoch that can be decided, and every tensor of the weights at the end. A
    pair out of tolerance is judged again by a floor of more runs. One within it is in parity; but where it amplifies
    rounding, only if a fault would have been found: the same run at a learning rate that is off. Otherwise it is
    undecidable.

    A pair of which not every epoch could be decided is never plainly in parity: it is so *in part* where at least
    `LEAST_DECIDED` of them could be, and undecidable where fewer.
    """
    judged: dict[int, Judgement] = {}
    for places in _together(pairs):
        floors = measure_floors([pairs[place] for place in places], [sequences[place] for place in places])
        for place, floor in zip(places, floors, strict=True):
            judged[place] = _judged(pairs[place], floor)
            if judged[place].verdict == "no parity":
                (finer,) = measure_floors([pairs[place]], [sequences[place]], FINE_FLOOR_RUNS)
                judged[place] = _judged(pairs[place], finer)
    return [judged[place] for place in range(len(pairs))]


def _judged(pair: Pair, floor: Floor) -> Judgement:
    allowed = _allowed(pair, floor)
    rows, decided = _compare(pair, allowed, floor)
    passed = all(row["passed"] for row in rows)
    return Judgement(_agreement(pair, allowed, floor, decided) if passed else "no parity", rows, floor, decided)


def _agreement(pair: Pair, allowed: Tolerance, floor: Floor, decided: int) -> str:
    """What it says that a pair is within tolerance."""
    epochs = len(allowed.loss)
    quiet = decided == epochs and not allowed.amplified
    if decided < LEAST_DECIDED * epochs or not (quiet or _shows(pair, allowed, floor)):
        return "undecidable"
    return "parity" if decided == epochs else "parity in part"


def _allowed(pair: Pair, floor: Floor) -> Tolerance:
    """Tolerances go with the size of what the scratch side made."""
    architecture, scratch = pair.course.architecture, pair.scratch
    layers = [weight.layer for weight in architecture.weights]
    drift = floor.loss, floor.weights
    return tolerance.of_run(drift, scratch.loss, scratch.get_weights(), layers, architecture.dtype)


def _shows(pair: Pair, allowed: Tolerance, floor: Floor) -> bool:
    """Whether the pair would be out of tolerance with its scratch side trained at a learning rate that is off."""
    course = pair.course
    off = course.architecture.at(course.architecture.learning_rate * (1 + tolerance.PROBE))
    rows, _ = _compare(replace(pair, scratch=train_scratch(replace(course, architecture=off))), allowed, floor)
    return not all(row["passed"] for row in rows)


def _compare(pair: Pair, allowed: Tolerance, floor: Floor) -> tuple[list[dict[str, Any]], int]:
    """Return a row for each comparison that can be decided, and how many epochs are decided.

    What the last epoch did shows in the weights alone: it is decided if all of them are.
    """
    scratch, n, epochs = pair.scratch, pair.course.dataset.n, len(allowed.loss)
    upto = allowed.upto(parity.gap(scratch.loss, pair.keras.loss))
    rows = []
    if upto:
        losses = (each[:upto] for each in (scratch.loss, pair.keras.loss, allowed.loss, allowed.least_loss))
        rows.append(row("loss", parity.judge(*losses)))
    if upto and pair.course.dataset.targets == "classes":
        ours, theirs = (parity.samples(side.accuracy, n)[:upto] for side in (scratch, pair.keras))
        most = tolerance.of_flips(parity.samples(floor.accuracy, n), allowed.loss, allowed.least_loss)
        flips = parity.judge(ours, theirs, most[:upto], 0.0)
        shares = {name: getattr(flips, name) / n for name in ("largest", "nearest", "tolerance")}
        rows.append(row("accuracy", flips._replace(**shares)))
    if upto < epochs:
        return rows, upto
    both = list(zip(scratch.get_weights(), pair.keras_weights, strict=True))
    told = allowed.told([parity.gap(*two).max() for two in both])
    tensors = zip(pair.course.architecture.weights, both, allowed.weights, allowed.least_weights, told, strict=True)
    for weight, two, most, bar, tells in tensors:
        if tells:
            difference = parity.judge(*two, most, bar)._replace(step=epochs)
            rows.append(row("weights", difference, layer=weight.layer + 1, tensor=weight.role))
    return rows, epochs if told.all() else epochs - 1


def row(what: str, difference: parity.Difference, layer: int | None = None, tensor: str = "") -> dict[str, Any]:
    """Return a comparison as a row of a table."""
    return {"what": what, "layer": layer, "tensor": tensor, **difference._asdict()}
