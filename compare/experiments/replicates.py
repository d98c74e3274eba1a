"""One way to train, and its replicates: what the unseeded experiment and the sweep run many times."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from compare.data.dataset import Dataset
from compare.recipe.architecture import Architecture
from compare.recipe.protocol import MEASURES, Protocol
from compare.recipe.streams import integer_seeds, stream
from compare.sides.models import reused_model
from compare.sides.quiet_keras import load_keras
from compare.sides.sides import keras_weights, scratch_network

Array = NDArray[np.floating]


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


def procedure_stream(seed: int, procedure: Procedure) -> np.random.SeedSequence:
    """Return where a procedure's replicates draw from; each side has its own."""
    return stream(seed, "unseeded", procedure.side, procedure.initializer, procedure.protocol.name)


def replicate_table(
    architecture: Architecture,
    dataset: Dataset,
    procedure: Procedure,
    plain_fit: bool,
    seeds: list[np.random.SeedSequence],
) -> pd.DataFrame:
    """Train one replicate for each seed, as a table: replicate, epoch, loss and accuracy in the run's own dtype."""
    measured = run_replicates(architecture, dataset, procedure, plain_fit, seeds)
    replicate, epoch = np.indices(measured[0].shape).reshape(2, -1)
    columns = {name: values.ravel() for name, values in zip(MEASURES, measured, strict=True)}
    return pd.DataFrame({"replicate": replicate, "epoch": epoch, **columns})


def run_replicates(
    architecture: Architecture,
    dataset: Dataset,
    procedure: Procedure,
    plain_fit: bool,
    seeds: list[np.random.SeedSequence],
) -> tuple[Array, Array]:
    """Train one replicate for each seed; a replicate's numbers depend on its seed alone, and not on `plain_fit`.

    Returns
    -------
    loss, accuracy : ndarray of shape (replicates, epochs)
    """
    protocol = procedure.protocol
    if procedure.side == "scratch":
        stack = scratch_network(architecture, seed=seeds, initializer=procedure.initializer, replicates=len(seeds))
        stack.train(dataset.X, dataset.y, protocol.epochs, protocol.batch_size)
        loss, accuracy = stack.loss, stack.accuracy
    else:
        loss, accuracy = _keras_replicates(architecture, dataset, procedure, plain_fit, seeds)
    return loss, dataset.recorded(accuracy)


def _keras_replicates(
    architecture: Architecture,
    dataset: Dataset,
    procedure: Procedure,
    plain_fit: bool,
    seeds: list[np.random.SeedSequence],
) -> tuple[Array, Array]:
    protocol = procedure.protocol
    model, reference = reused_model(architecture), load_keras()
    training = (protocol.epochs, protocol.batch_size)
    weight_seeds, order_seeds = zip(*(seed.spawn(2) for seed in seeds), strict=True)
    integers = [integer_seeds(each, 1)[0] for each in weight_seeds]
    weights = keras_weights(architecture, integers, procedure.initializer)
    orders = [protocol.orders(each, dataset.n) for each in order_seeds]
    if not plain_fit:
        return reference.fit_replicates(model, dataset.X, dataset.y, weights, *training, orders)
    histories = []
    for start, order in zip(zip(*weights, strict=True), orders, strict=True):
        model.set_weights(list(start))
        reference.begin_anew(model)
        histories.append(reference.fit(model, dataset.X, dataset.y, *training, order))
    loss, accuracy = (np.stack(series) for series in zip(*histories, strict=True))
    return loss, accuracy
