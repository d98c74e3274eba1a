"""One matched pair: both sides trained from equal weights on equal batches, its noise floor, and its judgement."""

from __future__ import annotations

from dataclasses import dataclass, replace
from time import perf_counter
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from compare.agreement import parity
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
# A ReLU's pre-activation within rounding of zero may come out on one side of it in all of 8 runs, and on the other in
# Keras: 1 of 800 float32 runs on iris. So a pair is measured by this many before it is called different.
FINE_FLOOR_RUNS = 64
PROBE = 1e-3  # how far off the learning rate is of the fault that a pair in parity would have shown


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
        """Each side's loss and accuracy."""
        return {"scratch": (self.scratch.loss, self.scratch.accuracy), "keras": self.keras}


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


def measure_floor(course: Course, scratch: Network, sequence: np.random.SeedSequence, runs: int = FLOOR_RUNS) -> Floor:
    """Train a stack of runs that differ from the scratch side by rounding alone; return the largest drifts.

    The samples inside each batch come in other orders, which rounds the gradients' sums differently; and each initial
    weight is the same float or a neighbour, since the forward pass of a sample does not depend on the others.
    """
    stack = scratch_network(course.architecture, replicates=runs)
    order_sequence, weight_sequence = sequence.spawn(2)
    stack.set_weights(one_ulp_apart(course.start, runs, weight_sequence))
    batch_size = course.protocol.batch_size or course.orders.shape[1]
    stack.train(*course.training, permuted_inside_batches(course.orders, batch_size, runs, order_sequence))
    tensors = zip(stack.get_weights(), scratch.get_weights(), strict=True)
    return Floor(
        parity.noise_floor(stack.loss, scratch.loss),
        parity.noise_floor(stack.accuracy, scratch.accuracy),
        [float(parity.noise_floor(*two).max()) for two in tensors],
    )


class Judgement(NamedTuple):
    """What is said of one pair.

    Attributes
    ----------
    verdict : {"parity", "no parity", "undecidable"}
    rows : list of dict
        One a comparison.
    floor : Floor
    decided : int
        How many epochs could be judged, from the first on: those after it rounding alone moves too far to tell.
    """

    verdict: str
    rows: list[dict[str, Any]]
    floor: Floor
    decided: int


def judge_pair(pair: Pair, sequence: np.random.SeedSequence) -> Judgement:
    """Judge one pair by the bar or its noise floor.

    Compared are loss and accuracy at every epoch that can be decided, and every tensor of the weights at the end. A
    pair out of tolerance is judged again by a floor of more runs. One within it is in parity; but where it amplifies
    rounding, only if a fault would have been found: the same run at a learning rate that is off by `PROBE`. Otherwise
    it is undecidable.
    """
    for runs in (FLOOR_RUNS, FINE_FLOOR_RUNS):
        floor = measure_floor(pair.course, pair.scratch, sequence, runs)
        allowed = _allowed(pair, floor)
        rows = _compare(pair, allowed)
        if all(row["passed"] for row in rows):
            told = not allowed.amplified or _shows(pair, allowed)
            return Judgement("parity" if told else "undecidable", rows, floor, allowed.decided)
    return Judgement("no parity", rows, floor, allowed.decided)


class Allowed(NamedTuple):
    """What is tolerated of a run: for its loss and accuracy, (epochs,), and for each tensor.

    The bars are what is tolerated without a floor. `decided` epochs tell anything, and the tensors that are `tight`.
    Accuracy is in samples.
    """

    loss: Array
    accuracy: Array
    weights: Array
    loss_bar: Array
    weight_bars: Array
    decided: int
    tight: NDArray[np.bool_]

    @property
    def amplified(self) -> bool:
        """Whether any tolerance is more than its bar, or epochs are left out."""
        beyond = (self.loss > self.loss_bar).any() or (self.weights > self.weight_bars).any()
        return bool(self.decided < len(self.loss) or beyond)


def _allowed(pair: Pair, floor: Floor) -> Allowed:
    """Tolerances go with the size of what the scratch side made."""
    dtype, loss, n = pair.course.architecture.dtype, pair.scratch.loss, pair.course.dataset.n
    of_loss = parity.loss_tolerance(floor.loss, loss, dtype)
    sizes = [np.abs(weights).max() for weights in pair.scratch.get_weights()]
    of_weights = parity.tolerance(floor.weights, sizes, dtype)
    return Allowed(
        of_loss,
        parity.accuracy_tolerance(floor.accuracy, of_loss, loss, dtype, n),
        of_weights,
        parity.loss_bar(loss, dtype),
        parity.bar(sizes, dtype),
        parity.decided(of_loss, loss),
        parity.tight(of_weights, sizes),
    )


def _shows(pair: Pair, allowed: Allowed) -> bool:
    """Whether the pair would be out of tolerance with its scratch side trained at a learning rate that is off."""
    course = pair.course
    off = course.architecture.at(course.architecture.learning_rate * (1 + PROBE))
    rows = _compare(replace(pair, scratch=train_scratch(replace(course, architecture=off))), allowed)
    return not all(row["passed"] for row in rows)


def _compare(pair: Pair, allowed: Allowed) -> list[dict[str, Any]]:
    """Return a row for each comparison that can be decided."""
    scratch, n, upto = pair.scratch, pair.course.dataset.n, allowed.decided
    rows = []
    if upto:
        losses = (each[:upto] for each in (scratch.loss, pair.keras.loss, allowed.loss, allowed.loss_bar))
        rows.append(row("loss", parity.judge(*losses)))
        ours, theirs = (parity.samples(side.accuracy, n)[:upto] for side in (scratch, pair.keras))
        flips = parity.judge(ours, theirs, allowed.accuracy[:upto], 0.0)
        rows.append(row("accuracy", flips._replace(max_abs=flips.max_abs / n, tolerance=flips.tolerance / n)))
    if upto < len(allowed.loss):
        return rows
    tensors = zip(
        pair.course.architecture.weights,
        scratch.get_weights(),
        pair.keras_weights,
        allowed.weights,
        allowed.weight_bars,
        allowed.tight,
        strict=True,
    )
    for weight, ours, theirs, most, bar, tight in tensors:
        if tight:
            difference = parity.judge(ours, theirs, most, bar)._replace(step=len(scratch.loss))
            rows.append(row("weights", difference, layer=weight.layer + 1, tensor=weight.role))
    return rows


def row(what: str, difference: parity.Difference, layer: int | None = None, tensor: str = "") -> dict[str, Any]:
    """Return a comparison as a row of a table."""
    return {"what": what, "layer": layer, "tensor": tensor, **difference._asdict()}
