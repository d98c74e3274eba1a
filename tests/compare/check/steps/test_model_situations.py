"""Situations beside a model: what is trained on, in which batches, from weights that hide nothing."""

import keras
import numpy as np
import pytest

from compare.check.steps.model_reference import ModelReference
from compare.check.steps.model_situations import STEPS, draw, model_situations
from compare.recipe.recipe import Recipe
from compare.sides.models import described
from keras_ref.model import assemble

N, BATCH, STEP = 23, 8, 5


def reference(layers=lambda: [keras.layers.Dense(5, "tanh"), keras.layers.Dense(3, "softmax")], inputs=(4,)):
    optimizer = lambda: keras.optimizers.SGD(0.1)  # noqa: E731
    model = assemble(inputs, layers, "categorical_crossentropy", optimizer, "float64")
    return ModelReference(model, Recipe(described(model), N, BATCH), "float64")


def normalising():
    return [
        keras.layers.Conv2D(16, 3, activation="relu"),
        keras.layers.BatchNormalization(),
        keras.layers.Flatten(),
        keras.layers.Dense(3, "softmax"),
    ]


@pytest.fixture(scope="module")
def of():
    return reference()


X = np.random.default_rng(0).normal(size=(N, 4))
Y = np.random.default_rng(1).integers(0, 3, N)


def situations(of, y=Y, steps=STEP, other=True, seed=0, zero_biases=False):
    found = model_situations(of, X, y, steps, np.random.default_rng(seed), zero_biases, other)
    return {each.name: each for each in found}


def test_biases_scales_and_states_are_drawn_beside_what_hides_a_fault():
    of = reference(normalising, (6, 6, 2))
    drawn = dict(zip(of.names, draw(of, np.random.default_rng(0)), strict=True))
    assert list(drawn) == ["W1", "b1", "gamma2", "beta2", "moving_mean2", "moving_variance2", "W4", "b4"]
    for name in ("b1", "beta2", "moving_mean2", "b4"):
        assert 0 < np.abs(drawn[name]).max() <= 0.5
        assert (drawn[name] != 0).all()
    for name in ("gamma2", "moving_variance2"):
        assert (drawn[name] >= 0.5).all()
        assert (drawn[name] <= 1.5).all()
        assert (drawn[name] != 1).all()
    # Glorot's limit; a convolution's counts its window too.
    for name, fans in (("W1", 9 * (2 + 16)), ("W4", 256 + 3)):
        limit = np.sqrt(6 / fans)
        assert 0.9 * limit < np.abs(drawn[name]).max() <= limit
    zero = dict(zip(of.names, draw(of, np.random.default_rng(0), zero_biases=True), strict=True))
    assert not any(zero[name].any() for name in ("b1", "beta2", "b4"))
    assert zero["W1"].any()


def test_every_sample_is_in_an_epoch_and_there_are_batches_of_one_of_another_size_and_all(of):
    found = situations(of)
    small = found[f"batches of {BATCH}"]
    assert [len(rows) for rows in small.batches] == [8, 8, 7, 8, 8]
    assert np.array_equal(np.sort(np.concatenate(small.batches[:3])), np.arange(N))
    assert [len(rows) for rows in found["a batch of one"].batches] == [1, 1, 1]
    assert {len(rows) for rows in found["full batch"].batches} == {N}
    assert {len(rows) for rows in found["batches of another size"].batches} < set(range(1, BATCH))
    twice = found["two steps on the same batch"].batches
    assert np.array_equal(twice[0], twice[1])
    assert not np.array_equal(twice[1], twice[2])
    assert 1 in {len(rows) for rows in found["training continued with other batch sizes"].batches}
    free = {name for name, each in found.items() if each.free}
    assert free == {f"batches of {BATCH}, free-running", "training continued with other batch sizes"}


def test_steps_are_as_many_as_asked_for_up_to_what_an_optimizer_s_memory_needs(of):
    for steps in (2, 7, 10 * STEPS):
        found = situations(of, steps=steps)
        assert len(found[f"batches of {BATCH}"].batches) == min(steps, STEPS)


def test_only_large_inputs_and_saturation_are_extreme(of):
    found = situations(of)
    extreme = {name: each for name, each in found.items() if each.extreme}
    assert set(extreme) == {"large inputs", "saturated outputs"}
    assert np.array_equal(extreme["large inputs"].X, 10 * X)
    ordinary = found["full batch"].weights
    steep = extreme["saturated outputs"].each[0]
    assert np.array_equal(steep[2], 20 * ordinary[2])
    assert all(np.array_equal(steep[place], ordinary[place]) for place in (0, 1, 3))


def test_another_rate_is_tried_where_it_can_be_told(of):
    assert situations(of)["another learning rate"].learning_rate == pytest.approx(0.037)
    assert "another learning rate" not in situations(of, other=False)


def test_batches_without_a_class_are_tried_where_there_are_classes(of):
    rows = situations(of)["sorted batches"].batches
    assert len(set(Y[rows[0]])) < 3
    assert "sorted batches" not in situations(of, y=np.linspace(0, 1, N))
    assert "sorted batches" not in situations(of, y=np.eye(3)[Y])


def test_the_seed_draws_everything(of):
    one, same, other = (situations(of, seed=seed) for seed in (0, 0, 1))
    for name in one:
        assert all(np.array_equal(a, b) for a, b in zip(one[name].batches, same[name].batches, strict=True))
        assert all(np.array_equal(a, b) for a, b in zip(one[name].weights, same[name].weights, strict=True))
    assert not np.array_equal(one["full batch"].weights[0], other["full batch"].weights[0])


def test_zero_biases_are_drawn_where_a_subject_takes_no_others(of):
    found = situations(of, zero_biases=True)
    assert all(not each.weights[1].any() and not each.weights[3].any() for each in found.values())
