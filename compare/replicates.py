"""One way to train, and its replicates: what the unseeded experiment and the sweep run many times."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from compare import randomness
from compare.config import Experiment, Protocol
from compare.data import Dataset
from compare.reference import load_keras
from compare.sides import reused_model, scratch_network

Array = NDArray[np.floating]
MEASURES = ("loss", "accuracy")
UNROLL = 500  # replicates a side from which a graph pays that takes longer to trace


@dataclass(frozen=True)
class Procedure:
    """A way to train: who, from which initial weights, over which batches.

    Attributes
    ----------
    side : {"scratch", "keras"}
    initializer : str
    protocol : Protocol
    """

    side: str
    initializer: str
    protocol: Protocol

    def __str__(self) -> str:
        return f"{self.side}, {self.initializer}, {self.protocol}"


def unseeded_dtype(experiment: Experiment) -> str:
    """What Keras users run, unless the experiment is about float64 alone."""
    return experiment.dtypes[0]


def procedure_stream(seed: int, procedure: Procedure) -> np.random.SeedSequence:
    """Return where a procedure's replicates draw from; each side has its own."""
    return randomness.stream(seed, "unseeded", procedure.side, procedure.initializer, procedure.protocol.name)


def replicate_table(
    experiment: Experiment, dataset: Dataset, procedure: Procedure, seeds: list[np.random.SeedSequence]
) -> pd.DataFrame:
    """Train one replicate for each seed, as a table: replicate, epoch, loss and accuracy in the run's own dtype."""
    load_keras()  # by a worker's first shard, whatever it is: joblib restarts workers that grow much after that
    measured = run_replicates(experiment, dataset, procedure, seeds)
    replicate, epoch = np.indices(measured[0].shape).reshape(2, -1)
    columns = {name: values.ravel() for name, values in zip(MEASURES, measured, strict=True)}
    return pd.DataFrame({"replicate": replicate, "epoch": epoch, **columns})


def run_replicates(
    experiment: Experiment, dataset: Dataset, procedure: Procedure, seeds: list[np.random.SeedSequence]
) -> tuple[Array, Array]:
    """Train one replicate for each seed; a replicate's numbers depend on its seed alone.

    Returns
    -------
    loss, accuracy : ndarray of shape (replicates, epochs)
    """
    units, dtype, protocol = experiment.units(dataset), unseeded_dtype(experiment), procedure.protocol
    if procedure.side == "scratch":
        stack = scratch_network(
            units,
            experiment.learning_rate,
            dtype,
            seed=seeds,
            initializer=procedure.initializer,
            replicates=len(seeds),
        )
        stack.train(dataset.X, dataset.y, protocol.epochs, protocol.batch_size)
        return stack.loss, stack.accuracy
    return _keras_replicates(experiment, dataset, procedure, seeds)


def _keras_replicates(
    experiment: Experiment, dataset: Dataset, procedure: Procedure, seeds: list[np.random.SeedSequence]
) -> tuple[Array, Array]:
    units, dtype, protocol = experiment.units(dataset), unseeded_dtype(experiment), procedure.protocol
    model = reused_model(dataset.n_features, units, experiment.learning_rate, dtype)
    from keras_ref import draw_weights, fit, fit_replicates

    training = (protocol.epochs, protocol.batch_size)
    weight_seeds, order_seeds = zip(*(seed.spawn(2) for seed in seeds), strict=True)
    integers = [randomness.integer_seeds(each, 1)[0] for each in weight_seeds]
    weights = draw_weights(dataset.n_features, units, integers, procedure.initializer, dtype)
    if protocol.batch_size is None:
        orders = [randomness.in_order(protocol.epochs, dataset.n)] * len(seeds)
    else:
        orders = [randomness.batch_orders(each, protocol.epochs, dataset.n) for each in order_seeds]
    if not experiment.keras_fit:
        unroll = experiment.replicates >= UNROLL
        return fit_replicates(model, dataset.X, dataset.y, weights, *training, orders, unroll)
    histories = []
    for start, order in zip(zip(*weights, strict=True), orders, strict=True):
        model.set_weights(list(start))
        histories.append(fit(model, dataset.X, dataset.y, *training, order))
    loss, accuracy = (np.stack(series) for series in zip(*histories, strict=True))
    return loss, accuracy
