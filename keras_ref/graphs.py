"""Graphs that drive a model's own `train_step` and metrics: single steps, and whole trainings.

Each is traced once for a model and a shape, and kept with the model. None is for autograph to convert, which reads and
writes the source of all that is called, and takes longer for that than the graph takes otherwise.
"""

import os
from collections import Counter
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import keras
import tensorflow as tf
from numpy.typing import NDArray
from tensorflow.python.eager import context  # there is no public way to choose what runs a graph

TRACING = 25_000  # steps, in which a graph for one shape saves what it takes to trace it, where another is there
FEW = 1_000  # steps, after which more of their shape are likely to come
UNROLLED = 8  # steps of an epoch at most, that are nodes of their own each: a loop takes a tenth of a small step
EQUAL_IN_ONE_THREAD = ("categorical_crossentropy", "mse", "mean_squared_error")
Sample = Callable[[], tuple[Any, Any, Any]]


def graph(model: keras.Model, key: object, trace: Callable[[], Any], sample: Sample | None = None) -> Any:
    """Return the model's graph of this kind, made when first needed; it lives and dies with the model.

    `sample` gives one of X, of Y and of the model's output; by default they are the plain network's.
    """
    graphs = _graphs(model)
    if key not in graphs:
        beginnings(model)  # builds the optimizer, and reads numbers, which a graph cannot
        # Where variables are made while it is traced, it is traced twice: so metrics are built first.
        model.compute_metrics(*(_plain_sample(model) if sample is None else sample()))
        executor = _executor(model)
        with context.function_executor_type(executor):  # loops are other operations under another one
            graphs[key] = partial(_run, executor, trace().get_concrete_function())
    return graphs[key]


def _graphs(model: keras.Model) -> dict[object, Any]:
    return model.__dict__.setdefault("_keras_parity_graphs", {})


def _executor(model: keras.Model) -> str:
    """What runs the model's graphs: these are chains of tiny operations, and to hand them to threads takes a sixth.

    Only where the bits are seen to be `fit`'s. In one thread TensorFlow rewrites a loop less: divisions by a square
    root stay as adaptive optimizers have them, and operations stay apart that oneDNN would make one.
    """
    plain = isinstance(model.optimizer, keras.optimizers.SGD) and model.loss in EQUAL_IN_ONE_THREAD
    return "SINGLE_THREADED_EXECUTOR" if plain and os.environ.get("TF_ENABLE_ONEDNN_OPTS") == "0" else ""


def _run(executor: str, traced: Callable[..., Any], *arguments: Any) -> Any:
    with context.function_executor_type(executor):
        return traced(*arguments)


def _plain_sample(model: keras.Model) -> tuple[Any, Any, Any]:
    X, Y = (tf.zeros((1, spec.shape[1]), spec.dtype) for spec in _data(model))
    return X, Y, Y


def beginnings(model: keras.Sequential) -> list[tuple[Any, NDArray[Any]]]:
    """Return what the model's optimizer keeps from step to step, and what it is before the first."""
    if "_keras_parity_beginnings" not in model.__dict__:
        optimizer = model.optimizer
        new = type(optimizer).from_config(optimizer.get_config())
        for each in (optimizer, new):
            each.build(model.trainable_variables)
        kept = zip(optimizer.variables, new.variables, strict=True)
        model.__dict__["_keras_parity_beginnings"] = [
            (variable, start.numpy()) for variable, start in kept if variable is not optimizer.learning_rate
        ]
    return model.__dict__["_keras_parity_beginnings"]


def dtype_of(model: keras.Sequential) -> str:
    """Return the model's dtype, of weights and arithmetic."""
    return str(model.compute_dtype)


