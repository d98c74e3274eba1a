"""A copied model is the model: its loss as it was made, its constants rounded or exact, and how it normalises."""

import keras
import numpy as np
import pytest

from keras_ref import copied, model_steps, normalises, reads_indices
from keras_ref.ways import centred_normalisation
from tests.keras_ref.test_stepping import BATCHES, compiled, drawn

LOSSES = {
    "huber": lambda: keras.losses.Huber(delta=0.25),
    "smoothed": lambda: keras.losses.BinaryCrossentropy(from_logits=True, label_smoothing=0.25),
    "summed": lambda: keras.losses.MeanSquaredError(reduction="sum"),
}


def step(model, weights, X, Y, **options):
    return model_steps(copied(model, "float64", **options), X, Y, BATCHES[:1], [weights], [0])


@pytest.mark.parametrize("name", LOSSES)
def test_a_copy_keeps_what_its_loss_was_made_with(name):
    model = compiled((4,), [keras.layers.Dense(2)], LOSSES[name](), keras.optimizers.SGD(0.1))
    X, Y, weights = drawn(model)
    model.set_weights(weights)
    assert step(model, weights, X, Y).loss[0] == pytest.approx(model.test_on_batch(X[:6], Y[:6]), rel=1e-5)


def gelu(Z):
    phi = np.sqrt(2 / np.pi) * (Z + 0.044715 * Z**3)
    return 0.5 * Z * (1 + np.tanh(phi))


def leaky(slope):
    return lambda Z: np.where(Z > 0, Z, slope * Z)


@pytest.mark.parametrize(
    ("layer", "function"),
    [
        (lambda: keras.layers.LeakyReLU(negative_slope=0.1), leaky(0.1)),
        (lambda: keras.layers.Activation("leaky_relu"), leaky(0.2)),
        (lambda: keras.layers.Activation(lambda Z: keras.activations.gelu(Z, approximate=True)), gelu),
    ],
)
def test_an_exact_copy_takes_an_activation_s_constant_as_it_is(layer, function):
    model = compiled((4,), [keras.layers.Dense(2), layer()], "mse", keras.optimizers.SGD(0.1))
    X, Y, (W, b) = drawn(model)
    right = np.mean((function(X[:6] @ W + b) - Y[:6]) ** 2)
    exact, plain = (step(model, [W, b], X, Y, exact=exact).loss[0] for exact in (True, False))
    assert exact == pytest.approx(right, rel=1e-14)
    assert abs(plain - right) > 1e-10 * right


@pytest.mark.parametrize("exact", [True, False])
def test_an_exact_copy_decays_by_what_was_written(exact):
    optimizer = keras.optimizers.SGD(0.5, weight_decay=0.1)
    model = compiled((4,), [keras.layers.Dense(2)], "mse", optimizer)
    X, Y, weights = drawn(model)
    bare = compiled((4,), [keras.layers.Dense(2)], "mse", keras.optimizers.SGD(0.5))
    pull = step(bare, weights, X, Y).weights[0][0] - step(model, weights, X, Y, exact=exact).weights[0][0]
    assert np.allclose(pull / weights[0], 0.5 * (0.1 if exact else float(np.float32(0.1))), rtol=1e-12)


def test_a_normalisation_is_the_same_in_another_way_but_for_rounding():
    layers = [keras.layers.Dense(5), keras.layers.BatchNormalization(epsilon=1e-5), keras.layers.Dense(2)]
    model = compiled((4,), layers, "mse", keras.optimizers.SGD(0.1))
    X, Y, weights = drawn(model)
    alone = [np.arange(1)]
    plain, centred = (
        model_steps(copied(model, "float64", centred=centred), X, Y, alone, [weights], [0]) for centred in (False, True)
    )
    off = abs(plain.loss[0] - centred.loss[0])
    assert 0 < off <= 1e-11 * plain.loss[0]
    hat = weights[3] @ weights[-2] + weights[-1]  # one sample is its mean
    assert centred.loss[0] == pytest.approx(np.mean((hat - Y[0]) ** 2), rel=1e-15)
    kept = keras.src.backend.tensorflow.nn.batch_normalization
    with centred_normalisation():
        assert keras.src.backend.tensorflow.nn.batch_normalization is not kept
    assert keras.src.backend.tensorflow.nn.batch_normalization is kept


def test_what_a_model_reads_and_normalises_is_known():
    layers = [keras.layers.Embedding(7, 2), keras.layers.GlobalAveragePooling1D(), keras.layers.Dense(2)]
    words = compiled((4,), layers, "mse", keras.optimizers.SGD(0.1))
    other = [keras.layers.Dense(2), keras.layers.BatchNormalization()]
    numbers = compiled((4,), other, "mse", keras.optimizers.SGD(0.1))
    assert (reads_indices(words), normalises(words)) == (True, False)
    assert (reads_indices(numbers), normalises(numbers)) == (False, True)
