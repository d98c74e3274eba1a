"""The reference of any model: how far rounding moves its steps, targets as its loss takes them, single samples."""

from dataclasses import replace

import keras
import numpy as np
import pytest

from compare.agreement.tolerance import FACTOR, LEAST, ulp
from compare.check.steps.model_reference import ModelReference
from compare.check.steps.model_situations import draw
from compare.recipe.recipe import Recipe
from compare.sides.models import described
from keras_ref.model import assemble


def reference(units=3, output="softmax", loss="categorical_crossentropy", rate=0.1, **options):
    """A tanh layer and an output on four features, by SGD with momentum."""
    model = assemble(
        (4,),
        lambda: [keras.layers.Dense(5, "tanh"), keras.layers.Dense(units, output)],
        loss,
        lambda: keras.optimizers.SGD(rate, 0.75),
        "float64",
    )
    return ModelReference(model, Recipe(described(model), 9, 4), "float64", **options)


@pytest.fixture(scope="module")
def softmax():
    return reference()


@pytest.fixture
def rng():
    return np.random.default_rng(0)


X = np.random.default_rng(1).normal(size=(9, 4))
BATCHES = [np.arange(6), np.arange(6, 9), np.arange(1)]


def truths(of, rng, y):
    each = [draw(of, rng) for _ in BATCHES]
    return each, of.truths(X, y, BATCHES, each, exact=False)


