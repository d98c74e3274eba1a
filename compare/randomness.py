"""All randomness of a run comes from its seed: each use has a named stream, so that one never shifts another."""

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


def batch_orders(sequence: np.random.SeedSequence, epochs: int, n: int) -> NDArray[np.intp]:
    """Draw the order in which each epoch visits n samples: (epochs, n)."""
    rng = np.random.default_rng(sequence)
    return rng.permuted(np.tile(np.arange(n), (epochs, 1)), axis=1)


def in_order(epochs: int, n: int) -> NDArray[np.intp]:
    """Full batches visit the samples as they lie: (epochs, n)."""
    return np.tile(np.arange(n), (epochs, 1))


def permuted_inside_batches(
    orders: NDArray[np.intp], batch_size: int, count: int, sequence: np.random.SeedSequence
) -> NDArray[np.intp]:
    """Return `count` variants of the orders with the same samples in every batch, in another order inside it.

    Parameters
    ----------
    orders : array of shape (epochs, n)
    batch_size : int

    Returns
    -------
    array of shape (count, epochs, n)
    """
    rng = np.random.default_rng(sequence)
    variants = np.tile(orders, (count, 1, 1))
    for start in range(0, orders.shape[1], batch_size):
        batch = variants[..., start : start + batch_size]
        rng.permuted(batch, axis=-1, out=batch)
    return variants


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
