"""The matched experiment: both sides start from the same weights and see the same batches, and must stay equal."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import product
from time import perf_counter
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from compare import parity, randomness
from compare.config import Experiment, Protocol
from compare.data import Dataset
from compare.sides import DRAWN_BY, Weights, initial_weights, reused_model, scratch_network
from scratch_nn import Network

if TYPE_CHECKING:
    from keras_ref import History

Array = NDArray[np.floating]
Training = tuple[Array, NDArray[np.int64], int, int | None]  # X, y, epochs, batch size

FLOOR_RUNS = 8  # runs that measure the noise floor
# A ReLU's pre-activation within rounding of zero may come out on one side of it in all of 8 runs, and on the other in
# Keras: 1 of 800 float32 runs on iris. So a pair is measured by this many before it is called different.
FINE_FLOOR_RUNS = 64


@dataclass(frozen=True)
class Matched:
    """What the matched experiment found, as tidy tables.

    Attributes
    ----------
    trajectories : DataFrame
        protocol, dtype, drawn_by, side, replicate (the pair), epoch, loss, accuracy.
    floor : DataFrame
        The noise floor: protocol, dtype, drawn_by, replicate, epoch, loss, accuracy.
    parity : DataFrame
        One row a comparison: what, protocol, dtype, drawn_by, replicate, layer, tensor, and a `parity.Verdict`.
    speed : list of dict
        protocol, dtype, side, microseconds: a step's, in the fastest run. A sign, not a benchmark.
    """

    trajectories: pd.DataFrame
    floor: pd.DataFrame
    parity: pd.DataFrame
    speed: list[dict[str, Any]] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Whether every comparison is within its tolerance."""
        return bool(self.parity["passed"].all())


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


def cases(experiment: Experiment) -> list[tuple[Protocol, str, str]]:
    """Return what is run `pairs` times: protocol, dtype, and who draws the initial weights."""
    return list(product(experiment.protocols, experiment.dtypes, DRAWN_BY))


