"""The orders in which samples are visited."""

import numpy as np
from numpy.typing import NDArray


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
