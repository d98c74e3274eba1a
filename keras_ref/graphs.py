"""Graphs that drive a model's own `train_step` and metrics: one step, and whole trainings.

Each is traced once for a model and a shape, and kept with the model.
"""

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf


def graph(model: keras.Sequential, key: object, trace: Callable[[], Any]) -> Any:
    """Return the model's graph of this kind, made when first needed; it lives and dies with the model."""
    graphs = model.__dict__.setdefault("_keras_parity_graphs", {})
    if key not in graphs:
        model.optimizer.build(model.trainable_variables)
        graphs[key] = trace()
        graphs[key]._omit_frequent_tracing_warning = True  # one trace for each model is what we mean to do
    return graphs[key]


def dtype_of(model: keras.Sequential) -> str:
    """Return the model's dtype, of weights and arithmetic."""
    return str(model.compute_dtype)


def step_graph(model: keras.Sequential) -> Any:
    """One update on a batch of any size: (x, y) to the batch's own loss and accuracy, before the update."""

    def trace() -> Any:
        @tf.function(input_signature=_data(model))
        def step(x: tf.Tensor, y: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            model.reset_metrics()
            logs = model.train_step((x, y))
            return logs["loss"], logs["accuracy"]

        return step

    return graph(model, "step", trace)


def training_graph(model: keras.Sequential, batch: int, n: int, unroll: bool) -> Any:
    """Trainings one after the other: (X, Y, orders, weights) to loss and accuracy, each (replicates, epochs).

    Orders, (replicates, epochs, n), and each tensor of the weights have a leading axis of replicates. Whole batches
    are a loop of the graph, or each has nodes of its own: `unroll` takes 0.15 s a batch to trace and saves a seventh.
    """

    def trace() -> Any:
        dtype = dtype_of(model)
        starts = [tf.TensorSpec((None, *variable.shape), dtype) for variable in model.weights]

        @tf.function(input_signature=[*_data(model), tf.TensorSpec((None, None, n), tf.int32), starts])
        def run(X: tf.Tensor, Y: tf.Tensor, orders: tf.Tensor, weights: list[tf.Tensor]) -> tuple[tf.Tensor, tf.Tensor]:
            replicates = tf.shape(orders)[0]
            losses = tf.TensorArray(dtype, size=replicates)
            accuracies = tf.TensorArray(dtype, size=replicates)
            for replicate in tf.range(replicates):
                for variable, start in zip(model.weights, weights, strict=True):
                    variable.assign(start[replicate])
                loss, accuracy = _train(model, X, Y, orders[replicate], batch, unroll)
                losses = losses.write(replicate, loss)
                accuracies = accuracies.write(replicate, accuracy)
            return losses.stack(), accuracies.stack()

        return run

    return graph(model, (batch, n, unroll), trace)


def _train(
    model: keras.Sequential, X: tf.Tensor, Y: tf.Tensor, orders: tf.Tensor, batch: int, unroll: bool
) -> tuple[tf.Tensor, tf.Tensor]:
    """One training, as part of a graph.

    The step is not a graph of its own, called from this one: TensorFlow, inlining it, lost the order of the metrics'
    updates, and epochs of one batch had the accuracy of another.
    """
    step = tf.autograph.experimental.do_not_convert(model.train_step)  # as in `fit`: there is nothing to convert in it
    epochs, n = tf.shape(orders)[0], orders.shape[1]
    whole = n // batch
    loss = tf.TensorArray(X.dtype, size=epochs)
    accuracy = tf.TensorArray(X.dtype, size=epochs)
    for epoch in tf.range(epochs):
        model.reset_metrics()
        x, y = tf.gather(X, orders[epoch]), tf.gather(Y, orders[epoch])
        for start in (range if unroll or whole == 1 else tf.range)(0, whole * batch, batch):
            rows = slice(start, start + batch)
            step((tf.ensure_shape(x[rows], (batch, X.shape[1])), tf.ensure_shape(y[rows], (batch, Y.shape[1]))))
        if whole * batch < n:
            step((x[whole * batch :], y[whole * batch :]))
        logs = model.get_metrics_result()
        loss = loss.write(epoch, logs["loss"])
        accuracy = accuracy.write(epoch, logs["accuracy"])
    return loss.stack(), accuracy.stack()


def _data(model: keras.Sequential) -> list[tf.TensorSpec]:
    """X and one-hot Y, of any number of samples."""
    return [tf.TensorSpec((None, width), dtype_of(model)) for width in (model.input_shape[-1], model.output_shape[-1])]
