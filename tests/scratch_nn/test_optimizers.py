import numpy as np
import pytest

from scratch_nn.optimizers import SGD


def test_update_is_theta_less_rate_times_gradient():
    theta, gradient = np.array([1.0, 2.0, -3.0]), np.array([10.0, 0.0, 4.0])
    SGD(0.5, "float64").update(theta, gradient)
    assert theta.tolist() == [-4, 2, -5]


@pytest.mark.parametrize("rate", [0.1, [0.1, 0.2]])
def test_float32_parameters_see_a_float32_rate(rate):
    """0.1 is not a float32: with the rate in float64 the product would be rounded once, not twice."""
    theta, gradient = np.ones((2, 1000), "float32"), np.linspace(1, 2, 2000, dtype="float32").reshape(2, 1000)
    expected = theta - np.float32(np.reshape(rate, (-1, 1))) * gradient
    SGD(rate, "float32").update(theta, gradient)
    np.testing.assert_array_equal(theta, expected)
    assert theta.dtype == np.float32


def test_each_replicate_has_its_rate_and_so_has_a_part():
    optimizer = SGD([1.0, 2.0, 3.0], "float64")
    theta = np.zeros((3, 2))
    optimizer.update(theta, np.ones((3, 2)))
    assert theta[:, 0].tolist() == [-1, -2, -3]
    part = np.zeros((2, 2))
    optimizer.part(slice(1, 3)).update(part, np.ones((2, 2)))
    assert part[:, 0].tolist() == [-2, -3]


def test_a_part_of_one_rate_for_all_is_that_rate():
    optimizer = SGD(0.1, "float32")
    assert optimizer.part(slice(0, 1)).learning_rate == optimizer.learning_rate