def steps_graph(model: keras.Sequential) -> Any:
    """Updates on batches of any sizes: (X, Y, rows, ends, weights) to loss, accuracy and the weights after each.

    `rows` holds the row numbers of all batches, one after the other, and `ends` where each ends. Each tensor of the
    weights has a leading axis: as many of the first steps start from weights of their own, and after the first with a
    new optimizer's slots; the others go on.
    """

    def trace() -> Any:
        dtype = dtype_of(model)
        integers = tf.TensorSpec((None,), tf.int32)

        @tf.function(input_signature=[*_data(model), integers, integers, _starts(model)], autograph=False)
        def run(
            X: tf.Tensor, Y: tf.Tensor, rows: tf.Tensor, ends: tf.Tensor, weights: list[tf.Tensor]
        ) -> tuple[tf.Tensor, tf.Tensor, list[tf.Tensor]]:
            steps, given = tf.shape(ends)[0], tf.shape(weights[0])[0]

            def step(index: tf.Tensor, begin: tf.Tensor, *told: tf.TensorArray) -> tuple[Any, ...]:
                for variable, start in zip(model.weights, weights, strict=True):
                    variable.assign(tf.where(index < given, start[tf.minimum(index, given - 1)], variable))
                _begin_anew(model, (index > 0) & (index < given))
                model.reset_metrics()
                batch = rows[begin : ends[index]]
                logs = model.train_step((tf.gather(X, batch), tf.gather(Y, batch)))
                values = (logs["loss"], logs["accuracy"], *model.weights)
                return ends[index], *_written(told, index, values)

            told = [tf.TensorArray(dtype, size=steps) for _ in range(2 + len(model.weights))]
            _, *told = _repeat(steps, step, 0, *told)
            loss, accuracy, *after = (array.stack() for array in told)
            return loss, accuracy, after

        return run

    return graph(model, "steps", trace)


def training_graph(model: keras.Sequential, shape: tuple[int, int], steps: int, fixed: bool) -> Any:
    """Trainings one after the other: (X, Y, orders, batch size, weights) to each batch's loss, and each accuracy.

    Losses come as (replicates, epochs, batches), accuracies, of whole epochs, as (replicates, epochs).
    Orders, (replicates, epochs, n), and each tensor of the weights have a leading axis of replicates; after the first,
    each replicate starts with a new optimizer's slots. One graph does for all batch sizes and numbers of samples; one
    for a `shape` of batch size and samples saves a third of the time of a step, and is made once it pays for so many
    `steps` and those before; where the order is `fixed`, the same in every epoch, for that alone.
    """
    made, kind = model.__dict__.setdefault("_keras_parity_steps", Counter()), (shape, fixed)
    made[kind] += steps
    there = _graphs(model)
    if ("training", *kind) in there or made[kind] > (TRACING if ("training", None, False) in there else FEW):
        return _training_graph(model, *kind)
    return _training_graph(model, None, False)


def _training_graph(model: keras.Sequential, shape: tuple[int, int] | None, fixed: bool) -> Any:
    n = None if shape is None else shape[1]

    def trace() -> Any:
        dtype = dtype_of(model)

        orders, batches = tf.TensorSpec((None, None, n), tf.int32), tf.TensorSpec((), tf.int32)

        @tf.function(input_signature=[*_data(model), orders, batches, _starts(model)], autograph=False)
        def run(
            X: tf.Tensor, Y: tf.Tensor, orders: tf.Tensor, batch: tf.Tensor, weights: list[tf.Tensor]
        ) -> tuple[tf.Tensor, tf.Tensor]:
            replicates = tf.shape(orders)[0]

            def train(replicate: tf.Tensor, *told: tf.TensorArray) -> list[tf.TensorArray]:
                for variable, start in zip(model.weights, weights, strict=True):
                    variable.assign(start[replicate])
                _begin_anew(model, replicate > 0)
                found = _train(model, X, Y, orders[replicate], batch if shape is None else shape[0], fixed)
                return _written(told, replicate, found)

            told = [tf.TensorArray(dtype, size=replicates) for _ in range(2)]
            losses, accuracies = _repeat(replicates, train, *told)
            return losses.stack(), accuracies.stack()

        return run

    return graph(model, ("training", shape, fixed), trace)


def _repeat(times: tf.Tensor, body: Callable[..., Any], *state: Any) -> Any:
    """Make `state` what `body(index, *state)` gives, for each index from 0 on."""
    _, *state = tf.while_loop(
        lambda index, *_: index < times, lambda index, *now: (index + 1, *body(index, *now)), (0, *state)
    )
    return state


def _written(arrays: Iterable[tf.TensorArray], index: tf.Tensor, values: Iterable[tf.Tensor]) -> list[tf.TensorArray]:
    return [array.write(index, value) for array, value in zip(arrays, values, strict=True)]


def _begin_anew(model: keras.Sequential, anew: tf.Tensor) -> None:
    """Put the optimizer's slots back, if that is wanted."""
    for variable, start in beginnings(model):
        variable.assign(tf.where(anew, start, variable))


