"""The reference run: Keras's own `fit`, and the same numbers, bit for bit, without its overhead.

`fit` spends a millisecond or more a step outside the model. `fit_compiled` runs the model's own `train_step` from one
graph that loops over epochs and batches; losses are added up, and predictions judged, afterwards, as its metrics do.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike, NDArray

from keras_ref import checks
from keras_ref.graphs import beginnings, dtype_of, steps_graph, training_graph
from keras_ref.precision import precision
from keras_ref.variables import put, read

Array = NDArray[np.floating]


class History(NamedTuple):
    """A trajectory, as `fit` reports it: each of shape (epochs,)."""

    loss: Array
    accuracy: Array


def begin_anew(model: keras.Sequential) -> None:
    """Have the model's optimizer forget the steps that it made, as if it were new; its learning rate stays."""
    with precision(dtype_of(model)):
        kept = beginnings(model)
        put([variable for variable, _ in kept], [start for _, start in kept])


class Steps(NamedTuple):
    """Step by step, each batch's own loss and accuracy, before its update, and the weights after it."""

    loss: Array
    accuracy: Array
    weights: list[Array]


def fit(
    model: keras.Sequential,
    X: ArrayLike,
    y: ArrayLike,
    epochs: int,
    batch_size: int | None = 32,
    batch_orders: ArrayLike | None = None,
) -> History:
    """Train with Keras's own `model.fit`.

    Parameters
    ----------
    model : keras.Sequential
        From `build_model`; trained in place. Its optimizer goes on from where it is: see `begin_anew`.
    X : array of shape (n, features)
    y : array of shape (n,) or (n, outputs)
        Numbers; of several outputs, integers of shape (n,) are labels, and one-hot encoded.
    epochs : int
    batch_size : int or None
        None: the whole data set a step.
    batch_orders : array of integers of shape (epochs, n), optional
        The order in which each epoch visits the samples; by default Keras shuffles as it always does.

    Returns
    -------
    History
    """
    X, Y = _arrays(model, X, y)
    epochs, batch = checks.positive("epochs", epochs), checks.batch_size(batch_size, len(X))
    with precision(dtype_of(model)):
        if batch_orders is None:
            log = model.fit(X, Y, epochs=epochs, batch_size=batch, verbose=0).history
        else:
            orders = checks.orders(batch_orders, epochs, len(X))
            # One pass over all epochs' batches, which `steps_per_epoch` cuts: a PyDataset that advances its order
            # in `on_epoch_end` would be an epoch ahead, since Keras calls that once before the first epoch.
            batches = [order[start : start + batch] for order in orders for start in range(0, orders.shape[1], batch)]
            signature = tuple(tf.TensorSpec((None, array.shape[1]), array.dtype) for array in (X, Y))
            ordered = tf.data.Dataset.from_generator(
                lambda: ((X[rows], Y[rows]) for rows in batches), output_signature=signature
            )
            steps = len(batches) // epochs
            log = model.fit(ordered, epochs=epochs, steps_per_epoch=steps, shuffle=False, verbose=0).history
    return History(*(np.asarray(log[name], X.dtype) for name in History._fields))


def fit_compiled(
    model: keras.Sequential,
    X: ArrayLike,
    y: ArrayLike,
    epochs: int,
    batch_size: int | None = 32,
    batch_orders: ArrayLike | None = None,
) -> History:
    """Train as `fit` does, with the same loss, accuracy and weights, bit for bit, and a fraction of its time.

    The graph is traced once for each model, and kept with it; set other weights and call again for another run. Where
    that is done often with one batch size and number of samples, a quicker one is made for these. Parameters and result
    as for `fit`; without `batch_orders`, the whole data set is taken as it lies, and smaller batches are shuffled
    afresh every epoch.
    """
    X, Y = _arrays(model, X, y)
    n, epochs = len(X), checks.positive("epochs", epochs)
    batch = checks.batch_size(batch_size, n)
    if batch_orders is None:
        rng = np.random.default_rng()
        batch_orders = [rng.permutation(n) if batch < n else np.arange(n) for _ in range(epochs)]
    orders = checks.orders(batch_orders, epochs, n)
    start = [tensor[np.newaxis] for tensor in read(model.weights)]
    loss, accuracy = _train(model, X, Y, start, batch, orders[np.newaxis])
    return History(loss[0], accuracy[0])


