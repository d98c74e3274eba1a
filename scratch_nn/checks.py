"""Arguments of a network, checked: what comes back fits, and what does not is told in one line."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

Array = NDArray[np.floating]
Indices = NDArray[np.integer]


def positive(name: str, value: int) -> int:
    """Return a positive integer."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
        raise ValueError(f"`{name}` must be a positive integer. Received: {name}={value!r}")
    return int(value)


def non_negative(name: str, value: int) -> int:
    """Return zero or a positive integer; True is 1."""
    if not isinstance(value, (int, np.integer)) or value < 0:
        raise ValueError(f"`{name}` must be 0 or a positive integer. Received: {name}={value!r}")
    return int(value)


def learning_rates(learning_rate: ArrayLike, replicates: int | None) -> NDArray[np.float64]:
    """Return a finite positive rate, () or (replicates,)."""
    try:
        rate = np.asarray(learning_rate, np.float64)
        good = (np.isfinite(rate) & (rate > 0)).all() and rate.shape in ((), (replicates,))
    except (TypeError, ValueError):
        good = False
    if not good:
        raise ValueError(
            "`learning_rate` must be a positive number, or one for each replicate. "
            f"Received: learning_rate={learning_rate!r}"
        )
    return rate


def float_type(dtype: DTypeLike) -> np.dtype[np.floating]:
    """Return float32 or float64."""
    for known in (np.float32, np.float64):
        try:
            if np.dtype(dtype) == known:
                return np.dtype(known)
        except TypeError:
            break
    raise ValueError(f"`dtype` must be float32 or float64. Received: dtype={dtype!r}")


def one_of(name: str, value: str, known: Iterable[str]) -> str:
    """Return a value that is known."""
    if value not in known:
        raise ValueError(f"`{name}` must be one of {', '.join(known)}. Received: {name}={value!r}")
    return value


def amount(name: str, value: float) -> float:
    """Return zero or a finite positive number."""
    if not isinstance(value, (int, float)) or not 0 <= value < np.inf:
        raise ValueError(f"`{name}` must be 0 or a positive number. Received: {name}={value!r}")
    return float(value)


def features(X: ArrayLike, dtype: np.dtype[np.floating]) -> Array:
    """Return X, (n, features), in the dtype."""
    try:
        X = np.asarray(X, dtype)
    except (TypeError, ValueError) as error:
        raise ValueError(f"`X` must be numbers, in an array of shape (n, features). {error}") from error
    if X.ndim != 2 or len(X) == 0:
        raise ValueError(f"`X` must have shape (n, features), n > 0. Received: shape={X.shape}")
    return X


def labels(y: ArrayLike, n: int, classes: int) -> NDArray[np.intp]:
    """Return y, n integers from 0 to classes - 1."""
    y = np.asarray(y)
    if y.shape != (n,) or y.dtype.kind not in "iu":
        raise ValueError(f"`y` must be integers of shape ({n},). Received: shape={y.shape}, dtype={y.dtype}")
    if y.min() < 0 or y.max() >= classes:
        raise ValueError(f"`y` must be from 0 to {classes - 1}. Received: {y.min()} to {y.max()}")
    return y.astype(np.intp)


def targets(y: ArrayLike, n: int, outputs: int, dtype: np.dtype[np.floating]) -> Array:
    """Return y, n rows of one number an output, (n, outputs); of one output (n,) will do, of classes n integers."""
    y = np.asarray(y)
    if outputs > 1 and y.ndim == 1 and y.dtype.kind in "iu":
        return np.eye(outputs, dtype=dtype)[labels(y, n, outputs)]
    shapes = [(n, outputs)] + [(n,)] * (outputs == 1)
    if y.shape not in shapes or y.dtype.kind not in "biuf":
        expected = " or ".join(map(str, shapes))
        raise ValueError(f"`y` must be numbers of shape {expected}. Received: shape={y.shape}, dtype={y.dtype}")
    if not np.isfinite(y).all():
        raise ValueError(f"`y` must be finite numbers. Received: {y[~np.isfinite(y)][0]}")
    return y.reshape(n, outputs).astype(dtype)


def orders(batch_orders: ArrayLike, replicates: int | None, epochs: int, n: int) -> Indices:
    """Return row numbers, (epochs, visited) or (replicates, epochs, visited)."""
    rows = np.asarray(batch_orders)
    leading = ((epochs,), (replicates, epochs))
    if rows.dtype.kind not in "iu" or rows.ndim < 2 or rows.shape[:-1] not in leading:
        raise ValueError(
            f"`batch_orders` must be integers of shape ({epochs}, n), or with a leading replicate axis. "
            f"Received: shape={rows.shape}, dtype={rows.dtype}"
        )
    if rows.size == 0 or rows.min() < 0 or rows.max() >= n:
        raise ValueError(f"`batch_orders` must hold row numbers from 0 to {n - 1}")
    return rows