def run_matched(experiment: Experiment, dataset: Dataset, advance: Callable[[], None] = lambda: None) -> Matched:
    """Train both sides from equal weights on equal batches, and compare them.

    Parameters
    ----------
    experiment : Experiment
    dataset : Dataset
    advance : callable
        Called after each pair.

    Returns
    -------
    Matched
    """
    from keras_ref import fit, fit_compiled

    units = experiment.units(dataset)
    trajectories, floors = [], []
    rows: list[dict[str, Any]] = []
    fastest: dict[tuple[str, str, str], float] = {}
    for (protocol, dtype, drawn_by), pair in product(cases(experiment), range(experiment.pairs)):
        case = {"protocol": protocol.name, "dtype": dtype, "drawn_by": drawn_by, "replicate": pair}
        start = initial_weights(experiment.seed + pair, drawn_by, dataset.n_features, units, dtype)
        orders = _orders(experiment.seed, protocol, pair, dataset.n)
        training = (dataset.X, dataset.y, protocol.epochs, protocol.batch_size)

        scratch = scratch_network(units, experiment.learning_rate, dtype)
        scratch.set_weights(start)
        model = reused_model(dataset.n_features, units, experiment.learning_rate, dtype)
        model.set_weights(start)
        begun = perf_counter()
        scratch.train(*training, orders)
        between = perf_counter()
        keras = (fit if experiment.keras_fit else fit_compiled)(model, *training, orders)
        steps = protocol.epochs * -(-dataset.n // (protocol.batch_size or dataset.n))
        for side, seconds in (("scratch", between - begun), ("keras", perf_counter() - between)):
            key = (protocol.name, dtype, side)
            fastest[key] = min(fastest.get(key, math.inf), seconds / steps * 1e6)

        sequence = randomness.stream(experiment.seed, "floor", protocol.name, drawn_by, str(pair))
        found, floor = judge_pair(scratch, start, training, orders, keras, model.get_weights(), sequence)
        if pair == 0 and drawn_by == "scratch":
            other = fit_compiled if experiment.keras_fit else fit
            weights = model.get_weights()
            model.set_weights(start)
            found += _same_keras(keras, other(model, *training, orders), weights, model.get_weights())
        rows += [{**case, **row} for row in found]
        for side, loss, accuracy in (("scratch", scratch.loss, scratch.accuracy), ("keras", *keras)):
            trajectories.append(trajectory(loss, accuracy, side=side, **case))
        floors.append(trajectory(floor.loss, floor.accuracy, **case))
        advance()
    names = ("protocol", "dtype", "side", "microseconds")
    speed = [dict(zip(names, (*key, round(of, 1)), strict=True)) for key, of in fastest.items()]
    series, floor_table = (pd.concat(each, ignore_index=True) for each in (trajectories, floors))
    return Matched(series, floor_table, pd.DataFrame(rows), speed)


class Floor(NamedTuple):
    """A run's noise floor: loss and accuracy of shape (epochs,), and one number for each tensor of the weights."""

    loss: Array
    accuracy: Array
    weights: list[float]


def measure_floor(
    scratch: Network,
    start: Weights,
    training: Training,
    orders: NDArray[np.intp],
    sequence: np.random.SeedSequence,
    runs: int = FLOOR_RUNS,
) -> Floor:
    """Train a stack of runs that differ from `scratch`'s by rounding alone; return the largest drifts.

    The samples inside each batch come in other orders, which rounds the gradients' sums differently; and each initial
    weight is the same float or a neighbour, since the forward pass of a sample does not depend on the others.

    Parameters
    ----------
    scratch : Network
        As trained.
    start : list of ndarray
        The weights it started from.
    orders : array of shape (epochs, n)
    """
    units = tuple(layer.units for layer in scratch.layers)
    stack = scratch_network(units, float(scratch.optimizer.learning_rate), str(scratch.dtype), replicates=runs)
    order_sequence, weight_sequence = sequence.spawn(2)
    stack.set_weights(randomness.one_ulp_apart(start, runs, weight_sequence))
    batch_size = training[3] or orders.shape[1]
    stack.train(*training, randomness.permuted_inside_batches(orders, batch_size, runs, order_sequence))
    pairs = zip(stack.get_weights(), scratch.get_weights(), strict=True)
    return Floor(
        parity.noise_floor(stack.loss, scratch.loss),
        parity.noise_floor(stack.accuracy, scratch.accuracy),
        [float(parity.noise_floor(*pair).max()) for pair in pairs],
    )


def judge_pair(
    scratch: Network,
    start: Weights,
    training: Training,
    orders: NDArray[np.intp],
    keras: History,
    keras_weights: Weights,
    sequence: np.random.SeedSequence,
) -> tuple[list[dict[str, Any]], Floor]:
    """Judge one pair, as trained, by the bar or its noise floor: one row a comparison, and the floor.

    Compared are loss and accuracy at every epoch, and every tensor of the weights at the end. A pair out of tolerance
    is judged again by a floor of more runs.
    """
    for runs in (FLOOR_RUNS, FINE_FLOOR_RUNS):
        floor = measure_floor(scratch, start, training, orders, sequence, runs)
        rows = _compare(scratch, keras, keras_weights, floor, len(training[1]))
        if all(row["passed"] for row in rows):
            break
    return rows, floor


def _compare(scratch: Network, keras: History, keras_weights: Weights, floor: Floor, n: int) -> list[dict[str, Any]]:
    dtype = str(scratch.dtype)
    bar = parity.BARS[dtype]
    of_loss = parity.loss_tolerance(floor.loss, dtype)
    of_accuracy = parity.accuracy_tolerance(floor.accuracy, floor.loss, dtype, n)
    rows = [
        _row("loss", parity.judge(scratch.loss, keras.loss, of_loss, bar)),
        _row("accuracy", parity.judge(scratch.accuracy, keras.accuracy, of_accuracy, 0.0)),
    ]
    for index, (ours, theirs) in enumerate(zip(scratch.get_weights(), keras_weights, strict=True)):
        allowed = parity.tolerance(floor.weights[index], dtype)
        verdict = parity.judge(ours, theirs, allowed, bar)._replace(step=len(scratch.loss))
        rows.append(_row("weights", verdict, layer=index // 2 + 1, tensor=("kernel", "bias")[index % 2]))
    return rows


def _same_keras(one: History, other: History, weights: Weights, other_weights: Weights) -> list[dict[str, Any]]:
    """Keras's plain fit and its compiled run must agree bit for bit: loss, accuracy and weights."""
    pairs = [("loss", one.loss, other.loss), ("accuracy", one.accuracy, other.accuracy)]
    pairs += [("weights", a.ravel(), b.ravel()) for a, b in zip(weights, other_weights, strict=True)]
    return [_row("fit = compiled", parity.judge(a, b, 0.0, 0.0), tensor=name) for name, a, b in pairs]


def _row(what: str, verdict: parity.Verdict, layer: int | None = None, tensor: str = "") -> dict[str, Any]:
    return {"what": what, "layer": layer, "tensor": tensor, **verdict._asdict()}


def _orders(seed: int, protocol: Protocol, pair: int, n: int) -> NDArray[np.intp]:
    if protocol.batch_size is None:
        return randomness.in_order(protocol.epochs, n)
    return randomness.batch_orders(randomness.stream(seed, "matched", protocol.name, str(pair)), protocol.epochs, n)
