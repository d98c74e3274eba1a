"""Recurrent layers step by step: the same as Keras's own layers, and every part named."""

import keras
import numpy as np
import pytest

from keras_ref.model import assemble
from keras_ref.quantities import quantities
from tests.keras_ref.test_quantities import OPTIMIZERS, batch, trained

LAYERS = {
    "simple": lambda **options: keras.layers.SimpleRNN(3, **options),
    "lstm": lambda **options: keras.layers.LSTM(3, **options),
    "gru": lambda **options: keras.layers.GRU(3, **options),
    "gru, reset before": lambda **options: keras.layers.GRU(3, reset_after=False, **options),
}


def told_and_trained(make, **options):
    """All quantities of a step; and the loss and the weights that Keras's own layers leave."""

    def layers():
        return [make(return_sequences=True, **options), make(**options), keras.layers.Dense(2)]

    model = assemble((4, 2), layers, "mse", OPTIMIZERS["sgd"], "float64")
    weights, x, y = batch(model)
    return model, quantities(model, weights, x, y), trained(model, weights, x, y)


@pytest.mark.parametrize("biased", [True, False])
@pytest.mark.parametrize("name", LAYERS)
def test_the_step_is_keras_s_own(name, biased):
    model, told, (loss, after) = told_and_trained(LAYERS[name], use_bias=biased)
    new = [value for name, value in told.items() if name.startswith("new ")]
    assert abs(told["loss"] - loss) <= 1e-14 * loss
    assert len(new) == len(model.weights)
    assert all(np.allclose(a, b, rtol=1e-13, atol=1e-15) for a, b in zip(new, after, strict=True))
    assert told["A1"].shape == told["dA1"].shape == (9, 4, 3)
    assert np.array_equal(told["A2 at time 4"], told["A2"])


def test_the_gates_of_an_lstm_make_its_state():
    _, told, _ = told_and_trained(LAYERS["lstm"])
    at = " at time 3"
    i, f, g, o = (told[f"A1 ({gate}){at}"] for gate in ("input gate", "forget gate", "candidate", "output gate"))
    assert np.allclose(told[f"C1{at}"], f * told["C1 at time 2"] + i * g, rtol=1e-14)
    assert np.allclose(told[f"A1{at}"], o * np.tanh(told[f"C1{at}"]), rtol=1e-14)
    assert np.array_equal(np.split(told[f"Z1{at}"], 4, axis=1)[1], told[f"Z1 (forget gate){at}"])
    parts = [told["dZ1 at time 4"], *(told[f"dZ1 at time {time}"] for time in (3, 2, 1))]
    assert np.allclose(told["db1"], sum(part.sum(axis=0) for part in parts), rtol=1e-12)
    assert np.allclose(
        told[f"dC1{at}"] * told["C1 at time 2"] * f * (1 - f), told[f"dZ1 (forget gate){at}"], rtol=1e-12
    )


@pytest.mark.parametrize("name", ["gru", "gru, reset before"])
def test_the_gates_of_a_gru_mix_its_state(name):
    _, told, _ = told_and_trained(LAYERS[name])
    z, new = told["A1 (update gate) at time 2"], told["A1 (candidate) at time 2"]
    assert np.allclose(told["A1 at time 2"], z * told["A1 at time 1"] + (1 - z) * new, rtol=1e-14)


def test_what_follows_from_a_replaced_gate_follows_from_it():
    model, told, _ = told_and_trained(LAYERS["lstm"])
    weights, x, y = batch(model)
    name = "dZ1 (forget gate) at time 3"
    changed = quantities(model, weights, x, y, {name: 2 * told[name]})
    assert np.allclose(changed["dZ1 at time 3"][:, 3:6], 2 * told["dZ1 at time 3"][:, 3:6])
    assert not np.allclose(changed["dW1"][:, 3:6], told["dW1"][:, 3:6])
    assert np.array_equal(changed["dU2"], told["dU2"])


def test_gradients_come_in_the_order_in_which_they_are_computed():
    _, told, _ = told_and_trained(LAYERS["simple"])
    backward = [name for name in told if name.startswith("d")]
    places = [
        backward.index(name) for name in ("dA3", "dZ3", "dW3", "dA2", "dA2 at time 4", "dZ2 at time 4", "dA2 at time 3")
    ]
    assert places == sorted(places)
    assert backward.index("dZ2 at time 1") < backward.index("dU2") < backward.index("dA1") < backward.index("dX")