def _train(
    model: keras.Sequential, X: tf.Tensor, Y: tf.Tensor, orders: tf.Tensor, batch: tf.Tensor | int, fixed: bool
) -> tuple[tf.Tensor, tf.Tensor]:
    """One training, as part of a graph.

    The step is not a graph of its own, called from this one: in one thread such a call never returned.
    """
    epochs, n, outputs = tf.shape(orders)[0], tf.shape(orders)[1], Y.shape[1]
    given = isinstance(batch, int)
    whole = orders.shape[1] // batch * batch if given else n  # a last, smaller batch has nodes of its own
    size = batch if given else None

    def ordered(epoch: tf.Tensor | int) -> tuple[tf.Tensor, tf.Tensor]:
        return tf.gather(X, orders[epoch]), tf.gather(Y, orders[epoch])

    always = ordered(0) if fixed else None

    def train(epoch: tf.Tensor, *told: tf.TensorArray) -> list[tf.TensorArray]:
        x, y = always or ordered(epoch)

        def step(number: tf.Tensor, *parts: tf.TensorArray) -> list[tf.TensorArray]:
            rows = slice(number * batch, (number + 1) * batch)
            batch_x, batch_y = (tf.ensure_shape(of[rows], (size, of.shape[1])) for of in (x, y))
            return _written(parts, number, _step(model, batch_x, batch_y))

        if given and orders.shape[1] <= UNROLLED * batch:
            starts = range(0, orders.shape[1], batch)
            each = [_step(model, x[start : start + batch], y[start : start + batch]) for start in starts]
            every_loss, every_P = zip(*each, strict=True)
            return _written(told, epoch, (tf.stack(every_loss), tf.concat(every_P, axis=0)))
        steps = (whole + batch - 1) // batch
        parts = [
            tf.TensorArray(X.dtype, size=steps, element_shape=()),
            tf.TensorArray(X.dtype, size=steps, infer_shape=given, element_shape=(size, outputs)),
        ]
        told_losses, told_P = _repeat(steps, step, *parts)
        losses, P = told_losses.stack(), told_P.concat()
        if given and whole < orders.shape[1]:
            last, P_of_last = _step(model, x[whole:], y[whole:])
            losses, P = tf.concat([losses, last[tf.newaxis]], axis=0), tf.concat([P, P_of_last], axis=0)
        return _written(told, epoch, (losses, P))

    losses, predicted = _repeat(epochs, train, *(tf.TensorArray(X.dtype, size=epochs) for _ in range(2)))
    every = tf.reshape(predicted.stack(), (-1, outputs))
    right = tf.reshape(_accuracy(tf.gather(Y, tf.reshape(orders, [-1])), every), (epochs, n))
    return losses.stack(), tf.math.divide_no_nan(tf.reduce_sum(right, axis=1), tf.cast(n, X.dtype))


class _Told:
    """Stands in a model for what counts its losses and judges its predictions: a third of a small step's nodes."""

    loss: tf.Tensor
    predicted: tf.Tensor

    def update_state(self, values: Any, sample_weight: Any = None) -> None:
        """Take the loss, as a model's own tracker does."""
        self.loss = values

    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> dict[str, Any]:
        """Take the predictions, as a model does."""
        self.predicted = y_pred
        return {}


def _step(model: keras.Sequential, x: tf.Tensor, y: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """One `train_step`, whose loss and predictions are returned, and not added up or judged."""
    told, tracker = _Told(), model._loss_tracker
    model.__dict__.update(_loss_tracker=told, compute_metrics=told.compute_metrics)
    try:
        model.train_step((x, y))
    finally:
        model.__dict__["_loss_tracker"] = tracker
        del model.__dict__["compute_metrics"]
    return told.loss, told.predicted


def _accuracy(y: tf.Tensor, predicted: tf.Tensor) -> tf.Tensor:
    """What Keras chooses for the word "accuracy", for each sample: 1 or 0, so that sums are exact in any order."""
    of = keras.metrics.binary_accuracy if y.shape[-1] == 1 else keras.metrics.categorical_accuracy
    return of(y, predicted)


def _data(model: keras.Sequential) -> list[tf.TensorSpec]:
    """X and Y, of any number of samples."""
    return [tf.TensorSpec((None, width), dtype_of(model)) for width in (model.input_shape[-1], model.output_shape[-1])]


def _starts(model: keras.Sequential) -> list[tf.TensorSpec]:
    """The model's weights, each tensor with a leading axis of any length."""
    return [tf.TensorSpec((None, *variable.shape), dtype_of(model)) for variable in model.weights]
