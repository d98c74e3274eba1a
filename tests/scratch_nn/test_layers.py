import re
from typing import Any, NamedTuple

import numpy as np
import pytest

from scratch_nn.activations import ACTIVATIONS
from scratch_nn.layers import BoundDense, DenseLayer, Weight


@pytest.mark.parametrize("units", [0, -3, 2.0, "4", None, True])
def test_units_must_be_a_positive_integer(units):
    with pytest.raises(ValueError, match=re.escape(f"`units` must be a positive integer. Received: units={units!r}")):
        DenseLayer(units)


def test_an_unknown_activation_is_told_with_the_known_ones():
    with pytest.raises(
        ValueError,
        match=r"^`activation` must be one of linear, relu, leaky_relu, sigmoid, tanh, softmax\. "
        r"Received: activation='gelu'$",
    ):
        DenseLayer(3, "gelu")


def test_numpy_integers_are_integers():
    units: Any = np.int64(3)
    assert DenseLayer(units).units == 3


def test_repr_reads_like_its_constructor():
    assert [repr(DenseLayer(6)), repr(DenseLayer(3, "tanh"))] == ["DenseLayer(6)", "DenseLayer(3, 'tanh')"]
    assert repr(DenseLayer(3, use_bias=False)) == "DenseLayer(3, use_bias=False)"


@pytest.mark.parametrize("activation", [None, "tanh"])
def test_a_default_activation_goes_to_a_layer_without_one(activation):
    layer = DenseLayer(3, activation)
    assert layer.with_default("softmax").activation == (activation or "softmax")
    assert layer.activation == activation
    assert not DenseLayer(3, use_bias=False).with_default("softmax").use_bias


def test_a_layer_says_what_its_weights_are():
    kernel, bias = DenseLayer(3).weights(inputs=2, layer=5)
    assert kernel == Weight(layer=5, name="kernel", role="kernel", shape=(2, 3))
    assert bias == Weight(layer=5, name="bias", role="bias", shape=(3,))
    assert [kernel.size, bias.size] == [6, 3]


@pytest.mark.parametrize("leading", [(), (4,)])
def test_views_have_the_weights_shapes_and_share_every_parameter(leading):
    layer, flat = DenseLayer(3), np.zeros((*leading, 9))
    views = layer.views(flat)
    assert [view.shape for view in views] == [(*leading, *weight.shape) for weight in layer.weights(2, 0)]
    for view in views:
        view += 1
    assert (flat == 1).all()


class Bound(NamedTuple):
    """A layer by itself, in arrays of its own: 3 units over 2 inputs, 4 samples."""

    layer: BoundDense
    theta: np.ndarray
    gradient: np.ndarray
    X: np.ndarray
    dX: np.ndarray
    kernel: np.ndarray
    bias: np.ndarray


def bind(activation, leading=()):
    rng = np.random.default_rng(0)
    declared = DenseLayer(3, activation)
    theta, gradient = rng.normal(size=(*leading, 9)), np.full((*leading, 9), np.nan)
    X = np.concatenate([rng.normal(size=(*leading, 2, 4)), np.ones((*leading, 1, 4))], axis=-2)
    dX = np.full((*leading, 2, 4), np.nan)
    return Bound(
        declared.bind(theta, gradient, X, dX, logits=activation == "softmax"),
        theta,
        gradient,
        X,
        dX,
        *declared.views(theta),
    )


def test_forward_gives_Z_and_A_and_a_row_of_ones():
    layer, *_, X, _, kernel, bias = bind("relu")
    layer.forward()
    np.testing.assert_allclose(layer.Z, kernel.T @ X[:-1] + bias[:, np.newaxis], rtol=1e-14)
    np.testing.assert_array_equal(layer.output, np.vstack([np.maximum(layer.Z, 0), np.ones((1, 4))]))


def test_before_a_loss_logits_go_out_and_dZ_comes_in():
    layer, _, gradient, X, dX, kernel, bias = bind("softmax")
    layer.forward()
    np.testing.assert_allclose(layer.output, kernel.T @ X[:-1] + bias[:, np.newaxis], rtol=1e-14)
    layer.error[:] = dZ = np.random.default_rng(1).normal(size=(3, 4))
    layer.backward()
    d_kernel, d_bias = DenseLayer(3).views(gradient)
    np.testing.assert_allclose(d_kernel, X[:-1] @ dZ.T, rtol=1e-13)
    np.testing.assert_allclose(d_bias, dZ.sum(axis=1), rtol=1e-13)
    np.testing.assert_allclose(dX, kernel @ dZ, rtol=1e-13)


@pytest.mark.parametrize("leading", [(), (2,)])
@pytest.mark.parametrize("activation", [*ACTIVATIONS, "softmax"])
def test_a_layer_by_itself_has_the_gradient_of_what_comes_out_of_it(activation, leading):
    """It applies its own derivative: given the error of its output, it needs nobody's help."""
    layer, theta, gradient, X, dX, *_ = bind(activation, leading)
    error = np.random.default_rng(1).normal(size=(*leading, 3, 4))

    def total():
        layer.forward()
        return (layer.output[..., :3, :] * error).sum()

    def slopes(array):
        found, h = np.empty_like(array), 1e-6
        for index in np.ndindex(array.shape):
            kept, ends = array[index], []
            for array[index] in (kept + h, kept - h):
                ends.append(total())
            array[index] = kept
            found[index] = (ends[0] - ends[1]) / (2 * h)
        return found

    d_theta, d_X = slopes(theta), slopes(X)[..., :-1, :]
    layer.forward()
    layer.error[:] = error
    layer.backward()
    np.testing.assert_allclose(gradient, d_theta, rtol=0, atol=1e-8)
    np.testing.assert_allclose(dX, d_X, rtol=0, atol=1e-8)


def test_the_error_of_the_input_is_computed_only_where_it_is_asked_for():
    _, theta, gradient, X, *_ = bind("tanh")
    first = DenseLayer(3, "tanh").bind(theta, gradient, X, None)
    before = X.copy()
    first.forward()
    first.error[:] = 1
    first.backward()
    assert np.isfinite(gradient).all()
    np.testing.assert_array_equal(X, before)


def test_without_a_bias_the_row_of_ones_is_left_alone():
    declared = DenseLayer(3, "linear", use_bias=False)
    assert [weight.role for weight in declared.weights(inputs=2, layer=0)] == ["kernel"]
    rng = np.random.default_rng(0)
    theta, gradient = rng.normal(size=6), np.full(6, np.nan)
    X, dX = np.vstack([rng.normal(size=(2, 4)), np.ones(4)]), np.full((2, 4), np.nan)
    layer = declared.bind(theta, gradient, X, dX)
    (kernel,), (d_kernel,) = declared.views(theta), declared.views(gradient)
    layer.forward()
    np.testing.assert_allclose(layer.Z, kernel.T @ X[:-1], rtol=1e-14)
    layer.error[:] = dZ = rng.normal(size=(3, 4))
    layer.backward()
    np.testing.assert_allclose(d_kernel, X[:-1] @ dZ.T, rtol=1e-13)
    np.testing.assert_allclose(dX, kernel @ dZ, rtol=1e-13)
