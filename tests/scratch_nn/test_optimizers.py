import copy
import pickle
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest

from scratch_nn.optimizers import SGD, Adagrad, Adam, RMSprop


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


def momentum(g, w, state, rate, nesterov=False):
    mu = np.float64(np.float32(0.9))
    state["v"] = mu * state.get("v", 0) - rate * g
    return w + (mu * state["v"] - rate * g if nesterov else state["v"])


def rmsprop(g, w, state, rate):
    state["v"] = 0.8 * state.get("v", 0) + (1 - 0.8) * g**2
    return w - rate * g / np.sqrt(state["v"] + 1e-7)


def adagrad(g, w, state, rate):
    state["a"] = state.get("a", np.float64(np.float32(0.1))) + g**2
    return w - rate * g / np.sqrt(state["a"] + 1e-7)


def adam(g, w, state, rate):
    state["t"] = t = state.get("t", 0) + 1
    state["m"] = 0.9 * state.get("m", 0) + (1 - 0.9) * g
    state["v"] = 0.99 * state.get("v", 0) + (1 - 0.99) * g**2
    ends = [1 - np.float64(np.float32(beta)) ** t for beta in (0.9, 0.99)]
    return w - rate * np.sqrt(ends[1]) / ends[0] * state["m"] / (np.sqrt(state["v"]) + 1e-7)


RULES: dict[str, tuple[Any, dict[str, Any], Callable[..., Any]]] = {
    "momentum": (SGD, {"momentum": 0.9}, momentum),
    "nesterov": (SGD, {"momentum": 0.9, "nesterov": True}, partial(momentum, nesterov=True)),
    "rmsprop": (RMSprop, {"rho": 0.8}, rmsprop),
    "adagrad": (Adagrad, {}, adagrad),
    "adam": (Adam, {"beta_2": 0.99}, adam),
}


@pytest.mark.parametrize("replicates", [None, 3])
@pytest.mark.parametrize(("kind", "arguments", "written_out"), RULES.values(), ids=RULES)
def test_each_rule_is_the_one_written_out(make, data, replicates, kind, arguments, written_out):
    rate = 0.1 if replicates is None else [0.1, 0.2, 0.3]
    net, alone = make(seed=0, replicates=replicates), make(seed=0, replicates=replicates)
    net.optimizer = kind(rate, "float64", **arguments)
    net.train(data.X, data.y, 5)
    alone.build(4)
    weights = alone.get_weights()
    states: list[dict[str, np.ndarray]] = [{} for _ in weights]
    for _ in range(5):
        for array, state, gradient in zip(weights, states, alone.gradients(data.X, data.y), strict=True):
            array[...] = written_out(gradient, array, state, np.reshape(rate, (-1, *[1] * (array.ndim - 1))))
        alone.set_weights(weights)
    for ours, plain in zip(net.get_weights(), weights, strict=True):
        np.testing.assert_allclose(ours, plain, rtol=1e-12, atol=1e-13)


def test_nesterov_without_momentum_is_plain(make, data):
    plain, nesterov = make(seed=0), make(seed=0)
    nesterov.optimizer = SGD(0.01, "float64", nesterov=True)
    for net in (plain, nesterov):
        net.train(data.X, data.y, 3)
    np.testing.assert_array_equal(plain.theta, nesterov.theta)


@pytest.fixture(params=[partial(kind, **arguments) for kind, arguments, _ in RULES.values()], ids=list(RULES))
def rule(request):
    return request.param


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_stack_is_bit_equal_to_each_replicate_alone(make, data, rule, dtype):
    rates = [0.01, 0.02, 0.03]
    stack = make(seed=[0, 1, 2], replicates=3, dtype=dtype)
    stack.optimizer = rule(rates, dtype)
    stack.train(data.X, data.y, 4, batch_size=8)
    for replicate, rate in enumerate(rates):
        net = make(seed=replicate, dtype=dtype)
        net.optimizer = rule(rate, dtype)
        net.train(data.X, data.y, 4, batch_size=8)
        np.testing.assert_array_equal(stack.theta[replicate], net.theta)
        assert net.theta.dtype == dtype


@pytest.mark.parametrize("batch_size", [None, 8])
@pytest.mark.parametrize("replicates", [None, 3])
def test_slots_outlast_a_call_and_a_block(monkeypatch, make, data, rule, replicates, batch_size):
    monkeypatch.setattr("scratch_nn.stack.BLOCK_BYTES", 1)  # each replicate a block of its own
    whole, halves = make(seed=0, replicates=replicates), make(seed=0, replicates=replicates)
    for net in (whole, halves):
        net.optimizer = rule(0.1, "float64")
    whole.train(data.X, data.y, 6, batch_size)
    for _ in range(2):
        halves.train(data.X, data.y, 3, batch_size)
    np.testing.assert_array_equal(whole.theta, halves.theta)


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda net: pickle.loads(pickle.dumps(net))])
def test_a_copy_has_slots_of_its_own(make, data, rule, duplicate):
    net = make(seed=0)
    net.optimizer = rule(0.1, "float64")
    net.train(data.X, data.y, 3)
    twin, kept = duplicate(net), net.slots[0].copy()
    twin.train(data.X, data.y, 3)
    np.testing.assert_array_equal(net.slots[0], kept)
    net.train(data.X, data.y, 3)
    np.testing.assert_array_equal(net.theta, twin.theta)