def test_bounds_are_the_drift_times_the_factor_and_scale_with_tolerance_and_precision(softmax, rng):
    _, (told, *_) = truths(softmax, rng, np.arange(9) % 3)
    step, one = told.step, ulp("float64")
    sizes = [max(1.0, *(np.abs(W).max() for W in step.after[2 * layer : 2 * layer + 2])) for layer in (0, 1)]
    for tensor, (bound, drift) in enumerate(zip(told.bounds.after, step.drift[1], strict=True)):
        assert np.all(bound == FACTOR * one * max(drift, LEAST * sizes[tensor // 2]))
    assert told.bounds.loss == FACTOR * one * max(step.drift[0], LEAST * max(1, step.loss))
    for changes, times in (({"tolerance": 3.0}, 3.0), ({"precision": "float32"}, 2.0**29)):
        other = replace(softmax, **changes).bounds(step, exact=False)
        assert other.loss == pytest.approx(times * told.bounds.loss, rel=1e-12)
        assert np.allclose(other.after[0], times * told.bounds.after[0], rtol=1e-12)


def test_drift_is_what_an_ulp_of_inputs_and_weights_moves(softmax, rng):
    """At a rate of ten thousand it is the gradient's, that many times; else that of the weights themselves."""
    y, weights = np.arange(9) % 3, draw(softmax, rng)
    usual, steep = (
        softmax.at(softmax.recipe.at(rate)).truths(X, y, BATCHES[:1], [weights], exact=False)[0].step.drift
        for rate in (0.1, 1e4)
    )
    softmax.at(softmax.recipe)
    assert all(0 < drift < 4 for drift in usual[1])
    assert min(steep[1]) > 100
    assert steep[0] == usual[0], "the loss is that before the update"


def test_truths_are_steps_from_their_own_weights_while_the_optimizer_goes_on(softmax, rng):
    y = np.arange(9) % 3
    each, told = truths(softmax, rng, y)
    assert len(told) == len(BATCHES)
    alone = softmax.truths(X, y, BATCHES[1:2], each[1:2], exact=False)[0]
    velocity = [new - old for new, old in zip(told[0].after, each[0], strict=True)]
    for now, fresh, v in zip(told[1].after, alone.after, velocity, strict=True):
        assert np.allclose(now - fresh, 0.75 * v, rtol=0, atol=1e-15)
        assert np.abs(v).max() > 1e-3
    assert told[1].loss == alone.loss
    assert all(np.array_equal(a, b) for a, b in zip(told[2].step.weights, each[2], strict=True))
    assert not told[0].step.slots[2].any()
    assert np.allclose(told[1].step.slots[2], velocity[0], rtol=0, atol=1e-15)


def test_truths_end_before_numbers_that_are_not_finite(softmax, rng):
    each = [draw(softmax, rng) for _ in BATCHES]
    each[1][0][0, 0] = 1e200
    assert len(softmax.truths(X, np.arange(9) % 3, BATCHES, each, exact=False)) == 1


def test_a_trajectory_is_keras_s_own_going_on(softmax, rng):
    weights, y = draw(softmax, rng), np.arange(9) % 3
    found = softmax.trajectory(X, y, BATCHES, weights)
    told = softmax.truths(X, y, BATCHES, found, exact=False)
    assert len(found) == 3
    for before, after in zip(found[1:], told, strict=False):
        assert all(np.array_equal(a, b) for a, b in zip(before, after.after, strict=True))


@pytest.mark.parametrize(
    ("options", "y", "expected"),
    [
        ({}, np.array([2, 0]), [[0, 0, 1], [1, 0, 0]]),
        ({}, np.array([[0, 1, 0], [1, 0, 0]]), [[0, 1, 0], [1, 0, 0]]),
        ({"loss": "sparse_categorical_crossentropy"}, np.array([2, 0]), [2, 0]),
        ({"units": 1, "output": "sigmoid", "loss": "binary_crossentropy"}, np.array([1, 0]), [[1], [0]]),
        (
            {"output": "sigmoid", "loss": "binary_crossentropy"},
            np.array([[1, 1, 0], [0, 0, 1]]),
            [[1, 1, 0], [0, 0, 1]],
        ),
        ({"units": 1, "output": "linear", "loss": "mse"}, np.array([0.5, -2.0]), [[0.5], [-2.0]]),
        ({"units": 2, "output": "linear", "loss": "mse"}, np.array([[0.5, 1.0], [2.0, 3.0]]), [[0.5, 1.0], [2.0, 3.0]]),
    ],
    ids=["classes", "one-hot", "sparse", "one label", "several labels", "values", "several values"],
)
def test_targets_are_as_the_loss_takes_them(options, y, expected):
    found = reference(**options).targets(y)
    assert np.array_equal(found, expected)
    sparse = "sparse" in options.get("loss", "")
    assert found.dtype.kind == ("i" if sparse else "f")


def test_samplewise_is_a_step_for_each_sample(softmax, rng):
    weights, y = draw(softmax, rng), np.arange(9) % 3
    rows = BATCHES[1:2]
    (told,) = replace(softmax, samplewise=True).truths(X, y, rows, [weights], exact=False)
    single = np.split(BATCHES[1], 3)
    path = softmax.trajectory(X, y, single, weights)
    singles = softmax.steps(X, y, single, [weights], [0, -1, -1])
    assert told.loss == pytest.approx(singles.loss.mean(), rel=1e-15)
    assert all(np.array_equal(a, b[-1]) for a, b in zip(told.after, singles.weights, strict=True))
    assert not np.allclose(told.after[0], path[1][0]), "it went on after the first sample"
    (whole,) = softmax.truths(X, y, rows, [weights], exact=False)
    assert np.abs(told.after[0] - whole.after[0]).max() > 1e-3


def test_samplewise_batches_start_from_weights_of_their_own(softmax, rng):
    each, y = [draw(softmax, rng) for _ in BATCHES], np.arange(9) % 3
    of = replace(softmax, samplewise=True)
    told = of.truths(X, y, BATCHES, each, exact=False)
    alone = of.truths(X, y, BATCHES[:1], each[:1], exact=False)[0]
    assert [truth.step.n for truth in told] == [6, 3, 1]
    assert all(np.array_equal(a, b) for a, b in zip(told[0].after, alone.after, strict=True))
    assert not told[0].step.slots[2].any()
    assert told[1].step.slots[2].any(), "the optimizer goes on from the batch before"


def test_another_recipe_has_another_learning_rate_unless_it_is_scheduled(softmax, rng):
    weights, y = draw(softmax, rng), np.arange(9) % 3

    def moved(of):
        (told,) = of.truths(X, y, BATCHES[:1], [weights], exact=False)
        return told.after[0] - weights[0]

    assert not softmax.scheduled
    slow = softmax.at(softmax.recipe.at(0.05))
    assert np.allclose(moved(slow), moved(softmax.at(softmax.recipe)) / 2, rtol=1e-9, atol=1e-15)
    softmax.at(softmax.recipe)


def test_a_schedule_of_learning_rates_stays(rng):
    of = reference(rate=keras.optimizers.schedules.ExponentialDecay(0.25, 1, 0.5))
    assert of.scheduled
    weights, y = draw(of, rng), np.arange(9) % 3
    of = of.at(of.recipe.at(7.0))
    steps = of.steps(X, y, [BATCHES[0]] * 2, [weights, weights], [0, 1])
    first, second = (steps.weights[1][i] - weights[1] for i in (0, 1))
    assert np.allclose(second, (0.75 + 0.5) * first, rtol=1e-12), "0.75 of the velocity, and half the rate"


def test_quantities_are_those_of_the_step_its_slots_included(softmax, rng):
    each, (_, told, _) = truths(softmax, rng, np.arange(9) % 3)
    found = softmax.quantities(told.step, {})
    assert softmax.names == ["W1", "b1", "W2", "b2"]
    for name, new in zip(softmax.names, told.after, strict=True):
        assert np.allclose(found[f"new {name}"], new, rtol=0, atol=1e-15)
    assert np.array_equal(found["W1"], each[1][0])
