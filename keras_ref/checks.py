"""Arguments of a training run, checked before Keras sees them: its own messages about them are obscure."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

Array = NDArray[np.floating]


def positive(name: str, value: int) -> int:
    """Return a positive integer."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
        raise ValueError(f"`{name}` must be a positive integer. Received: {name}={value!r}")
    return int(value)


def data(X: ArrayLike, y: ArrayLike, n_features: int, outputs: int, dtype: str) -> tuple[Array, Array]:
    """Return X of shape (n, n_features), and Y of shape (n, outputs), both in the dtype.

    Of several outputs, integers y of shape (n,) are labels, and one-hot encoded.
    """
    X, labels = np.asarray(X, dtype), np.asarray(y)
    if X.ndim != 2 or X.shape[1] != n_features or len(X) == 0:
        raise ValueError(f"`X` must have shape (n, {n_features}), n > 0. Received: shape={X.shape}")
    n = len(X)
    if labels.dtype.kind in "biuf" and labels.shape in [(n, outputs)] + [(n,)] * (outputs == 1):
        return X, labels.reshape(n, outputs).astype(dtype)
    if labels.shape != (n,) or labels.dtype.kind not in "iu":
        expected = f"integers of shape ({n},), or numbers of shape ({n}, {outputs})"
        raise ValueError(f"`y` must be {expected}. Received: shape={labels.shape}, dtype={labels.dtype}")
    if labels.min() < 0 or labels.max() >= outputs:
        raise ValueError(f"`y` must be from 0 to {outputs - 1}. Received: {labels.min()} to {labels.max()}")
    return X, np.eye(outputs, dtype=dtype)[labels]


def batch_size(size: int | None, n: int) -> int:
    """Return how many of n samples a step takes; None is all of them."""
    return n if size is None else min(positive("batch_size", size), n)


def orders(batch_orders: ArrayLike, epochs: int, n: int, replicates: int | None = None) -> NDArray[np.int32]:
    """Return row numbers of shape (epochs, visited), with a leading axis if there are replicates."""
    rows = np.asarray(batch_orders)
    leading = (epochs,) if replicates is None else (replicates, epochs)
    if rows.dtype.kind not in "iu" or rows.ndim != len(leading) + 1 or rows.shape[:-1] != leading:
        expected = ", ".join(map(str, leading))
        raise ValueError(
            f"`batch_orders` must be integers of shape ({expected}, n). Received: shape={rows.shape}, "
            f"dtype={rows.dtype}"
        )
    if rows.size == 0 or rows.min() < 0 or rows.max() >= n:
        raise ValueError(f"`batch_orders` must hold row numbers from 0 to {n - 1}")
    return rows.astype(np.int32)


def starts(weights: Sequence[ArrayLike], shapes: Sequence[tuple[int, ...]], dtype: DTypeLike) -> list[Array]:
    """Return initial weights with a leading axis of replicates, in the dtype."""
    arrays = [np.asarray(tensor, dtype) for tensor in weights]
    if [array.shape[1:] for array in arrays] != list(shapes) or len({len(array) for array in arrays}) != 1:
        raise ValueError(
            f"`weights` must have shapes (replicates, ...) with {list(shapes)} for the rest. "
            f"Received: {[array.shape for array in arrays]}"
        )
    return arrays
