"""The reference run: Keras's own `fit`, and the same numbers, bit for bit, without its overhead.

`fit` spends a millisecond or more a step outside the model. `fit_compiled` runs the model's own `train_step`,
with its own metrics, from one graph that loops over epochs and batches.
"""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike, NDArray

from keras_ref import checks
from keras_ref.precision import precision

Array = NDArray[np.floating]


class History(NamedTuple):
    """A trajectory, as `fit` reports it: each of shape (epochs,)."""

    loss: Array
    accuracy: Array


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
        From `build_model`; trained in place.
    X : array of shape (n, features)
    y : array of integers of shape (n,)
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
    with precision(_dtype(model)):
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

    The graph is traced once for each model, batch size and number of samples, and kept with the model: a
    replicate sets the weights and calls again. Parameters and result as for `fit`; without `batch_orders`, the
    whole data set is taken as it lies, and smaller batches are shuffled afresh every epoch.
    """
    X, Y = _arrays(model, X, y)
    n, epochs = len(X), checks.positive("epochs", epochs)
    batch = checks.batch_size(batch_size, n)
    if batch_orders is None:
        rng = np.random.default_rng()
        batch_orders = [rng.permutation(n) if batch < n else np.arange(n) for _ in range(epochs)]
    orders = checks.orders(batch_orders, epochs, n)
    with precision(_dtype(model)):
        loop = _graph(model, (batch, orders.shape[1]), lambda: _trace_loop(model, batch, orders.shape[1]))
        loss, accuracy = loop(X, Y, orders)
    return History(loss.numpy(), accuracy.numpy())


def steps_compiled(
    model: keras.Sequential, X: ArrayLike, y: ArrayLike, batches: Iterable[NDArray[np.integer]]
) -> Steps:
    """Train on these batches, each an array of row numbers, one update a batch; return what each step did.

    One graph, traced once, serves batches of every size.

    Returns
    -------
    Steps
        `loss`, `accuracy` of shape (steps,); `weights` in Keras's order, each with a leading axis of steps.
    """
    X, Y = _arrays(model, X, y)
    losses, accuracies, weights = [], [], []
    with precision(_dtype(model)):
        step = _graph(model, "step", lambda: _trace_step(model))
        for rows in batches:
            loss, accuracy = step(X[rows], Y[rows])
            losses.append(loss.numpy())
            accuracies.append(accuracy.numpy())
            weights.append(model.get_weights())
    return Steps(np.array(losses), np.array(accuracies), [np.stack(tensor) for tensor in zip(*weights, strict=True)])


def _graph(model: keras.Sequential, key: object, trace: Callable[[], Any]) -> Any:
    """Return the model's graph of this kind, made when first needed; it lives and dies with the model."""
    graphs = model.__dict__.setdefault("_keras_parity_graphs", {})
    if key not in graphs:
        model.optimizer.build(model.trainable_variables)
        graphs[key] = trace()
        graphs[key]._omit_frequent_tracing_warning = True  # one trace for each model is what we mean to do
    return graphs[key]


def _trace_step(model: keras.Sequential) -> Any:
    """One update of `model` on a batch of any size: the batch's own loss and accuracy, before the update."""
    specs = [tf.TensorSpec((None, width), _dtype(model)) for width in (model.input_shape[-1], model.output_shape[-1])]

    @tf.function(input_signature=specs)
    def step(x: tf.Tensor, y: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        model.reset_metrics()
        logs = model.train_step((x, y))
        return logs["loss"], logs["accuracy"]

    return step


def _trace_loop(model: keras.Sequential, batch: int, n: int) -> Any:
    """Training of `model` for as many epochs as it is given orders of `n` samples."""
    dtype = _dtype(model)
    specs = [tf.TensorSpec((None, width), dtype) for width in (model.input_shape[-1], model.output_shape[-1])]

    @tf.function(input_signature=[*specs, tf.TensorSpec((None, n), tf.int32)])
    def run(X: tf.Tensor, Y: tf.Tensor, orders: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        epochs = tf.shape(orders)[0]
        loss = tf.TensorArray(dtype, size=epochs)
        accuracy = tf.TensorArray(dtype, size=epochs)
        for epoch in tf.range(epochs):
            model.reset_metrics()
            for start in range(0, n, batch):  # unrolled while tracing: the last batch may be smaller
                rows = orders[epoch, start : start + batch]
                model.train_step((tf.gather(X, rows), tf.gather(Y, rows)))
            logs = model.get_metrics_result()
            loss = loss.write(epoch, logs["loss"])
            accuracy = accuracy.write(epoch, logs["accuracy"])
        return loss.stack(), accuracy.stack()

    return run


def _arrays(model: keras.Sequential, X: ArrayLike, y: ArrayLike) -> tuple[Array, Array]:
    """X, and y one-hot encoded, in the model's dtype."""
    return checks.data(X, y, model.input_shape[-1], model.output_shape[-1], _dtype(model))


def _dtype(model: keras.Sequential) -> str:
    return str(model.compute_dtype)
