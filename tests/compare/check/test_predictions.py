"""Inference beside a Keras model: what is Keras's is right in every form it may be told in, and nothing else is."""

from functools import cache
from typing import Any

import keras
import numpy as np
import pytest

from compare import check_parity
from compare.check.introduction import Introduction
from compare.check.model_check import _references
from compare.check.predictions import CHANGES, DISTURBS, DRAWN, IN_TRAINING, drive_predictions
from compare.check.report.verdict import PARITY
from compare.check.settings import Settings
from compare.check.subject.drivers import InProcess
from compare.data.dataset import as_given
from examples.any_model.normalised import EPSILON, FromTheBatch, Network, build, data
from keras_ref.model import assemble
from tests.compare.check.model_networks import RATE, Softmax

X, LABELS = data()
CLASSES = np.arange(23) % 3


def logits():
    layers = [keras.layers.Dense(5, "tanh"), keras.layers.Dense(3)]
    loss = keras.losses.CategoricalCrossentropy(from_logits=True)
    return assemble((4,), lambda: layers, loss, lambda: keras.optimizers.SGD(RATE), "float64")


CASES = {"normalised": (Network, build, (X, LABELS)), "logits": (Softmax, logits, (X[:23], CLASSES))}


@cache
def beside(case):
    """A case's model, and a right network's steps beside it."""
    right, make, given = CASES[case]
    model = make()
    report = check_parity(right, given, reference=model, steps=2, batch_size=8)
    assert report.verdict == PARITY
    reference, _ = _references(model, as_given(*given), Settings(steps=2, batch_size=8), True)
    return reference, report


def predicting(case, subject):
    reference, report = beside(case)
    driver = InProcess(subject)
    met = Introduction(report.met.recipe, "float64", predicts=tuple(driver.describe(report.met.recipe)["predicts"]))
    return drive_predictions(driver, met, reference, report.runs)


class Flat(Network):
    def predict(self, x):
        return super().predict(x)[:, 0]


class Single(Network):
    def predict(self, x):
        return super().predict(x).astype(np.float32)


class Labels(Network):
    def predict(self, x):
        return (super().predict(x)[:, 0] > 0.5).astype(int)


class Rounds(Network):
    def predict(self, x):
        return np.round(super().predict(x))


class BothClasses(Network):
    def predict_proba(self, x):
        P = super().predict(x)
        return np.hstack([1 - P, P])


class OfLogits(Softmax):
    def predict(self, x):
        W1, b1, W2, b2 = self.params
        return np.tanh(x @ W1 + b1) @ W2 + b2


class Shares(OfLogits):
    def predict_proba(self, x):
        return self.output(super().predict(x))


class Likeliest(OfLogits):
    def predict(self, x):
        return super().predict(x).argmax(axis=1)


class OneHot(Likeliest):
    def predict(self, x):
        return np.eye(3, dtype=int)[super().predict(x)]


NORMALISED = [Network, Flat, Single, Labels, Rounds, BothClasses]
RIGHT = [*(("normalised", each) for each in NORMALISED), *(("logits", each) for each in (Shares, Likeliest, OneHot))]


@pytest.mark.parametrize(("case", "subject"), RIGHT)
def test_what_keras_predicts_is_right_in_each_form(case, subject):
    found = predicting(case, subject)
    assert found.wrong == found.notes == ()
    assert found.judged == tuple(name for name in ("predict", "predict_proba") if hasattr(subject, name))


class EpsilonBesideTheRoot(Network):
    def predict(self, x):
        Z = (x @ self.W + self.b - self.mean) / (np.sqrt(self.variance) + EPSILON)
        return 1 / (1 + np.exp(-(np.maximum(self.gamma * Z + self.beta, 0) @ self.V + self.c)))


class LabelsFromTheBatch(FromTheBatch):
    def predict(self, x):
        return (super().predict(x) > 0.5).astype(int)


class Moves(Network):
    def predict(self, x):
        P = super().predict(x)
        self.mean = 0.5 * self.mean
        return P


class Draws(Network):
    def __init__(self):
        super().__init__()
        self.rng = np.random.default_rng(0)

    def predict(self, x):
        return super().predict(x * (self.rng.random(x.shape) > 0.5))


class Remembers(Network):
    """Its next step is on what it predicted last."""

    seen = None

    def predict(self, x):
        self.seen = x
        return super().predict(x)

    def train_on_batch(self, x, y):
        return super().train_on_batch(x if self.seen is None else self.seen + 0.01, y)


class Others(Likeliest):
    def predict(self, x):
        return (super().predict(x) + 1) % 3


class ProbabilitiesAreLogits(OfLogits):
    def predict_proba(self, x):
        return self.predict(x)


@pytest.mark.parametrize(
    ("case", "subject", "why"),
    [
        ("normalised", EpsilonBesideTheRoot, {""}),
        ("normalised", FromTheBatch, {IN_TRAINING}),
        ("normalised", LabelsFromTheBatch, {IN_TRAINING}),
        ("normalised", Moves, {CHANGES, DISTURBS}),
        ("normalised", Draws, {DRAWN}),
        ("normalised", Remembers, {DISTURBS}),
        ("logits", Others, {""}),
        ("logits", ProbabilitiesAreLogits, {""}),
    ],
)
def test_what_is_not_is_wrong(case, subject, why):
    found = predicting(case, subject)
    assert {each.why for each in found.wrong} == why
    assert found.judged


class Fails(Network):
    def predict(self, x, *, threshold):  # type: ignore[override]
        raise AssertionError


class Columns(OfLogits):
    def predict(self, x):
        return super().predict(x).T


class Signs(Network):
    def predict(self, x):
        return np.where(super().predict(x) > 0.5, 1, -1)


@pytest.mark.parametrize(
    ("case", "subject", "note"),
    [
        ("normalised", Fails, "`predict` failed and was left out: TypeError"),
        ("normalised", Signs, "neither Keras's outputs, (7, 1), nor classes, and was left out"),
        ("logits", Columns, "`predict` gives float64 of shape (3, 8), neither Keras's outputs, (8, 3), nor classes"),
    ],
)
def test_what_cannot_be_judged_is_noted(case, subject, note):
    found = predicting(case, subject)
    assert found.judged == found.wrong == ()
    assert any(note in each for each in found.notes)
    assert found.notes[-1].startswith("its inference was not judged: give it `predict(X)`")


class Silent(Network):
    predict: Any = None


def test_a_network_that_does_not_predict_is_noted_where_layers_behave_otherwise():
    (note,) = predicting("normalised", Silent).notes
    assert note.startswith("its inference was not judged, and BatchNormalization behaves otherwise there than in")
    assert predicting("logits", Softmax).notes == ()
