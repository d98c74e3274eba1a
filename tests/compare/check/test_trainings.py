"""A subject's own training: driven in order where the order cannot be told, judged by every order where it shuffles."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from compare.check import trainers, trials
from compare.check.introduction import Introduction
from compare.check.steps.reference import build_reference
from compare.check.subject.drivers import InProcess
from compare.check.trainers import PlainTrainer
from compare.check.trainings import drive_training
from compare.check.trials import Trial, batchings, largest, simulate, tolerated
from compare.data.dataset import load
from compare.mathematics.rules import CORRECT
from compare.recipe.architecture import dense
from compare.recipe.recipe import Recipe
from examples.correct import Network as Plain
from tests.compare.check.fits import fits_by, one_epoch

STANDARD = load("iris", standardise=True)
RECIPE = Recipe(dense((4, 6, 3)), STANDARD.n, 32)


def fitting(order="in order", drops=False, weighted=True, default=None):
    """A network with a `fit`: how it orders samples, what it does wrong, the size of batches it is bound to."""

    class Fits(Plain):
        def __init__(self, layer_sizes, learning_rate):
            super().__init__(layer_sizes, learning_rate)
            self.rng = np.random.default_rng(3)

        def run(self, x, y, epochs, batch_size):
            history = []
            for _ in range(epochs):
                rows = np.arange(len(x))
                if order == "global seed":
                    np.random.shuffle(rows)  # noqa: NPY002
                elif order != "in order":
                    rng = self.rng if order == "own seed" else np.random.default_rng()
                    rng.shuffle(rows)
                history.append(one_epoch(self, x, y, rows, batch_size, drops, weighted))
            return history

    return fits_by(Fits, default)


def drive(subject):
    driver, reference = InProcess(subject), build_reference(RECIPE)
    met = Introduction(RECIPE, "float64", train=tuple(driver.describe(RECIPE)["train"]))
    trainer, rng = PlainTrainer(reference), np.random.default_rng(0)
    return drive_training(driver, met, trainer, STANDARD.X, STANDARD.y, (), rng)


FULL = ["fit, full batch", "fit called twice, full batch"]
ANY = "fit, 5 samples in batches of 2, in any order"


def test_batchings_are_all_orders_that_make_other_batches():
    found = list(batchings(5, 2))
    assert len(found) == 30
    assert all(sorted(order) == list(range(5)) for order in found)
    assert len({(frozenset(o[:2]), frozenset(o[2:4]), o[4]) for o in found}) == 30


def test_a_fit_without_a_shuffle_option_is_driven_in_order():
    found = drive(fitting())
    assert [training.name for training in found.judged] == [*FULL, "fit, batches of 32, in order"]
    assert not any(training.wrong for training in found.judged)
    assert found.notes == found.not_driven == ()


@pytest.mark.parametrize("order", ["own seed", "global seed", "no seed"])
def test_one_that_shuffles_is_judged_by_every_order_of_a_few_samples(order):
    found = drive(fitting(order))
    assert [training.name for training in found.judged] == [*FULL, ANY]
    assert not any(training.wrong for training in found.judged)
    assert found.notes == ("fit, batches of 32, in order: it shuffles: judged over 5 samples instead",)


@pytest.mark.parametrize(
    ("options", "cause"),
    [
        ({"drops": True, "weighted": False}, "last partial batch dropped"),
        ({"weighted": False}, "epoch loss not weighted by batch size"),
        ({"order": "own seed", "drops": True}, "last partial batch dropped"),
        ({"order": "no seed", "weighted": False}, "epoch loss not weighted by batch size"),
    ],
)
def test_what_a_fit_does_wrong_is_found_whatever_its_order(options, cause):
    (wrong,) = (training for training in drive(fitting(**options)).judged if training.wrong)
    assert wrong.explanations[0].names == (cause,)
    assert wrong.name == (ANY if "order" in options else "fit, batches of 32, in order")


def test_a_fit_whose_later_batches_alone_are_wrong_is_not_taken_for_one_that_shuffles():
    class Later(Plain):
        def fit(self, x, y, epochs, batch_size):
            for _ in range(epochs):
                for start in range(0, len(x), batch_size):
                    rows = slice(start, start + batch_size)
                    self.train_on_batch(x[rows] * (1.001 if start >= 96 else 1), y[rows])

    found = drive(Later)
    (wrong,) = (training for training in found.judged if training.wrong)
    assert wrong.name == "fit, batches of 32, in order"
    assert found.notes == ("its fit tells no loss for each epoch: its weights alone are judged",)


def test_batches_of_a_size_that_cannot_be_told_are_judged_over_a_few_samples_and_said():
    found = drive(fitting("own seed", default=2))
    assert [training.name for training in found.judged] == ["fit, 5 samples in batches of its own, in any order"]
    assert not found.judged[0].wrong
    assert found.not_driven == tuple(f"{name}: the size of its batches cannot be told, and is its own" for name in FULL)
    wrong = [training for training in drive(fitting("own seed", True, default=2)).judged if training.wrong]
    assert [training.explanations[0].names for training in wrong] == [("last partial batch dropped",)]


def test_a_shuffle_option_that_is_ignored_is_wrong():
    shuffling: type = fitting("own seed")

    class Ignores(shuffling):
        def fit(self, x, y, epochs, batch_size=32, shuffle=True):
            return self.run(x, y, epochs, batch_size)

    (wrong,) = (training for training in drive(Ignores).judged if training.wrong)
    assert wrong.name == "fit, batches of 32, not shuffled"


def test_what_is_not_understood_is_not_driven_and_told():
    class Needs(Plain):
        def fit(self, x, y, epochs, callbacks):
            raise AssertionError

    found = drive(Needs)
    assert found.judged == ()
    assert found.not_driven == ("its fit(x, y, epochs, callbacks) needs callbacks",)


def test_a_fit_that_raises_is_wrong():
    class Raises(Plain):
        def fit(self, x, y, epochs, batch_size):
            if len(x) % batch_size:
                raise KeyboardInterrupt

    errors = {training.name: training.error for training in drive(Raises).judged}
    assert "it raises KeyboardInterrupt" in errors["fit, batches of 32, in order"]


@pytest.mark.parametrize("seed", range(6))
def test_what_rounding_does_to_an_unstable_training_is_tolerated_or_not_judged(seed):
    rng = np.random.default_rng(seed)
    architecture = dense((4, 14, 9, 3), ("sigmoid", "tanh"))
    recipe = Recipe(architecture, STANDARD.n, 64).at(float(rng.uniform(3, 20)))
    weights = [rng.standard_normal(weight.shape) for weight in architecture.weights]
    orders = np.stack([rng.permutation(STANDARD.n) for _ in range(3)])
    reference, trial = build_reference(recipe), Trial(STANDARD.X, STANDARD.y, weights, orders, 64)
    # Inside a batch, order is nothing but rounding.
    turned = orders.copy()
    for start in range(0, STANDARD.n, 64):
        turned[:, start : start + 64] = orders[:, start : start + 64][:, ::-1]
    plain, other = simulate(CORRECT, recipe, trial), simulate(CORRECT, recipe, replace(trial, orders=turned))
    assert plain is not None
    assert other is not None
    (history, after), (told, seen) = plain, other
    allowed = tolerated(reference, trial)
    if allowed is not None:
        assert largest(seen, after, allowed.weights) <= 0.3
        assert largest([told], [history], [allowed.loss]) <= 0.3


def test_what_is_only_reported_wrongly_explains_no_weights():
    base: Any = fitting()

    class Drifts(base):
        def fit(self, x, y, epochs, batch_size):
            history = super().fit(x, y, epochs, batch_size)
            self.W[0][0, 0] += 1e-11
            return history

    found = drive(Drifts).judged[0]
    assert found.wrong_weights
    assert not found.explanations


def test_a_training_that_rounding_alone_leads_to_nan_is_not_judged(monkeypatch):
    architecture = dense((4, 3))
    reference = build_reference(Recipe(architecture, STANDARD.n, 64).at(0.1))
    weights = [np.full(weight.shape, 0.1) for weight in architecture.weights]
    trial = Trial(STANDARD.X, STANDARD.y, weights, np.tile(np.arange(STANDARD.n), (2, 1)), 64)
    assert tolerated(reference, trial) is not None

    def exploding(rules, recipe, trial, *told):
        found = simulate(rules, recipe, trial, *told)
        assert found is not None
        history, after = found
        return ([*history[:-1], np.nan], after) if trials._exactly not in told else (history, after)

    monkeypatch.setattr(trials, "simulate", exploding)
    assert tolerated(reference, trial) is None


def test_a_training_in_which_a_fault_would_not_show_is_not_judged(monkeypatch):
    architecture = dense((4, 3))
    reference = build_reference(Recipe(architecture, STANDARD.n, 64).at(0.1))
    weights = [np.full(weight.shape, 0.1) for weight in architecture.weights]
    trial = Trial(STANDARD.X, STANDARD.y, weights, np.tile(np.arange(STANDARD.n), (2, 1)), 64)
    monkeypatch.setattr(trials, "ulp", lambda precision: 1e-12)  # so it amplifies rounding
    allowed = tolerated(reference, trial)
    assert allowed is not None
    assert allowed.amplified
    monkeypatch.setattr(trials, "PROBE", 1e-12)
    assert tolerated(reference, trial) is None


def test_a_training_that_is_judged_over_fewer_epochs_is_told(monkeypatch):
    monkeypatch.setattr(
        trainers, "tolerated", lambda reference, trial: tolerated(reference, trial) if len(trial.orders) < 3 else None
    )
    found = drive(fitting())
    assert [len(training.history or []) for training in found.judged] == [2, 2, 2]
    names = [training.name for training in found.judged]
    why = "judged over 2 of 4 epochs, since rounding alone carries more too far"
    assert found.notes == tuple(f"{name}: {why}" for name in names)
