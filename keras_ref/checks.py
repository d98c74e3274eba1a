"""Arguments of a training run, checked before Keras sees them: its own messages about them are obscure."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.floating]


def positive(name: str, value: int) -> int:
    """Return a positive integer."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
        raise ValueError(f"`{name}` must be a positive integer. Received: {name}={value!r}")
    return int(value)


def data(X: ArrayLike, y: ArrayLike, n_features: int, classes: int, dtype: str) -> tuple[Array, Array]:
    """Return X of shape (n, n_features), and y, integers of shape (n,), one-hot encoded; both in the dtype."""
    X, labels = np.asarray(X, dtype), np.asarray(y)
    if X.ndim != 2 or X.shape[1] != n_features or len(X) == 0:
        raise ValueError(f"`X` must have shape (n, {n_features}), n > 0. Received: shape={X.shape}")
    if labels.shape != (len(X),) or labels.dtype.kind not in "iu":
        raise ValueError(
            f"`y` must be integers of shape ({len(X)},). Received: shape={labels.shape}, dtype={labels.dtype}"
        )
    if labels.min() < 0 or labels.max() >= classes:
        raise ValueError(f"`y` must be from 0 to {classes - 1}. Received: {labels.min()} to {labels.max()}")
    return X, np.eye(classes, dtype=dtype)[labels]


def batch_size(size: int | None, n: int) -> int:
    """Return how many of n samples a step takes; None is all of them."""
    return n if size is None else min(positive("batch_size", size), n)


def orders(batch_orders: ArrayLike, epochs: int, n: int) -> NDArray[np.int32]:
    """Return row numbers of shape (epochs, visited)."""
    rows = np.asarray(batch_orders)
    if rows.dtype.kind not in "iu" or rows.ndim != 2 or len(rows) != epochs:
        raise ValueError(
            f"`batch_orders` must be integers of shape ({epochs}, n). Received: shape={rows.shape}, dtype={rows.dtype}"
        )
    if rows.size == 0 or rows.min() < 0 or rows.max() >= n:
        raise ValueError(f"`batch_orders` must hold row numbers from 0 to {n - 1}")
    return rows.astype(np.int32)
