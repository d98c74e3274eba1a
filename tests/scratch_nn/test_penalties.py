import numpy as np
import pytest

from scratch_nn.penalties import Penalty

KERNELS = [np.array([[1.0, -2.0], [0.0, 0.5]]), np.array([[3.0], [-0.25]])]


def test_what_kernels_cost_is_neither_halved_nor_averaged():
    assert Penalty(0.5, 0.25).value(KERNELS) == 0.5 * (3.5 + 3.25) + 0.25 * (5.25 + 9.0625)


def test_its_slope_is_added_and_zero_at_zero():
    gradients = [np.ones_like(W) for W in KERNELS]
    Penalty(0.5, 0.25).add_gradient(KERNELS, gradients)
    assert gradients[0].tolist() == [[2, -0.5], [1, 1.75]]
    assert gradients[1].tolist() == [[3], [0.375]]


def test_factors_are_rounded_as_keras_rounds_them():
    assert Penalty(0.1, 0.0).value([np.ones((1, 1))]) == np.float32(0.1)
    assert Penalty(0.0, 0.1).value([np.ones((1, 1))]) == np.float32(0.1)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_stack_pays_replicate_by_replicate(dtype):
    W = np.random.default_rng(0).normal(size=(5, 8, 3)).astype(dtype)
    stacked = Penalty(0.1, 0.2).value([W, W])
    assert stacked.dtype == dtype
    np.testing.assert_array_equal(stacked, [Penalty(0.1, 0.2).value([each, each]) for each in W])
