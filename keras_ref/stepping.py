"""Steps of any compiled model, whatever its layers: from given weights, while its optimizer goes on or begins anew."""

import contextlib
import warnings
from collections.abc import Sequence
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike, NDArray

from keras_ref.graphs import dtype_of, graph
from keras_ref.precision import precision
from keras_ref.quantities import OneStep
from keras_ref.training import begin_anew
from keras_ref.variables import Packed, put
from keras_ref.ways import exact_constants, mark, ways_of
from keras_ref.wiring import calls_of

Array = NDArray[Any]


class ModelSteps(NamedTuple):
    """What each step did.

    Attributes
    ----------
    loss : array of shape (steps,)
        Before the update.
    weights : list of arrays of shape (steps, ...)
        After it, in Keras's order.
    slots : list of arrays of shape (steps, ...)
        The optimizer's variables before it.
    """

    loss: Array
    weights: list[Array]
    slots: list[Array]


def copied(model: keras.Model, dtype: str, exact: bool = False, otherwise: bool = False) -> keras.Model:
    """Return a compiled copy of a model that computes in one precision, with the same weights.

    Parameters
    ----------
    model : keras.Model
    dtype : {"float64", "float32"}
    exact : bool
        Whether constants that Keras rounds to float32 on TensorFlow are taken as they are: the optimizer's, and those
        of penalties.
    otherwise : bool
        Whether some functions are computed by other formulas than TensorFlow's, which round otherwise.

    Raises
    ------
    ValueError
        If the model cannot be copied, or is not compiled.
    """
    if not getattr(model, "compiled", False):
        raise ValueError("the model must be compiled: call `model.compile(optimizer, loss)`")
    weights = model.get_weights()
    with warnings.catch_warnings(), precision(dtype), exact_constants() if exact else contextlib.nullcontext():
        try:
            warnings.simplefilter("ignore")  # about functions without names, which are kept
            new = type(model).from_config(_with_functions(model, _in(model.get_config(), dtype)))
            optimizer = type(model.optimizer).from_config(_of_optimizer(model.optimizer))
            loss = _of_own(model.loss, dtype)
        except Exception as error:
            raise ValueError(f"the model cannot be copied in {dtype}: {error}") from error
        new.compile(optimizer, loss=loss)
        new.set_weights(weights)
        if exact:
            _keep_penalties(model, new)
        mark(new, exact, otherwise)
    return new


def kept_copy(model: keras.Model, dtype: str, exact: bool = False, otherwise: bool = False) -> keras.Model:
    """Return what `copied` does, the same copy while the model is set up as it was; its weights are those of any step.

    Graphs are kept with a copy, and each takes a second to trace.
    """
    try:
        now = _set_up(model)
    except Exception:
        return copied(model, dtype, exact, otherwise)  # or what it says of why it cannot
    copies = model.__dict__.setdefault("_keras_parity_copies", {})
    key = dtype, exact, otherwise
    if key not in copies or copies[key][0] != now:
        copies[key] = now, copied(model, dtype, exact, otherwise)
    return copies[key][1]


def _set_up(model: keras.Model) -> str:
    """All that a copy is made from, but for the weights."""
    loss = vars(model.loss) if isinstance(model.loss, keras.losses.Loss) else model.loss
    return repr((_with_functions(model, model.get_config()), _of_optimizer(model.optimizer), loss))


def reads_indices(model: keras.Model) -> bool:
    """Whether a model's input is indices, of words say: numbers that cannot be a little larger."""
    return any(isinstance(call.layer, keras.layers.Embedding) for call in calls_of(model) if "X" in call.takes)


def _in(config: Any, dtype: str) -> Any:
    """The same configuration, of layers in another precision."""
    if isinstance(config, dict):
        policy = config.get("class_name") in ("DTypePolicy", "Policy")
        new = {key: _in(value, dtype) for key, value in config.items()}
        if policy:
            return new | {"config": {"name": dtype}}
        return new | {"dtype": dtype} if isinstance(config.get("dtype"), str) else new
    return [_in(each, dtype) for each in config] if isinstance(config, list) else config


def _with_functions(model: keras.Model, config: dict[str, Any]) -> dict[str, Any]:
    """The same configuration with the layers' own functions, which need not be known by a name."""
    layers = {layer.name: layer for layer in model.layers}
    for described in config["layers"]:
        of = described["config"]
        for name in ("activation", "recurrent_activation"):
            if callable(own := getattr(layers.get(of.get("name")), name, None)) and not isinstance(of.get(name), str):
                of[name] = own
    return config


def _of_optimizer(optimizer: keras.optimizers.Optimizer) -> dict[str, Any]:
    """The optimizer's configuration, with the learning rate that was written: 0.1, where float32 keeps another."""
    config: dict[str, Any] = optimizer.get_config()
    if not isinstance(config["learning_rate"], dict):
        config["learning_rate"] = float(str(np.asarray(optimizer.learning_rate)))
    return config


def _of_own(loss: Any, dtype: str) -> Any:
    """The same loss in another precision; its configuration need not hold all of it, as Huber's has no delta."""
    if isinstance(loss, keras.losses.Loss):
        policy = {"_dtype_policy": keras.dtype_policies.get(dtype), "_dtype": dtype}
        own = object.__new__(type(loss))  # copy() goes by the configuration too
        own.__dict__ |= loss.__dict__ | policy
        return own
    return loss


