"""Where randomness comes from: streams named by their purpose, spawned from one seed."""

import zlib

import numpy as np
from numpy.typing import NDArray


def stream(seed: int, *purpose: str) -> np.random.SeedSequence:
    """Return the SeedSequence for one purpose, e.g. `stream(0, "matched", "keras", "orders")`.

    It depends on the seed and the purpose alone, not on what else the run draws.
    """
    return np.random.SeedSequence(seed, spawn_key=tuple(zlib.crc32(word.encode()) for word in purpose))


def children(sequence: np.random.SeedSequence, start: int, stop: int) -> list[np.random.SeedSequence]:
    """Return the sequence's children `start`, ..., `stop - 1`: those of `spawn(stop)`, without spawning the others."""
    parent = np.random.SeedSequence(sequence.entropy, spawn_key=sequence.spawn_key, n_children_spawned=start)
    return parent.spawn(stop - start)


def one_ulp_apart(
    weights: list[NDArray[np.floating]], count: int, sequence: np.random.SeedSequence
) -> list[NDArray[np.floating]]:
    """Return `count` variants of the weights, each value the same float or one of its two neighbours; zeros stay.

    Returns
    -------
    list of arrays of shape (count, ...)
    """
    rng = np.random.default_rng(sequence)
    many = [np.tile(tensor, (count, *(1,) * tensor.ndim)) for tensor in weights]
    return [
        np.nextafter(tensor, tensor * (1 + rng.integers(-1, 2, tensor.shape)).astype(tensor.dtype)) for tensor in many
    ]


def integer_seeds(sequence: np.random.SeedSequence, count: int) -> list[int]:
    """Return `count` seeds for a generator that takes integers, as Keras's initializers do."""
    return [int(child.generate_state(1)[0] >> 1) for child in sequence.spawn(count)]
