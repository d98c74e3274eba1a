"""Noise floors: rounding and not nothing, the same whether measured alone or together."""

import numpy as np

from compare.experiments.floors import measure_floors
from compare.experiments.pair import Course, train_pair
from compare.recipe.architecture import dense
from compare.recipe.orders import in_order
from compare.recipe.protocol import Protocol
from compare.recipe.streams import stream
from compare.sides.sides import initial_weights


def test_the_floor_is_rounding_and_not_nothing(iris):
    architecture, protocol = dense((4, 6, 3)), Protocol("short", 5, None)
    start = initial_weights(architecture, 0, "scratch")
    both = train_pair(Course(architecture, iris, protocol, in_order(5, iris.n), start))
    (floor,) = measure_floors([both], [stream(0, "test")])
    assert 0 < floor.loss.max() < 1e-13
    assert 0 < min(floor.weights) <= max(floor.weights) < 1e-13
    assert not floor.accuracy.any()


def test_floors_measured_together_are_those_measured_alone(iris):
    protocol, pairs = Protocol("short", 4, 32), []
    for seed in range(3):
        architecture = dense((4, 6, 3))
        orders = protocol.orders(stream(seed, "orders"), iris.n)
        start = initial_weights(architecture, seed, "scratch")
        pairs.append(train_pair(Course(architecture, iris, protocol, orders, start)))
    together = measure_floors(pairs, [stream(seed, "floor") for seed in range(3)])
    for seed, floor in enumerate(together):
        (alone,) = measure_floors([pairs[seed]], [stream(seed, "floor")])
        assert np.array_equal(floor.loss, alone.loss)
        assert np.array_equal(floor.accuracy, alone.accuracy)
        assert floor.weights == alone.weights
    assert together[0].weights != together[1].weights