def _keep_penalties(model: keras.Model, new: keras.Model) -> None:
    """Give the copy's regularizers the numbers that the model's were made with."""
    for mine, own in zip(model.layers, new.layers, strict=True):
        for name in ("kernel_regularizer", "bias_regularizer", "recurrent_regularizer"):
            given, kept = getattr(mine, name, None), getattr(own, name, None)
            for amount in ("l1", "l2"):
                if kept is not None and hasattr(kept, amount):
                    # The shortest decimal: what is kept in float32 was written so.
                    setattr(kept, amount, np.float64(str(np.float32(np.asarray(getattr(given, amount))))))


def model_steps(
    model: keras.Model,
    X: ArrayLike,
    Y: ArrayLike,
    batches: Sequence[NDArray[np.integer]],
    weights: Sequence[Sequence[ArrayLike]],
    starts: Sequence[int],
) -> ModelSteps:
    """Train on these batches, one update a batch, the optimizer beginning anew before the first.

    Parameters
    ----------
    model : keras.Model
        From `copied`; left as the last step leaves it.
    X : array of shape (n, ...)
    Y : array of shape (n, ...)
        Targets, as the model's loss takes them.
    batches : sequence of arrays of integers
    weights : list of lists of arrays
        Sets of weights, in Keras's order.
    starts : sequence of int
        For each step, which of the sets it starts from; -1 for what the step before left.

    Returns
    -------
    ModelSteps
    """
    dtype = dtype_of(model)
    X, Y = np.asarray(X, dtype), np.asarray(Y)
    Y = Y if Y.dtype.kind in "iu" else Y.astype(dtype)
    rows, ends = np.concatenate(batches).astype(np.int32), np.cumsum([len(rows) for rows in batches], dtype=np.int32)
    with precision(dtype), ways_of(model):
        begin_anew(model)
        packed, slots = Packed(model.weights), Packed(model.optimizer.variables)
        key = "model", X.shape[1:], Y.shape[1:], Y.dtype.str
        run = graph(model, key, lambda: _traced(model, X, Y, packed, slots), lambda: _sample(model, X, Y))
        loss, after, before = run(X, Y, rows, ends, np.asarray(starts, np.int32), packed.pack(weights))
    numbers = [[each.numpy() for each in told] for told in (after, before)]
    return ModelSteps(loss.numpy(), packed.unpack(numbers[0]), slots.unpack(numbers[1]))


def masked_steps(
    model: keras.Model,
    X: ArrayLike,
    Y: ArrayLike,
    batches: Sequence[NDArray[np.integer]],
    weights: Sequence[Sequence[ArrayLike]],
    masks: Sequence[Sequence[ArrayLike]],
) -> ModelSteps:
    """Train on these batches as `model_steps` does, each step from weights of its own and with its dropout given.

    Parameters
    ----------
    masks : sequence of lists of arrays
        For each step, what each layer of dropout multiplies by.
    """
    samples, targets = np.asarray(X), np.asarray(Y)
    losses: list[Array] = []
    after: list[list[Array]] = []
    before: list[list[Array]] = []
    with precision(dtype_of(model)), ways_of(model):
        begin_anew(model)
        variables = list(model.optimizer.variables)
        for rows, start, given in zip(batches, weights, masks, strict=True):
            put(model.weights, start)
            before.append([variable.numpy() for variable in variables])
            losses.append(OneStep(model, {}, given).run(samples[rows], targets[rows])["loss"])
            after.append([variable.numpy() for variable in model.weights])
    return ModelSteps(np.stack(losses), _stacked(after), _stacked(before))


def _stacked(each: Sequence[Sequence[Array]]) -> list[Array]:
    """Tensors step by step, each with an axis of steps."""
    return [np.stack(tensor) for tensor in zip(*each, strict=True)]


def _sample(model: keras.Model, X: Array, Y: Array) -> tuple[Any, Any, Any]:
    one = tf.constant(X[:1])
    return one, tf.constant(Y[:1]), model(one)


def _traced(model: keras.Model, X: Array, Y: Array, weights: Packed, slots: Packed) -> Any:
    integers = tf.TensorSpec((None,), tf.int32)
    signature = [
        tf.TensorSpec((None, *X.shape[1:]), X.dtype),
        tf.TensorSpec((None, *Y.shape[1:]), Y.dtype),
        integers,
        integers,
        integers,
        weights.signature,
    ]

    @tf.function(input_signature=signature, autograph=False)
    def run(X: Any, Y: Any, rows: Any, ends: Any, starts: Any, given: list[Any]) -> tuple[Any, list[Any], list[Any]]:
        steps = tf.shape(ends)[0]

        def step(index: Any, begin: Any, loss: Any, after: list[Any], before: list[Any]) -> tuple[Any, ...]:
            start = starts[index]
            chosen = [each[tf.maximum(start, 0)] for each in given]
            weights.write([tf.where(start >= 0, *pair) for pair in zip(chosen, weights.read(), strict=True)])
            before = _written(before, index, slots.read())
            model.reset_metrics()
            batch = rows[begin : ends[index]]
            logs = model.train_step((tf.gather(X, batch), tf.gather(Y, batch)))
            loss = loss.write(index, tf.cast(logs["loss"], X.dtype))
            return index + 1, ends[index], loss, _written(after, index, weights.read()), before

        def arrays(packed: Packed) -> list[tf.TensorArray]:
            return [tf.TensorArray(dtype, size=steps) for dtype in packed.dtypes]

        told = [tf.TensorArray(X.dtype, size=steps), arrays(weights), arrays(slots)]
        _, _, loss, after, before = tf.while_loop(lambda index, *_: index < steps, step, (0, 0, *told))
        return loss.stack(), [told.stack() for told in after], [told.stack() for told in before]

    return run


def _written(arrays: Sequence[Any], index: Any, rows: Sequence[Any]) -> list[Any]:
    return [told.write(index, row) for told, row in zip(arrays, rows, strict=True)]
