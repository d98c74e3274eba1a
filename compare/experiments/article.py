"""The article, reproduced: its printed rows, its bug, the same run without the bug, and Keras from the same weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from compare.agreement import parity, tolerance
from compare.data.dataset import Dataset
from compare.experiments.pair import trajectory
from compare.experiments.part import Advance, Found, Status
from compare.faults.planted import StaleActivations
from compare.sides.quiet_keras import load_keras
from compare.sides.sides import Weights
from compare.work.companion import Companion
from scratch_nn import DenseLayer, Network

UNITS = (6, 8, 10, 3)  # what its printed numbers come from; its Keras listing has 6-10-8-3
UNITS_LEFT_OUT = (6, 8, 3)  # its depth experiment: without the 10-unit layer
SEED = 99
EPOCHS = 200
LEARNING_RATE = 0.01

# The article's rows: every 20th epoch's loss and accuracy (the latter as samples right out of 150).
PUBLISHED = pd.DataFrame(
    {
        "epoch": range(0, 200, 20),
        "loss": [
            8.40744716505373,
            0.9217739285797661,
            0.7513140371257646,
            0.6686109548451099,
            0.6527102403575207,
            0.5264810434939678,
            0.4708499275871513,
            0.5035542867669844,
            1.0115020349485782,
            0.49134888468425214,
        ],
        "accuracy": np.array([50, 60, 65, 63, 62, 100, 100, 100, 71, 123]) / 150,
    }
)
REPRODUCED_WITHIN = 1e-12  # the loss; accuracies must be equal. Measured here: 3.2e-14.


@dataclass(frozen=True)
class Article:
    """What the article's recipe gives here.

    Attributes
    ----------
    trajectories : DataFrame
        network, side, replicate, epoch, loss, accuracy; networks: "article", "without the bug", "keras", and the first
        two again with the layer left out, "... 6-8-3".
    table : DataFrame
        The published epochs: epoch, and loss and accuracy as published and of each network of the full depth.
    parity : DataFrame
        One row a comparison, as in `Matched`; `expected` tells whether it must pass: the article's network must not.
    first_wrong_step : int or None
        The first step (from 0) whose updated weights differ from Keras's.
    """

    trajectories: pd.DataFrame
    table: pd.DataFrame
    parity: pd.DataFrame
    first_wrong_step: int | None

    @property
    def passed(self) -> bool:
        """Whether each comparison came out as it must."""
        return bool((self.parity["passed"] == self.parity["expected"]).all())


def run_article(dataset: Dataset) -> Article:
    """Train the article's network on iris with and without its bug, and Keras from the same weights.

    Parameters
    ----------
    dataset : Dataset
        Iris, not standardised.

    Returns
    -------
    Article
    """
    reference = load_keras()
    X, y = dataset.X, dataset.y
    networks = {
        (name, units): _trained(kind, units, dataset)
        for name, kind in (("article", StaleActivations), ("without the bug", Network))
        for units in (UNITS, UNITS_LEFT_OUT)
    }
    model = reference.build_model(dataset.n_features, UNITS, LEARNING_RATE, "float64")
    start = _network(Network, UNITS, dataset).get_weights()
    model.set_weights(start)
    keras = reference.fit_compiled(model, X, y, EPOCHS, None)
    model.set_weights(start)
    keras_steps = []  # weights after each of the first steps: a full-batch epoch is one
    for _ in range(3):
        reference.fit_compiled(model, X, y, 1, None)
        keras_steps.append(model.get_weights())

    trajectories = [
        trajectory(net.loss, net.accuracy, network=name if units == UNITS else f"{name} 6-8-3", side="scratch")
        for (name, units), net in networks.items()
    ]
    trajectories.append(trajectory(*keras, network="keras", side="keras"))
    article, corrected = networks["article", UNITS], networks["without the bug", UNITS]
    table = PUBLISHED.rename(columns={"loss": "published_loss", "accuracy": "published_accuracy"})
    for name, run in (("article", article), ("without_the_bug", corrected), ("keras", keras)):
        table[f"{name}_loss"] = np.asarray(run.loss)[table["epoch"]]
        table[f"{name}_accuracy"] = np.asarray(run.accuracy)[table["epoch"]]

    least = tolerance.least_of_loss(corrected.loss, "float64")
    wrong = _first_wrong_step(dataset, keras_steps)
    rows = [
        _row("published loss", table["article_loss"], PUBLISHED["loss"], REPRODUCED_WITHIN, expected=True),
        _row("published accuracy", table["article_accuracy"], PUBLISHED["accuracy"], 0.0, expected=True),
        _row("without the bug, loss against Keras", corrected.loss, keras.loss, least, expected=True),
        _row("without the bug, accuracy against Keras", corrected.accuracy, keras.accuracy, 0.0, expected=True),
        _row("the article's network, loss against Keras", article.loss, keras.loss, least, expected=False),
    ]
    return Article(pd.concat(trajectories, ignore_index=True), table, pd.DataFrame(rows), wrong)


def _network(kind: type[Network], units: tuple[int, ...], dataset: Dataset) -> Network:
    network = kind(learning_rate=LEARNING_RATE, seed=SEED, initializer="uniform", dtype="float64")
    for count in units:
        network.add(DenseLayer(count))
    network.build(dataset.n_features)
    return network


def _trained(kind: type[Network], units: tuple[int, ...], dataset: Dataset) -> Network:
    network = _network(kind, units, dataset)
    network.train(dataset.X, dataset.y, EPOCHS)
    return network


def _first_wrong_step(dataset: Dataset, keras_steps: list[Weights]) -> int | None:
    """Step the article's network from the same weights; return the first step after which a tensor differs."""
    network = _network(StaleActivations, UNITS, dataset)
    for step, keras_weights in enumerate(keras_steps):
        network.train_on_batch(dataset.X, dataset.y)
        pairs = zip(network.get_weights(), keras_weights, strict=True)
        if any((parity.gap(ours, theirs) > tolerance.least(theirs, "float64")).any() for ours, theirs in pairs):
            return step
    return None


def _row(what: str, ours: Any, theirs: Any, allowed: ArrayLike, expected: bool) -> dict[str, Any]:
    difference = parity.judge(ours, theirs, allowed, allowed)
    return {"what": what, "dtype": "float64", **difference._asdict(), "expected": expected}


class ArticlePart:
    """The article as a part of the main job."""

    title = "the article"
    size = 1
    here = True

    def __init__(self, dataset: Dataset) -> None:
        self.dataset = dataset

    def begin(self, beside: Companion) -> None:
        """Do nothing: this process does it all."""

    def run(self, advance: Advance, beside: Companion) -> Found:
        """Train the article's networks and Keras, and compare them."""
        article = run_article(self.dataset)
        advance()
        verdicts = {"article": {"passed": article.passed, "first_wrong_step": article.first_wrong_step}}
        tables = {
            "article.parquet": article.trajectories,
            "article_table.csv": article.table,
            "article_parity.csv": article.parity,
        }
        return Found(Status.YES if article.passed else Status.NO, verdicts, tables)
