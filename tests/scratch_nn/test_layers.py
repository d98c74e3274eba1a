import re
from typing import Any

import numpy as np
import pytest

from scratch_nn.layers import DenseLayer, LayerWork


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


@pytest.fixture
def pair():
    """A ReLU layer of 3 units over 2 inputs, and an output layer of 2 units, 4 samples."""
    rng = np.random.default_rng(0)
    X = np.vstack([rng.normal(size=(2, 4)), np.ones((1, 4))])
    lower = LayerWork(DenseLayer(3), rng.normal(size=(3, 3)), np.empty((3, 3)), X, hidden=True)
    upper = LayerWork(DenseLayer(2), rng.normal(size=(2, 4)), np.empty((2, 4)), lower.A_and_ones, hidden=False)
    return lower, upper


def test_forward_is_W_X_plus_b_and_the_output_layer_leaves_logits(pair):
    lower, upper = pair
    DenseLayer(3).forward(lower)
    DenseLayer(2).forward(upper)
    Z = lower.W[:, :-1] @ lower.A_in[:-1] + lower.W[:, -1:]
    np.testing.assert_allclose(lower.Z, Z, rtol=1e-14)
    np.testing.assert_array_equal(lower.A, np.maximum(lower.Z, 0))
    np.testing.assert_allclose(upper.Z, upper.W[:, :-1] @ lower.A + upper.W[:, -1:], rtol=1e-14)


def test_backward_gives_dW_db_and_the_error_below(pair):
    lower, upper = pair
    DenseLayer(3).forward(lower)
    DenseLayer(2).forward(upper)
    upper.dZ[:] = dZ = np.random.default_rng(1).normal(size=(2, 4))
    DenseLayer(2).backward(upper, lower)
    np.testing.assert_allclose(upper.dW[:, :-1], dZ @ lower.A.T, rtol=1e-13)
    np.testing.assert_allclose(upper.dW[:, -1], dZ.sum(axis=1), rtol=1e-13)
    np.testing.assert_allclose(lower.dZ, (upper.W[:, :-1].T @ dZ) * (lower.Z > 0), rtol=1e-13)
    DenseLayer(3).backward(lower, None)
    np.testing.assert_allclose(lower.dW[:, -1], lower.dZ.sum(axis=1), rtol=1e-13)
