"""A step for each sample is told, with how to declare it, and nothing else is taken for it."""

from functools import cache
from typing import Any

import keras
import numpy as np
import pytest

from compare import check_parity
from compare.check import parity_check
from compare.check.causes.diagnosis import Diagnosis, Explanation
from compare.check.report.verdict import PARITY, UNDRIVABLE, WRONG
from compare.check.samplewise import DECLARE, DIFFERS, NAME, notes
from compare.faults import FAULTS
from compare.faults.fault import Cause
from examples.correct import Network as Plain
from keras_ref.model import assemble
from tests.compare.check.model_networks import RATE, Softmax, Two

X, CLASSES = np.random.default_rng(0).normal(size=(23, 4)), np.arange(23) % 3


@cache
def model():
    """The project's own kind of network, as a model."""
    layers = [keras.layers.Dense(5, "tanh"), keras.layers.Dense(3, "softmax")]
    return assemble((4,), lambda: layers, "categorical_crossentropy", lambda: keras.optimizers.SGD(RATE), "float64")


def beside(subject, **options):
    return check_parity(subject, (X, CLASSES), reference=model(), steps=2, batch_size=8, **options)


class OneByOne(Softmax):
    def each(self, x, y):
        return [super(OneByOne, self).train_on_batch(x[i : i + 1], y[i : i + 1]) for i in range(len(x))]

    def train_on_batch(self, x, y):
        return np.mean(self.each(x, y))


class TellsTheLast(OneByOne):
    def train_on_batch(self, x, y):
        return self.each(x, y)[-1]


@pytest.mark.parametrize(("subject", "left"), [(OneByOne, []), (TellsTheLast, ["loss"])])
def test_a_step_for_each_sample_that_is_not_declared_is_told(subject, left):
    report = beside(subject)
    assert report.verdict == WRONG
    assert report.diagnosis.names == (NAME,)
    assert [each.tensor for each in report.diagnosis.explanations[0].left] == left
    assert NAME in report.headline
    assert report.guilty == ()
    (note,) = report.met.notes
    assert DECLARE in note
    assert DIFFERS in note


def test_where_it_is_declared_a_note_says_how_it_differs():
    report = beside(OneByOne, samplewise=True)
    assert report.verdict == PARITY
    assert report.met.notes == (f"samplewise, as declared: {DIFFERS}",)


class Summed(Softmax):
    def error(self, P, y):
        return P - y


def test_what_is_right_in_batches_of_one_alone_is_noted_where_it_has_no_name():
    report = beside(Summed)
    assert report.diagnosis.names == ("gradient not averaged",)
    assert report.met.notes == ()
    (note,) = notes(Diagnosis(), report.runs)
    assert note.startswith("right in every batch of one, and wrong in every other")
    assert DECLARE in note
    assert notes(Diagnosis(), [run for run in report.runs if run.first_wrong is None]) == []


def test_beside_the_plain_network_it_is_noted_too(monkeypatch):
    found = Diagnosis((Explanation((Cause(FAULTS[NAME]),)),))
    monkeypatch.setattr(parity_check, "diagnose", lambda *arguments: found)
    monkeypatch.setattr(parity_check, "drive_all", lambda *arguments, **options: [])
    assert any(DECLARE in note for note in check_parity(Plain).met.notes)


def alone(base: Any) -> Any:
    class Alone(base):
        def train_on_batch(self, x, y):
            if len(x) > 1:
                raise ValueError("one at a time")
            return super().train_on_batch(x, y)

    return Alone


class Halved(Softmax):
    def error(self, P, y):
        return 0.5 * super().error(P, y)


class Raises(Softmax):
    def train_on_batch(self, x, y):
        raise ValueError("never")


@pytest.mark.parametrize(("subject", "told"), [(alone(Softmax), True), (alone(Halved), False), (Raises, False)])
def test_a_step_that_takes_single_samples_alone_is_told_what_to_do(subject, told):
    report = beside(subject)
    assert report.verdict == UNDRIVABLE
    assert report.headline.startswith("CANNOT BE DRIVEN: its step takes single samples alone") == told
    assert (DECLARE in report.headline) == told


def test_so_it_is_beside_the_plain_network_and_in_words():
    assert "single samples alone" in check_parity(alone(Plain), steps=2).headline
    words: Any = {"layers": (5, 1), "activations": ("tanh",), "output": "sigmoid", "learning_rate": RATE}
    in_words = check_parity(alone(Two), (X, CLASSES % 2), **words)
    assert "single samples alone" in in_words.headline
