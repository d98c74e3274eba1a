"""Branches, layers used twice, and sums that are no layers: what takes what, and all that one step of them computes."""

import keras
import numpy as np
import pytest

from keras_ref.altered.step import Alteration, altering
from keras_ref.precision import precision
from keras_ref.quantities import quantities, weight_names
from keras_ref.wiring import has_one_path, takes_of
from tests.keras_ref.test_quantities import batch, trained

Dense = keras.layers.Dense


def made(outputs, inputs=(4,), loss="categorical_crossentropy"):
    with precision("float64"):
        start = keras.Input(inputs)
        model = keras.Model(start, outputs(start))
        model.compile(keras.optimizers.SGD(0.1), loss, metrics=["accuracy"])
    return model


def residual(x):
    hidden = Dense(5, "relu")(x)
    return Dense(3, "softmax")(hidden + Dense(5, "tanh")(hidden))


def gated(x):
    joined = keras.layers.Concatenate()([Dense(2, "tanh")(x), Dense(3, "relu")(x)])
    return Dense(3, "softmax")(keras.layers.Multiply()([joined, Dense(5, "sigmoid")(x)]))


def shared(x):
    twice = Dense(4, "tanh")
    return Dense(3, "softmax")(twice(twice(x)))


def attending(x):
    across = keras.layers.Reshape((2, 2))(x)
    found = keras.layers.MultiHeadAttention(2, 2)(across, across)
    return Dense(3, "softmax")(keras.layers.Flatten()(found))


def nested(x):
    block = keras.Sequential([keras.Input((4,)), Dense(5, "relu"), Dense(4, "tanh")])
    return Dense(3, "softmax")(block(x) * x)


def handed_on(x):
    over, state, carry = keras.layers.LSTM(2, return_sequences=True, return_state=True)(keras.layers.Reshape((2, 2))(x))
    last = keras.layers.LSTM(2)(over, initial_state=[state, carry])
    return Dense(3, "softmax")(keras.layers.Concatenate()([last, state]))


MODELS = {"residual": residual, "gated": gated, "shared": shared, "attending": attending, "nested": nested}


@pytest.mark.parametrize("name", MODELS)
def test_the_step_is_train_on_batch_whatever_the_branches(name):
    model = made(MODELS[name])
    weights, x, y = batch(model)
    told = quantities(model, weights, x, y)
    loss, after = trained(model, weights, x, y)
    assert has_one_path(model)
    np.testing.assert_allclose(told["loss"], loss, rtol=1e-14)
    for found, right in zip([told[f"new {each}"] for each in weight_names(model)], after, strict=True):
        np.testing.assert_allclose(found, right, rtol=0, atol=1e-15)


def test_what_takes_what_is_told_by_name():
    assert takes_of(made(residual)) == {"A1": ("X",), "A2": ("A1",), "A3": ("A1", "A2"), "A4": ("A3",)}
    assert takes_of(made(shared)) == {
        "A1 at call 1": ("X",),
        "A1 at call 2": ("A1 at call 1",),
        "A2": ("A1 at call 2",),
    }


def test_tensors_of_one_layer_with_one_symbol_are_told_apart():
    names = weight_names(made(attending))
    assert names[:4] == ["W2 (query)", "b2 (query)", "W2 (key)", "b2 (key)"]
    assert len(set(names)) == len(names)


def test_each_output_of_a_layer_of_several_is_told():
    model = made(handed_on)
    of = quantities(model, *batch(model))
    np.testing.assert_array_equal(of["A2 (output 1)"][:, -1], of["A2 (output 2)"])
    np.testing.assert_allclose(of["part of dA2 (output 2) from layer 4"], of["dA4"][:, 2:], rtol=1e-13)


def test_a_gradient_is_the_sum_of_what_each_branch_adds():
    model = made(residual)
    of = quantities(model, *batch(model))
    np.testing.assert_allclose(of["part of dA1 from layer 2"], of["dZ2"] @ of["W2"].T, rtol=1e-13)
    np.testing.assert_allclose(of["part of dA1 from layer 3"], of["dA3"], rtol=1e-13)
    np.testing.assert_allclose(of["dA1"], of["part of dA1 from layer 2"] + of["dA3"], rtol=1e-13)


def test_each_use_of_a_layer_has_quantities_of_its_own():
    model = made(shared)
    of = quantities(model, *batch(model))
    parts = [of["X"].T @ of["dZ1 at call 1"], of["A1 at call 1"].T @ of["dZ1 at call 2"]]
    np.testing.assert_allclose(of["dW1"], sum(parts), rtol=1e-13, atol=1e-16)


def test_what_follows_from_a_value_that_two_layers_take_follows_in_both():
    model = made(residual)
    weights, x, y = batch(model)
    plain = quantities(model, weights, x, y)
    of = quantities(model, weights, x, y, {"A1": 2 * plain["A1"]})
    np.testing.assert_allclose(of["Z2"], 2 * plain["A1"] @ of["W2"] + of["b2"], rtol=1e-13)
    np.testing.assert_allclose(of["A3"], 2 * plain["A1"] + of["A2"], rtol=1e-13)
    of = quantities(model, weights, x, y, {"dA1": 2 * plain["dA1"]})
    np.testing.assert_allclose(of["dW1"], 2 * plain["dW1"], rtol=1e-13)
    np.testing.assert_array_equal(of["dW2"], plain["dW2"])


def test_masks_go_by_layer_whatever_the_branch_and_by_a_layers_calls():
    drop = keras.layers.Dropout(0.5)

    def dropping(x):
        sides = [drop(x), keras.layers.Dropout(0.25)(drop(keras.layers.Reshape((4,))(x)))]
        return Dense(3, "softmax")(keras.layers.Add()(sides))

    model = made(dropping)
    weights, x, y = batch(model)
    of = quantities(model, weights, x, y, masks=[np.full(x.shape, 2.0), np.full(x.shape, 3.0), np.full(x.shape, 4.0)])
    found = {name: of[name] / x for name in ("A2 at call 1", "A2 at call 2", "A3")}
    np.testing.assert_allclose(found["A2 at call 1"], 2)
    np.testing.assert_allclose(found["A2 at call 2"], 3)
    np.testing.assert_allclose(found["A3"], 3 * 4)


def test_a_layer_can_be_altered_in_a_branch():
    model = made(residual)
    weights, x, y = batch(model)
    of = quantities(model, weights, x, y)
    with altering(model) as steps:
        right = steps.step(weights, x, y)
        wrong = steps.step(weights, x, y, layers={1: Alteration("weighed", {"bias": False})})
    np.testing.assert_allclose(right.gradients[0], of["dW1"], rtol=1e-12, atol=1e-15)
    assert np.abs(wrong.gradients[0] - of["dW1"]).max() > 1e-6
