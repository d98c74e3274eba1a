"""A copied model is the model: its loss as it was made, constants rounded or exact, formulas Keras's or others."""

import keras
import numpy as np
import pytest

from keras_ref import copied, knows_otherwise, model_steps, reads_indices
from keras_ref.ways import computed_otherwise
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
        model_steps(copied(model, "float64", otherwise=other), X, Y, alone, [weights], [0]) for other in (False, True)
    )
    off = abs(plain.loss[0] - centred.loss[0])
    assert 0 < off <= 1e-11 * plain.loss[0]
    hat = weights[3] @ weights[-2] + weights[-1]  # one sample is its mean
    assert centred.loss[0] == pytest.approx(np.mean((hat - Y[0]) ** 2), rel=1e-15)
    kept = keras.src.backend.tensorflow.nn.batch_normalization
    with computed_otherwise():
        assert keras.src.backend.tensorflow.nn.batch_normalization is not kept
    assert keras.src.backend.tensorflow.nn.batch_normalization is kept


@pytest.mark.parametrize(("name", "size"), [("sigmoid", 34.0), ("tanh", 17.0)])
def test_a_derivative_far_out_is_the_same_in_another_way_but_for_an_ulp_of_what_comes_out(name, size):
    model = compiled((1,), [keras.layers.Dense(1, name, use_bias=False)], "mse", keras.optimizers.SGD(2.0**60))
    X, Y, W = np.ones((6, 1)), np.zeros((6, 1)), [np.array([[size]])]
    plain, other = (step(model, W, X, Y, otherwise=other).weights[0][0] - size for other in (False, True))
    slope = np.exp(-size) if name == "sigmoid" else 4 * np.exp(-2 * size)
    assert other == pytest.approx(-(2.0**61) * slope, rel=1e-8)
    assert 0.01 < abs(plain / other - 1) < 1  # y is 1 but for an ULP or a few


def test_what_a_model_reads_and_can_be_computed_otherwise_is_known():
    layers = [keras.layers.Embedding(7, 2), keras.layers.GlobalAveragePooling1D(), keras.layers.Dense(2)]
    words = compiled((4,), layers, "mse", keras.optimizers.SGD(0.1))
    other = [keras.layers.Dense(2), keras.layers.BatchNormalization()]
    numbers = compiled((4,), other, "mse", keras.optimizers.SGD(0.1))
    assert (reads_indices(words), knows_otherwise(words)) == (True, False)
    assert (reads_indices(numbers), knows_otherwise(numbers)) == (False, True)
