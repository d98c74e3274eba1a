"""How far rounding alone moves the scratch side of a pair: its noise floor, of one pair or of many at once."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from compare.agreement import tolerance
from compare.experiments.pair import Pair
from compare.recipe.architecture import Architecture
from compare.recipe.orders import permuted_inside_batches
from compare.recipe.protocol import Protocol
from compare.recipe.streams import one_ulp_apart
from compare.sides.sides import scratch_network

Array = NDArray[np.floating]

FLOOR_RUNS = 8  # runs that measure the noise floor
TOGETHER = 4_000_000  # numbers, of weights and orders, in a stack of such runs: a small network's step is overhead


class Floor(NamedTuple):
    """A run's noise floor: loss and accuracy of shape (epochs,), and one number for each tensor of the weights."""

    loss: Array
    accuracy: Array
    weights: list[float]


def measure_floors(
    pairs: Sequence[Pair], sequences: Sequence[np.random.SeedSequence], runs: int = FLOOR_RUNS
) -> list[Floor]:
    """Train runs that differ from each pair's scratch side by rounding alone; return each pair's largest drifts.

    The samples inside each batch come in other orders, which rounds the gradients' sums differently; and each initial
    weight is the same float or a neighbour, since the forward pass of a sample does not depend on the others. The pairs
    differ in their beginnings and orders alone: all runs are one stack, in which each has the numbers it has by itself.
    """
    course = pairs[0].course
    starts, orders = [], []
    for pair, sequence in zip(pairs, sequences, strict=True):
        order_sequence, weight_sequence = sequence.spawn(2)
        starts.append(one_ulp_apart(pair.course.start, runs, weight_sequence))
        batch_size = course.protocol.batch_size or course.dataset.n
        orders.append(permuted_inside_batches(pair.course.orders, batch_size, runs, order_sequence))
    stack = scratch_network(course.architecture, replicates=runs * len(pairs))
    stack.set_weights([np.concatenate(tensors) for tensors in zip(*starts, strict=True)])
    stack.train(*course.training, np.concatenate(orders))
    floors = []
    for number, pair in enumerate(pairs):
        own = slice(number * runs, (number + 1) * runs)
        tensors = zip(stack.get_weights(), pair.scratch.get_weights(), strict=True)
        floors.append(
            Floor(
                tolerance.sampled(stack.loss[own], pair.scratch.loss),
                tolerance.sampled(stack.accuracy[own], pair.scratch.accuracy),
                [float(tolerance.sampled(many[own], one).max()) for many, one in tensors],
            )
        )
    return floors


def together(pairs: Sequence[Pair]) -> list[list[int]]:
    """Return the places of pairs that are measured in one stack: alike, and not too many."""
    alike: dict[tuple[Architecture, Protocol, int], list[int]] = {}
    for place, pair in enumerate(pairs):
        alike.setdefault((pair.course.architecture, pair.course.protocol, id(pair.course.dataset)), []).append(place)
    found = []
    for places in alike.values():
        course = pairs[places[0]].course
        numbers = course.orders.size + sum(tensor.size for tensor in course.start)
        most = max(1, TOGETHER // (FLOOR_RUNS * numbers))
        found += [places[first : first + most] for first in range(0, len(places), most)]
    return found
