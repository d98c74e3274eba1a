"""Gradients: against Keras's, and in float64 against central differences of the scratch loss itself."""

import numpy as np
import pytest
import tensorflow as tf

from keras_ref.precision import precision
from scratch_nn import Network
from tests.parity.sides import DTYPES, STACKS, TOLERANCE, largest_gap, pair


def keras_gradients(model, X, y, dtype):
    onehot = np.eye(3, dtype=dtype)[y]
    with precision(dtype), tf.GradientTape() as tape:
        loss = model.compute_loss(y=onehot, y_pred=model(X.astype(dtype), training=True))
    return [gradient.numpy() for gradient in tape.gradient(loss, model.trainable_variables)]


def loss_of(network, X, y):
    P = network.predict_proba(X)
    return -np.log(P[np.arange(len(y)), y]).mean()


def central_differences(network, X, y, h=1e-5):
    """(L(w + h) - L(w - h)) / 2h for every weight."""
    weights = network.get_weights()
    estimates = [np.empty_like(array) for array in weights]
    for array, estimate in zip(weights, estimates, strict=True):
        for at in np.ndindex(array.shape):
            value, losses = array[at], []
            for shift in (h, -h):
                array[at] = value + shift
                network.set_weights(weights)
                losses.append(loss_of(network, X, y))
            array[at] = value
            estimate[at] = (losses[0] - losses[1]) / (2 * h)
    network.set_weights(weights)
    return estimates


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("units", STACKS)
@pytest.mark.parametrize("rows", [slice(None), slice(32), slice(22), slice(1)], ids=["all", "32", "22", "1"])
def test_gradients_equal_keras(iris, units, dtype, rows):
    scratch, model = pair(units, dtype, seed=1)
    X, y = iris.X[rows], iris.y[rows]
    assert largest_gap(scratch.gradients(X, y), keras_gradients(model, X, y, dtype)) <= TOLERANCE[dtype]


@pytest.mark.parametrize("seed", range(3))
def test_gradients_equal_central_differences(iris, seed):
    scratch, _ = pair(STACKS[0], "float64", seed)
    X, y = iris.X[::7], iris.y[::7]
    # Truncation h^2 and rounding eps / h leave about 1e-10 of gradients of order one.
    assert largest_gap(scratch.gradients(X, y), central_differences(scratch, X, y)) < 1e-8


class ForgottenMask(Network):
    """Leaves the ReLU derivative out."""

    def backward(self, work):
        for layer in work.layers:
            layer.Z[...] = np.abs(layer.Z) + 1
        super().backward(work)


def test_a_missing_relu_derivative_is_seen(iris):
    scratch, model = pair(STACKS[0], "float64", seed=1, kind=ForgottenMask)
    X, y = iris.X, iris.y
    assert largest_gap(scratch.gradients(X, y), keras_gradients(model, X, y, "float64")) > 1e-3
    assert largest_gap(scratch.gradients(X[::7], y[::7]), central_differences(scratch, X[::7], y[::7])) > 1e-3
