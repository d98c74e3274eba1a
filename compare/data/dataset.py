"""Both sides must train on the very same numbers, so whatever a user points at becomes one checked `Dataset`.

Everything doubtful is refused here, in one line that says where it stands, before TensorFlow is imported.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import reprlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from compare.data.csv_file import read_csv
from compare.errors import InputError
from compare.phrases import visible

NAMES = ("iris", "wine", "breast_cancer", "digits")
REGRESSION = ("diabetes",)  # data sets whose target is values


@dataclass(frozen=True, eq=False)
class Dataset:
    """A data set, checked and read-only.

    Attributes
    ----------
    name : str
        One of `NAMES` or `REGRESSION`, what can be seen of the file's name, or "arrays".
    X : ndarray of shape (n, n_features), float64
        Finite, C-contiguous.
    y : ndarray of shape (n,)
        Labels 0..n_classes-1, int64, as positions in `class_names`; or values, float64.
    feature_names, class_names : tuple of str
        One a column of `X`; one a label, none if the targets are values.
    sha256 : str
        Of the values of `X` and `y` (little-endian) and both kinds of names; `name` is left out, so that
        renaming a file changes nothing.
    standardised : bool
        Whether `X` was brought to zero mean and unit variance.
    first_column : str or None
        What was made of a CSV file's first column where that was not said, and why.
    """

    name: str
    X: NDArray[np.float64]
    y: NDArray[Any]
    feature_names: tuple[str, ...]
    class_names: tuple[str, ...]
    sha256: str
    standardised: bool = False
    first_column: str | None = None

    @property
    def n(self) -> int:
        """Number of samples."""
        return self.X.shape[0]

    @property
    def n_features(self) -> int:
        """Number of columns of `X`."""
        return self.X.shape[1]

    @property
    def n_classes(self) -> int:
        """Number of distinct labels; 0 if the targets are values."""
        return len(self.class_names)

    @property
    def targets(self) -> Literal["classes", "values"]:
        """What `y` holds."""
        return "classes" if self.class_names else "values"

    @property
    def notes(self) -> tuple[str, ...]:
        """What was found out of the data and may be otherwise: a line each."""
        if self.first_column is None:
            return ()
        otherwise = "`index_column` (--index-column, --no-index-column) says otherwise"
        return (f"of {self.name}, {self.first_column}; {otherwise}",)

    def recorded(self, accuracy: NDArray[Any]) -> NDArray[Any]:
        """Return an accuracy as it is recorded: of values, which are never hit, there is none, and it is NaN."""
        return accuracy if self.class_names else np.full_like(accuracy, np.nan)

    def chance_loss(self, loss: str, outputs: int) -> float:
        """The loss of outputs that are the targets' means, whatever the features: for classes their shares.

        Parameters
        ----------
        loss : {"categorical_crossentropy", "binary_crossentropy", "mean_squared_error"}
        outputs : int
            Several are one-hot classes.
        """
        Y = np.eye(outputs)[self.y] if outputs > 1 else self.y[:, np.newaxis]
        if loss == "mean_squared_error":
            return float(Y.var(axis=0).mean())
        shares = Y.mean(axis=0)
        entropy = -shares * np.log(shares)
        if loss == "binary_crossentropy":
            return float((entropy - (1 - shares) * np.log(1 - shares)).mean())
        return float(entropy.sum())

    def __repr__(self) -> str:
        classes = f", n_classes={self.n_classes}" if self.class_names else ""
        return f"Dataset({self.name!r}, n={self.n}, n_features={self.n_features}{classes})"


def load(
    source: str | Path | tuple[Any, Any],
    *,
    index_column: bool | None = None,
    standardise: bool = False,
    values: bool = False,
) -> Dataset:
    """Load a data set by name, from a CSV file, or from a pair of arrays.

    Parameters
    ----------
    source : str, Path or tuple
        One of `NAMES` (bundled as scikit-learn has them), the path of a comma-separated UTF-8 file with a header
        line, features, and the target in the last column, or `(X, y)` with `X` of shape (n, n_features) and
        `y` of shape (n,). A file named like a data set is reached as "./iris" or as a Path.
    index_column : bool, optional
        Whether the first column of a CSV file is an index and no feature, as in the article's file. By default it is
        one if it has no name, or if it is a running number; `first_column` says what was made of it.
    standardise : bool
        Bring each feature, and a target of values, to zero mean and unit variance; a constant one becomes 0.
    values : bool
        Whether the target may be values: one of `REGRESSION`, or a column that holds a fraction.

    Returns
    -------
    Dataset

    Raises
    ------
    InputError
        If the source does not exist, cannot be read, or holds anything but finite features and at least two
        classes.

    Notes
    -----
    Labels are encoded as scikit-learn's LabelEncoder does: sorted as numbers if all are numbers ("10" after "9",
    "1.0" named "1"), else as text. In a target column of names, "NA" and "None" are names like any other; in
    one of numbers they are missing values. An empty cell and "nan" are missing in both. Spaces around a cell
    are ignored.
    """
    first_column = None
    if isinstance(source, tuple):
        name, X, y, features, classes = _from_arrays(source, values)
    elif isinstance(source, str) and source in (*NAMES, *REGRESSION):
        name, X, y, features, classes = _bundled(source)
    elif isinstance(source, str | Path):
        (name, X, y, features, classes), first_column = _from_file(source, index_column, values)
    else:
        raise InputError(
            f"`data` must be one of {', '.join(NAMES)}, the path of a CSV file, or a tuple (X, y). "
            f"Received: {type(source).__name__} {reprlib.repr(source)}"
        )
    if not (classes or values):
        raise InputError(f"`data` must have classes as its target. Received: {name}, whose target is values")
    if standardise:
        X, y = _standardise(X), y if classes else _standardise(y)
    X = np.array(X, dtype=np.float64, order="C")
    y = np.array(y, dtype=np.int64 if classes else np.float64, order="C")
    X.flags.writeable = y.flags.writeable = False
    digest = hashlib.sha256(json.dumps([X.shape, features, classes]).encode())
    digest.update(X.astype("<f8", copy=False).tobytes())
    digest.update(y.astype("<i8" if classes else "<f8", copy=False).tobytes())
    return Dataset(name, X, y, features, classes, digest.hexdigest(), standardise, first_column)


def as_given(X: Any, y: Any) -> Dataset:
    """Take samples of any shape and targets as a model's loss takes them: classes, labels, values, one-hot rows.

    Parameters
    ----------
    X : array of shape (n, ...)
    y : array of shape (n,) or (n, ...)

    Raises
    ------
    InputError
        If they are not finite numbers, or not as many.
    """
    try:
        samples, targets = np.array(X, np.float64, order="C"), np.asarray(y)
        targets = targets.astype(np.int64 if targets.dtype.kind in "biu" else np.float64)
    except (TypeError, ValueError):
        raise InputError("`data` must be arrays of numbers (X, y). Received: something else") from None
    if samples.ndim < 2 or 0 in samples.shape or targets.ndim < 1 or len(samples) != len(targets):
        raise InputError(
            "`data` must be arrays (X, y), X of shape (samples, ...) and y with one entry a sample. "
            f"Received: shapes {samples.shape} and {targets.shape}"
        )
    for name, array in (("X", samples), ("y", targets)):
        if not np.isfinite(array).all():
            place = ", ".join(map(str, np.argwhere(~np.isfinite(array))[0]))
            raise InputError(f"`{name}` must hold finite numbers. Received: another at {name}[{place}]")
    samples.flags.writeable = targets.flags.writeable = False
    digest = hashlib.sha256(json.dumps([samples.shape, targets.shape]).encode())
    for array in (samples, targets):
        digest.update(array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes())
    return Dataset("arrays", samples, targets, (), (), digest.hexdigest())


_Parts = tuple[str, NDArray[Any], NDArray[Any], tuple[str, ...], tuple[str, ...]]


def _bundled(name: str) -> _Parts:
    """Read one of the data sets that lie here: importing scikit-learn for them, with SciPy, takes a second."""
    with np.load(Path(__file__).parent / "bundled" / f"{name}.npz") as data:
        features, classes = (tuple(map(str, data[key])) for key in ("feature_names", "class_names"))
        return name, data["X"], data["y"], features, classes


def _from_arrays(pair: tuple[Any, ...], values: bool) -> _Parts:
    if len(pair) != 2:
        raise InputError(f"`data` must be a tuple (X, y). Received: a tuple of length {len(pair)}")
    try:
        X, labels = np.asarray(pair[0]), np.asarray(pair[1])
    except ValueError:
        raise InputError("`data` must be arrays (X, y). Received: sequences of uneven lengths") from None
    if X.ndim != 2 or 0 in X.shape:
        raise InputError(f"`X` must be of shape (samples, features), both above 0. Received: shape {X.shape}")
    if labels.ndim != 1:
        hint = "one label a sample; of one-hot rows take argmax(axis=1)"
        raise InputError(f"`y` must be of shape (samples,), {hint}. Received: shape {labels.shape}")
    if len(X) != len(labels):
        raise InputError(f"`X` and `y` must have one length. Received: {len(X)} samples, {len(labels)} labels")
    try:
        if X.dtype.kind not in "buifO":
            raise TypeError
        with np.errstate(over="ignore"):
            numbers = X.astype(np.float64)
    except (TypeError, ValueError, OverflowError):
        raise InputError(f"`X` must hold real numbers; encode the rest. Received: dtype {X.dtype}") from None
    if not np.isfinite(numbers).all():
        row, column = np.argwhere(~np.isfinite(numbers))[0]
        raise InputError(
            "`X` must hold finite numbers; fill the cell or drop the sample. "
            f"Received: {numbers[row, column]} at X[{row}, {column}]"
        )
    y, classes = _encode(labels, "`y`", values)
    columns = getattr(pair[0], "columns", range(X.shape[1]))
    return "arrays", numbers, y, tuple(map(str, columns)), classes


def _from_file(path: str | Path, index_column: bool | None, values: bool) -> tuple[_Parts, str | None]:
    try:
        X, labels, names, first = read_csv(path, index_column=index_column)
    except FileNotFoundError:
        near = difflib.get_close_matches(str(path).lower(), NAMES, n=1)
        fix = f"Did you mean {near[0]!r}?" if near else f"Built in: {', '.join(NAMES)}"
        raise InputError(f"`data` must be a data set or a file. Received: {str(path)!r}. {fix}") from None
    y, classes = _encode(labels, "`data`", values)
    return (visible(Path(path).name), X, y, names, classes), first and visible(first)


def _encode(labels: NDArray[Any], argument: str, values: bool) -> tuple[NDArray[Any], tuple[str, ...]]:
    """Labels 0..k-1 and the k names, from labels of any one type; where values may be, fractions as they are."""
    import pandas as pd

    if labels.dtype.kind == "O":
        labels = pd.Series(labels).infer_objects().to_numpy()
    is_float = labels.dtype.kind == "f"
    lost = pd.isna(labels) | (np.isinf(labels) if is_float else False)
    if lost.any():
        row = int(lost.argmax())
        raise InputError(f"{argument} must label every sample. Received: {labels[row]} for sample {row}")
    if is_float and (labels % 1 == 0).all() and (np.abs(labels) < 2**53).all():
        labels, is_float = labels.astype(np.int64), False
    if is_float and values:
        return labels.astype(np.float64), ()
    try:
        classes, y = np.unique(labels, return_inverse=True)
    except TypeError:
        raise InputError(f"{argument} must have labels of one type. Received: numbers and text") from None
    names = tuple(map(str, classes))
    n, k = len(labels), len(names)
    if k < 2:
        raise InputError(f"{argument} must hold at least two classes. Received: {names[0]!r} in every row")
    if k > n / 2 and (is_float or k > 10):
        raise InputError(
            f"{argument} must have classes as its target. Received: {k} distinct values in {n} samples, like "
            "a regression or an identifier. Group the values, or choose another column"
        )
    return y, names


def _standardise(X: NDArray[Any]) -> NDArray[np.float64]:
    with np.errstate(all="ignore"):
        deviation: NDArray[np.float64] = X.std(axis=0)
        scaled: NDArray[np.float64] = (X - X.mean(axis=0)) / deviation
        # The mean of equal numbers may be rounded, and then leave a remainder.
        scaled[:, np.ptp(X, axis=0) == 0] = 0
    if not np.isfinite(deviation).all():
        raise InputError("`data` must have a finite variance to be standardised. Received: too large numbers")
    return scaled
