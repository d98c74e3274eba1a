"""What follows from Keras's quantities in an operation or two is what code makes on the way from one to the next."""

import keras
import numpy as np
import pytest

from compare.check.lines.following import following
from keras_ref.model import assemble
from keras_ref.quantities import quantities
from keras_ref.wiring import takes_of
from tests.keras_ref.test_quantities import OPTIMIZERS, batch


def told(inputs, layers):
    """A step's quantities, and all that follows from them: of one name the first."""
    model = assemble(inputs, lambda: [*layers(), keras.layers.Dense(2)], "mse", OPTIMIZERS["sgd"], "float64")
    of = quantities(model, *batch(model))
    found: dict[str, np.ndarray] = {}
    for name, value in following(of, 0.1, takes_of(model)):
        found.setdefault(name, value)
    return of, found


@pytest.mark.parametrize(("padding", "strides"), [("same", 1), ("same", 2), ("valid", 1), ("valid", 2)])
def test_a_convolution_is_a_product_of_its_patches(padding, strides):
    def layers():
        return [
            keras.layers.Conv2D(3, (2, 3), strides, padding, activation="tanh"),
            keras.layers.Conv2D(2, 2),
            keras.layers.Flatten(),
        ]

    of, found = told((7, 6, 2), layers)
    patches, W = found["patches of X"], of["W1"]
    assert np.allclose(np.tensordot(patches, W, axes=([-3, -2, -1], [0, 1, 2])) + of["b1"], of["Z1"])
    assert np.allclose(found["dW1 of each sample"].sum(axis=0), of["dW1"])
    assert np.allclose(found["d of patches of A1"].sum(), of["dA1"].sum())
    assert np.allclose(found["dA1 padded"] if "dA1 padded" in found else of["dA1"], of["dA1"])
    assert ("X padded" in found) == (padding == "same")


def test_a_convolution_over_time_is_one_too():
    of, found = told((7, 2), lambda: [keras.layers.Conv1D(3, 2), keras.layers.Flatten()])
    assert np.allclose(np.tensordot(found["patches of X"], of["W1"], axes=([-2, -1], [0, 1])) + of["b1"], of["Z1"])


def test_pooling_hands_errors_to_the_places_they_come_from():
    def layers():
        return [keras.layers.Conv2D(2, 2), keras.layers.MaxPooling2D(2), keras.layers.Flatten()]

    of, found = told((5, 5, 1), layers)
    largest = of["A1"] == found["A2 spread over its windows"]
    assert np.allclose(largest * found["dA2 spread over its windows"], of["dA1"])


def test_a_batch_normalisation_is_told_step_by_step():
    of, found = told((5,), lambda: [keras.layers.Dense(4), keras.layers.BatchNormalization()])
    hat = found["A1 normalised"]
    assert np.allclose(hat.mean(axis=0), 0)
    assert np.allclose(found["dgamma2 of each sample"].sum(axis=0), of["dgamma2"])
    assert np.allclose(found["A1 less its mean"] * found["1 / deviation of A1"], hat)
    sums = found["sum of d of A1 normalised"] + hat * found["sum of d of A1 normalised by it"]
    whole = found["1 / deviation of A1"] * (found["d of A1 normalised"] - sums / len(hat))
    # Epsilon is beside the variance, so that this holds but for it.
    assert np.allclose(whole, of["dA1"], atol=1e-2 * np.abs(of["dA1"]).max())


@pytest.mark.parametrize("layer", [keras.layers.BatchNormalization, keras.layers.LayerNormalization])
def test_the_way_back_through_a_normalisation_is_told_step_by_step_and_in_one_formula(layer):
    of, found = told((5,), lambda: [keras.layers.Dense(4), layer()])
    axis = 0 if layer is keras.layers.BatchNormalization else 1
    count, centred = of["A1"].shape[axis], found["A1 less its mean"]
    assert np.allclose(found["deviation of A1"] ** 2, found["variance of A1 and epsilon"])
    direct = found["derivative by A1 less its mean, directly"]
    through = 2 * centred * found["derivative by (A1 less its mean) ** 2"]
    assert np.allclose(through, found["derivative by A1 less its mean, through its variance"])
    assert np.allclose(direct + through, found["derivative by A1 less its mean"])
    assert np.allclose(direct + through + found["derivative by mean of A1"] / count, of["dA1"])
    assert np.allclose(found["derivative by A1, times deviation"] / count / found["deviation of A1"], of["dA1"])
    hat, error = found["A1 normalised"], found["d of A1 normalised"]
    apart = found["derivative by A1, but for what goes through the mean"]
    assert np.allclose(apart, count * error - hat * (error * hat).sum(axis=axis, keepdims=True))


@pytest.mark.parametrize("layer", [keras.layers.SimpleRNN, keras.layers.LSTM, keras.layers.GRU])
def test_the_parts_of_each_time_add_up_to_the_gradients(layer):
    of, found = told((4, 2), lambda: [layer(3)])
    for name in ("dW", "dU"):
        parts = [found[f"part of {name} of layer 1 at time {time}"] for time in (1, 2, 3, 4)]
        assert np.allclose(sum(parts), of[f"{name}1"])
        assert np.allclose(sum(parts[2:]), found[f"{name} of layer 1 at time 3 and later"])


def test_each_gate_has_its_part_of_the_weights():
    of, found = told((4, 2), lambda: [keras.layers.LSTM(3)])
    gates = ("input gate", "forget gate", "candidate", "output gate")
    for name in ("W1", "dU1", "new b1"):
        assert np.array_equal(np.concatenate([found[f"{name} ({gate})"] for gate in gates], axis=-1), of[name])
    both = found["W1 and U1 (forget gate)"]
    inputs = found["input and state of layer 1 at time 2"]
    assert np.allclose(inputs @ both + found["b1 (forget gate)"], of["Z1 (forget gate) at time 2"])
