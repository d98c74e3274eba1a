import copy
import pickle

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


class Momentum(SGD):
    """As Keras has it: all that an optimizer needs that keeps something from step to step."""

    slots = 1

    def update(self, theta, gradient, slots=()):
        (velocity,) = slots
        velocity *= 0.9
        velocity -= self.learning_rate * gradient
        theta += velocity


@pytest.mark.parametrize("replicates", [None, 3])
def test_an_optimizer_may_keep_a_slot(make, data, replicates):
    rate = 0.1 if replicates is None else [0.1, 0.2, 0.3]
    net, alone = make(seed=0, replicates=replicates), make(seed=0, replicates=replicates)
    net.optimizer = Momentum(rate, "float64")
    net.train(data.X, data.y, 5)
    alone.build(4)
    weights = alone.get_weights()
    velocities = [np.zeros_like(array) for array in weights]
    for _ in range(5):
        for array, velocity, gradient in zip(weights, velocities, alone.gradients(data.X, data.y), strict=True):
            velocity[:] = 0.9 * velocity - np.reshape(rate, (-1, *[1] * (array.ndim - 1))) * gradient
            array += velocity
        alone.set_weights(weights)
    for ours, plain in zip(net.get_weights(), weights, strict=True):
        np.testing.assert_allclose(ours, plain, rtol=0, atol=1e-15)


@pytest.mark.parametrize("batch_size", [None, 8])
@pytest.mark.parametrize("replicates", [None, 3])
def test_slots_outlast_a_call_and_a_block(monkeypatch, make, data, replicates, batch_size):
    monkeypatch.setattr("scratch_nn.stack.BLOCK_BYTES", 1)  # each replicate a block of its own
    whole, halves = make(seed=0, replicates=replicates), make(seed=0, replicates=replicates)
    for net in (whole, halves):
        net.optimizer = Momentum(0.1, "float64")
    whole.train(data.X, data.y, 6, batch_size)
    for _ in range(2):
        halves.train(data.X, data.y, 3, batch_size)
    np.testing.assert_array_equal(whole.theta, halves.theta)


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda net: pickle.loads(pickle.dumps(net))])
def test_a_copy_has_slots_of_its_own(make, data, duplicate):
    net = make(seed=0)
    net.optimizer = Momentum(0.1, "float64")
    net.train(data.X, data.y, 3)
    twin, kept = duplicate(net), net.slots[0].copy()
    twin.train(data.X, data.y, 3)
    np.testing.assert_array_equal(net.slots[0], kept)
    net.train(data.X, data.y, 3)
    np.testing.assert_array_equal(net.theta, twin.theta)
