"""A subject's own training beside a Keras model: Keras takes its steps, the optimizer going on from one to the next."""

from functools import cache

import keras
import numpy as np
import pytest

from compare.check.introduction import Introduction
from compare.check.model_check import _own_training, _references
from compare.check.model_trials import ModelTrainer
from compare.check.settings import Settings
from compare.check.subject.drivers import InProcess
from compare.check.trainings import GOES_ON, drive_training
from compare.check.trials import Trial
from compare.data.dataset import as_given
from keras_ref.model import assemble
from tests.compare.check.fits import fits_by, one_epoch
from tests.compare.check.model_networks import RATE, Drops, Remembers, Two

RNG = np.random.default_rng(0)
X, LABELS = RNG.normal(size=(23, 4)), RNG.integers(0, 2, 23)
SETTINGS = Settings(batch_size=8)


class Momentum(Remembers):
    """Its number is a float32 too."""

    def change(self, i, grad):
        self.m[i] = 0.75 * self.m[i] - self.rate * grad
        return self.m[i]


@cache
def reference(samplewise=False):
    layers = [keras.layers.Dense(5, "tanh"), keras.layers.Dense(1, "sigmoid")]
    made = assemble((4,), lambda: layers, "binary_crossentropy", lambda: keras.optimizers.SGD(RATE, 0.75), "float64")
    return _references(made, as_given(X, LABELS), Settings(batch_size=8, samplewise=samplewise), True)[0]


def fitting(shuffles=False, drops=False, weighted=True, first=0, anew=False, size=None):
    """A network with a `fit`: whether it shuffles, what it does wrong, and a size of batches that it is bound to."""

    class Fits(Momentum):
        def run(self, x, y, epochs, batch_size):
            history = []
            if anew:
                self.m = [0 * each for each in self.m]
            for _ in range(epochs):
                rows = np.arange(first, len(x))
                if shuffles:
                    np.random.default_rng(3).shuffle(rows)
                history.append(one_epoch(self, x, y, rows, batch_size, drops, weighted))
            return history

    return fits_by(Fits, size)


def drive(subject, samplewise=False):
    of, driver = reference(samplewise), InProcess(subject)
    met = Introduction(of.recipe, "float64", train=tuple(driver.describe(of.recipe)["train"]))
    return drive_training(driver, met, ModelTrainer(of), X, LABELS, (), np.random.default_rng(0))


FULL = ["fit, full batch", "fit called twice, full batch"]
BATCHES = "fit, batches of 8, in order"
ANY = "fit, 5 samples in batches of 2, in any order"


def test_a_right_fit_is_right_in_full_batch_in_two_calls_and_in_batches():
    found = drive(fitting())
    assert [training.name for training in found.judged] == [*FULL, BATCHES]
    assert not any(training.wrong for training in found.judged)
    assert all(len(training.history or []) == 4 for training in found.judged)
    assert found.notes == found.not_driven == ()


def test_one_that_shuffles_is_judged_by_every_order_of_a_few_samples():
    found = drive(fitting(shuffles=True))
    assert [training.name for training in found.judged] == [*FULL, ANY]
    assert not any(training.wrong for training in found.judged)


def test_one_that_takes_no_size_of_batches_is_judged_in_its_own():
    found = drive(fitting(size=2))
    assert [training.name for training in found.judged] == ["fit, 5 samples in batches of its own, in any order"]
    assert not found.judged[0].wrong
    assert len(found.not_driven) == 2


@pytest.mark.parametrize(
    ("options", "cause", "name"),
    [
        ({"drops": True}, "last partial batch dropped", BATCHES),
        ({"first": 1}, "a row of the data dropped", FULL[0]),
        ({"weighted": False}, "epoch loss not weighted by batch size", BATCHES),
        ({"shuffles": True, "drops": True}, "last partial batch dropped", ANY),
    ],
)
def test_what_is_wrong_is_told(options, cause, name):
    wrong = [training for training in drive(fitting(**options)).judged if training.wrong]
    assert wrong[0].name == name
    assert wrong[0].explanations[0].names == (cause,)
    assert wrong[0].wrong_weights == (cause != "epoch loss not weighted by batch size")


def test_an_optimizer_that_begins_anew_in_each_call_is_wrong_in_the_second():
    found = drive(fitting(anew=True))
    assert [training.name for training in found.judged if training.wrong] == [FULL[1]]
    assert found.notes == (f"its fit is {GOES_ON}",)


class HistoryAfterwards(fitting()):  # type: ignore[misc]
    def fit(self, x, y, epochs, batch_size):
        found = []
        for _ in range(epochs):
            self.run(x, y, 1, batch_size)
            Z = np.tanh(x @ self.params[0] + self.params[1]) @ self.params[2] + self.params[3]
            found.append(self.lost(Z, y[:, np.newaxis], Z))
        return found


def test_a_history_that_is_measured_after_each_epoch_is_told():
    wrong = [training for training in drive(HistoryAfterwards).judged if training.wrong]
    assert {training.explanations[0].names for training in wrong} == {("epoch loss measured after the epoch",)}
    assert not any(training.wrong_weights for training in wrong)


class OneByOne(fitting()):  # type: ignore[misc]
    """A step for each sample, in order or not."""

    shuffled = False

    def fit(self, x, y, epochs, batch_size):
        history = []
        for _ in range(epochs):
            rows = np.random.default_rng(0).permutation(len(x)) if self.shuffled else np.arange(len(x))
            history.append(np.mean([self.train_on_batch(x[i : i + 1], y[i : i + 1]) for i in rows]))
        return history


class OneByOneShuffled(OneByOne):
    shuffled = True


def test_a_step_for_each_sample_has_a_fit_of_its_own():
    found = drive(OneByOne, samplewise=True)
    assert [training.name for training in found.judged] == [*FULL, BATCHES]
    assert not any(training.wrong for training in found.judged)
    assert [training.name for training in drive(OneByOneShuffled, samplewise=True).judged] == [ANY]


@pytest.mark.parametrize(
    ("subject", "wrong", "why"), [(Two, True, "its steps are not Keras's already"), (Drops, False, "its dropout draws")]
)
def test_what_is_not_driven_is_told(subject, wrong, why):
    of, loss = reference(), "sparse_categorical_crossentropy"
    if subject is Drops:
        layers = [keras.layers.Dense(5, "tanh"), keras.layers.Dropout(0.5), keras.layers.Dense(3, "softmax")]
        made = assemble((4,), lambda: layers, loss, lambda: keras.optimizers.SGD(RATE), "float64")
        of = _references(made, as_given(X, LABELS), SETTINGS, True)[0]
    met = Introduction(of.recipe, "float64", train=("epochs",))
    found = _own_training(InProcess(subject), met, of, X, LABELS, np.random.default_rng(0), wrong)
    assert found.judged == ()
    assert why in found.not_driven[0]


def test_rounding_is_tolerated_and_what_explodes_is_not_judged():
    of = reference()
    rng, orders = np.random.default_rng(0), np.tile(np.arange(23), (3, 1))
    trainer = ModelTrainer(of)
    trial = Trial(X, LABELS, trainer.draw(rng, X, False), orders, 8)
    allowed = trainer.tolerated(trial)
    assert allowed is not None
    assert allowed.weights.max() < 1e-12
    steep = of.at(of.recipe.at(1e9))
    assert ModelTrainer(steep).tolerated(trial) is None
    of.at(of.recipe)
