"""A matched pair: both sides trained from equal weights on equal batches."""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from compare.data.dataset import Dataset
from compare.recipe.architecture import Architecture
from compare.recipe.protocol import Protocol
from compare.sides.models import reused_model
from compare.sides.quiet_keras import load_keras
from compare.sides.sides import Weights, scratch_network
from scratch_nn import Network

if TYPE_CHECKING:
    from keras_ref import History

Array = NDArray[np.floating]


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