def fit_replicates(
    model: keras.Sequential,
    X: ArrayLike,
    y: ArrayLike,
    weights: Sequence[ArrayLike],
    epochs: int,
    batch_size: int | None,
    batch_orders: ArrayLike,
) -> History:
    """Train once from each of several initial weights, each with a new optimizer, as `fit_compiled` would.

    Parameters
    ----------
    model : keras.Sequential
        From `build_model`; left as the last replicate leaves it.
    X, y, epochs, batch_size
        As for `fit`.
    weights : list of arrays of shape (replicates, ...)
        In Keras's order.
    batch_orders : array of integers of shape (replicates, epochs, n)

    Returns
    -------
    History
        Each of shape (replicates, epochs).
    """
    X, Y = _arrays(model, X, y)
    epochs, batch = checks.positive("epochs", epochs), checks.batch_size(batch_size, len(X))
    starts = checks.starts(weights, [tuple(variable.shape) for variable in model.weights], X.dtype)
    orders = checks.orders(batch_orders, epochs, len(X), len(starts[0]))
    begin_anew(model)
    return _train(model, X, Y, starts, batch, orders)


def _train(
    model: keras.Sequential,
    X: Array,
    Y: Array,
    starts: list[Array],
    batch: int,
    orders: NDArray[np.int32],
) -> History:
    replicates, epochs, n = orders.shape
    with precision(dtype_of(model)):
        fixed = bool((orders == orders[:, :1]).all())
        run = training_graph(model, (batch, n), replicates * epochs * math.ceil(n / batch), fixed)
        data = [tf.constant(each) for each in (X, Y, orders, np.int32(batch))]  # of arrays, a call takes longer
        losses, accuracy = run(*data, [tf.constant(start) for start in starts])
    return History(_mean(losses.numpy(), batch, n), accuracy.numpy())


def _mean(losses: Array, batch: int, n: int) -> Array:
    """Return the mean loss of each epoch, (replicates, epochs), added up batch by batch as Keras's tracker does."""
    total = np.zeros(losses.shape[:-1], losses.dtype)
    with np.errstate(over="ignore", invalid="ignore"):  # a run that diverges
        for number, start in enumerate(range(0, n, batch)):
            total += losses[..., number] * min(batch, n - start)
        return total / losses.dtype.type(n)


def steps_compiled(
    model: keras.Sequential,
    X: ArrayLike,
    y: ArrayLike,
    batches: Sequence[NDArray[np.integer]],
    weights: Sequence[ArrayLike] | None = None,
) -> Steps:
    """Train on these batches, each an array of row numbers, one update a batch; return what each step did.

    One graph, traced once, serves batches of every size.

    Parameters
    ----------
    model : keras.Sequential
        Left as the last step leaves it.
    X, y
        As for `fit`.
    batches : sequence of arrays of integers
    weights : list of arrays of shape (starts, ...), optional
        In Keras's order: what as many of the first steps start from, each with a new optimizer, in place of what the
        step before left. By default the first starts from the model's own, and its optimizer goes on.

    Returns
    -------
    Steps
        `loss`, `accuracy` of shape (steps,); `weights` in Keras's order, each with a leading axis of steps.
    """
    X, Y = _arrays(model, X, y)
    given = [tensor[np.newaxis] for tensor in read(model.weights)] if weights is None else weights
    starts = checks.starts(given, [tuple(variable.shape) for variable in model.weights], X.dtype)
    if weights is not None:
        begin_anew(model)
    rows, ends = np.concatenate(batches).astype(np.int32), np.cumsum([len(rows) for rows in batches], dtype=np.int32)
    with precision(dtype_of(model)):
        loss, accuracy, after = steps_graph(model)(X, Y, rows, ends, starts)
    return Steps(loss.numpy(), accuracy.numpy(), [tensor.numpy() for tensor in after])


def _arrays(model: keras.Sequential, X: ArrayLike, y: ArrayLike) -> tuple[Array, Array]:
    """X and Y, in the model's dtype."""
    return checks.data(X, y, model.input_shape[-1], model.output_shape[-1], dtype_of(model))
