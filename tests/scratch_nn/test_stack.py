"""A stack of replicates is what each of them is alone, to the last bit, however it is cut into blocks."""

import numpy as np
import pytest

from scratch_nn.activations import ACTIVATIONS
from scratch_nn.layers import DenseLayer
from scratch_nn.parameters import Parameters
from scratch_nn.stack import BLOCK_BYTES, blocks, replicates_per_block


def test_a_block_holds_at_least_one_replicate_and_more_of_smaller_batches():
    assert replicates_per_block(9, 10**9, 8) == 1
    assert replicates_per_block(9, 75, 4) == 2 * replicates_per_block(9, 150, 4)
    block = replicates_per_block(9, 150, 4)
    assert 4 * 9 * 150 * 4 * block <= BLOCK_BYTES < 4 * 9 * 150 * 4 * (block + 1)


@pytest.mark.parametrize("samples", [10, 100_000])
def test_blocks_are_as_large_as_may_be_and_hold_every_replicate_once(samples):
    parameters = Parameters([DenseLayer(6), DenseLayer(3)], 4, 7, np.dtype("float64"))
    size = replicates_per_block(9, samples, 8)
    held = [np.arange(7)[rows] for rows in blocks(parameters, samples)]
    assert np.concatenate(held).tolist() == list(range(7))
    assert len(held[0]) == min(size, 7)


ORDERS = ["none", "shared", "own"]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("block_bytes", [1, 5_000, 2**22])
@pytest.mark.parametrize("orders", ORDERS)
@pytest.mark.parametrize("batch_size", [None, 1, 4, 8])
def test_a_stack_is_bit_equal_to_each_replicate_alone(monkeypatch, make, data, dtype, block_bytes, orders, batch_size):
    replicates, epochs = 5, 3
    monkeypatch.setattr("scratch_nn.stack.BLOCK_BYTES", block_bytes)
    rates, seeds = np.linspace(0.01, 0.5, replicates), list(range(replicates))
    rng = np.random.default_rng(0)
    own = np.array([[rng.permutation(23) for _ in range(epochs)] for _ in range(replicates)])
    given_orders = {"none": None, "shared": own[0], "own": own}[orders]
    stack = make(seed=seeds, learning_rate=rates, dtype=dtype, replicates=replicates)
    stack.train(data.X, data.y, epochs, batch_size, given_orders)
    assert stack.loss.shape == stack.accuracy.shape == (replicates, epochs)
    probabilities = stack.predict_proba(data.X)
    for replicate, seed in enumerate(seeds):
        net = make(seed=seed, learning_rate=rates[replicate], dtype=dtype)
        net.train(data.X, data.y, epochs, batch_size, own[replicate] if orders == "own" else given_orders)
        np.testing.assert_array_equal(stack.loss[replicate], net.loss)
        np.testing.assert_array_equal(stack.accuracy[replicate], net.accuracy)
        np.testing.assert_equal([array[replicate] for array in stack.get_weights()], net.get_weights())
        np.testing.assert_array_equal(probabilities[replicate], net.predict_proba(data.X))


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_stack_is_bit_equal_with_every_activation_and_step_by_step(make, data, activation, dtype):
    layers = ((7, activation), (5, activation), 3)
    stack = make(layers, seed=[4, 5], dtype=dtype, replicates=2)
    alone = make(layers, seed=5, dtype=dtype)
    for _ in range(3):
        stacked = stack.train_on_batch(data.X, data.y)
        single = alone.train_on_batch(data.X, data.y)
        assert [value[1] for value in stacked] == list(single)
    np.testing.assert_equal([array[1] for array in stack.gradients(data.X, data.y)], alone.gradients(data.X, data.y))
    np.testing.assert_array_equal(stack.predict(data.X)[1], alone.predict(data.X))


def test_a_stack_sees_a_replicate_that_differs(make, data):
    """The comparison above can fail: another rate for one replicate changes that one and no other."""
    runs = []
    for rates in ([0.1, 0.1, 0.1], [0.1, 0.1000001, 0.1]):
        net = make(seed=3, learning_rate=rates, replicates=3)
        net.train(data.X, data.y, 5)
        runs.append(net.loss)
    assert (runs[0] != runs[1]).any(axis=1).tolist() == [False, True, False]


def test_replicates_of_one_seed_each_draw_their_own_weights_and_orders(make, data):
    net = make(seed=0, replicates=3)
    net.train(data.X, data.y, 2, batch_size=8)
    assert len(np.unique(net.loss[:, 0])) == 3
