"""Recurrent layers step by step, with other gates and other ways through time than Keras's."""

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from keras_ref.altered.call import Call, Function, backward_of

Cell = Callable[[Any, list[Any]], list[Any]]


def recurrent(
    call: Call,
    carried: tuple[str, ...] = ("h", "c"),
    through: tuple[str, ...] = ("h", "c"),
    derivative: str = "own",
    backwards: bool = False,
    last: str = "",
    **gates: Any,
) -> Any:
    """Run a recurrent layer otherwise.

    Parameters
    ----------
    call : Call
    carried : tuple of {"h", "c"}
        The states that go on from one time to the next.
    through : tuple of {"h", "c"}
        Those whose error goes back.
    derivative : {"own", "missing", "of the time before"}
        Of the activation of the candidate, or of a plain cell: at its own time, or none, or at the state before.
    backwards : bool
        Whether the last time comes first.
    last : {"", "mean", "first"}
        What comes out, where Keras has the last state.
    gates
        `order`: of the blocks of the kernels, by letter; `gate`, `candidate`, `output`: other activations; `ignored`: a
        gate that lets everything through; `reset_after`, `swapped`, `recurrent_bias`: of a GRU.
    """
    layer, A = call.layer, call.inputs
    cell = layer.cell
    make = {"SimpleRNN": _simple, "LSTM": _lstm, "GRU": _gru}[type(layer).__name__](cell, derivative, gates)
    zero = tf.zeros((A.shape[0], cell.units), A.dtype)
    states = [zero, zero] if isinstance(layer, keras.layers.LSTM) else [zero]
    outputs: list[Any] = []
    times = range(A.shape[1])
    for time in reversed(times) if backwards else times:
        given = [state if name in carried else zero for name, state in zip("hc", states, strict=False)]
        given = [
            state if name in through else tf.stop_gradient(state) for name, state in zip("hc", given, strict=False)
        ]
        states = make(A[:, time], given)
        outputs.append(states[0])
    if layer.return_sequences:
        return tf.stack(outputs, axis=1)
    if last == "mean":
        return tf.add_n(outputs) / len(outputs)
    return outputs[0] if last == "first" else outputs[-1]


def _curved(f: Function, derivative: str) -> Function:
    return (lambda Z: backward_of(f(Z), Z)) if derivative == "missing" else f


def _bias(cell: Any) -> Any:
    return cell.bias.value if cell.use_bias else tf.zeros(cell.kernel.shape[-1:], cell.kernel.dtype)


def _simple(cell: Any, derivative: str, gates: dict[str, Any]) -> Cell:
    f = _curved(keras.activations.get(gates.get("candidate")) if "candidate" in gates else cell.activation, derivative)
    K, R, b = cell.kernel.value, cell.recurrent_kernel.value, _bias(cell)
    if derivative == "of the time before":  # tanh's, which is told by what comes out

        def late(x: Any, states: list[Any]) -> list[Any]:
            Z = x @ K + states[0] @ R + b
            return [backward_of(f(Z), Z * tf.stop_gradient(1 - states[0] ** 2))]

        return late
    return lambda x, states: [f(x @ K + states[0] @ R + b)]


def _lstm(cell: Any, derivative: str, gates: dict[str, Any]) -> Cell:
    gate = keras.activations.get(gates["gate"]) if "gate" in gates else cell.recurrent_activation
    own = keras.activations.get(gates["candidate"]) if "candidate" in gates else cell.activation
    out = keras.activations.get(gates["output"]) if "output" in gates else own
    f = _curved(own, derivative)
    K, R, b, order = cell.kernel.value, cell.recurrent_kernel.value, _bias(cell), gates.get("order", "ifco")

    def make(x: Any, states: list[Any]) -> list[Any]:
        h, c = states
        blocks = dict(zip(order, tf.split(x @ K + h @ R + b, 4, axis=1), strict=True))
        i, forget, o = (
            tf.ones_like(c) if gates.get("ignored") == name else gate(blocks[name]) for name in ("i", "f", "o")
        )
        c = forget * c + i * f(blocks["c"])
        return [o * out(c), c]

    return make


def _gru(cell: Any, derivative: str, gates: dict[str, Any]) -> Cell:
    gate = keras.activations.get(gates["gate"]) if "gate" in gates else cell.recurrent_activation
    f = _curved(keras.activations.get(gates["candidate"]) if "candidate" in gates else cell.activation, derivative)
    K, R, units = cell.kernel.value, cell.recurrent_kernel.value, cell.units
    bias = _bias(cell)
    zeros = tf.zeros((3 * units,), K.dtype)
    b, rb = tf.unstack(bias) if len(bias.shape) == 2 else (bias, zeros)
    rb = rb if gates.get("recurrent_bias", True) else tf.zeros_like(rb)
    after, order = gates.get("reset_after", cell.reset_after), gates.get("order", "zrh")

    def make(x: Any, states: list[Any]) -> list[Any]:
        (h,) = states
        given = dict(zip(order, tf.split(x @ K + b, 3, axis=1), strict=True))
        kernels = dict(zip(order, tf.split(R, 3, axis=1), strict=True))
        biases = dict(zip(order, tf.split(rb, 3), strict=True))
        z, r = (gate(given[name] + h @ kernels[name] + biases[name]) for name in ("z", "r"))
        r = tf.ones_like(r) if gates.get("ignored") == "r" else r
        inner = r * (h @ kernels["h"] + biases["h"]) if after else (r * h) @ kernels["h"] + biases["h"]
        z = 1 - z if gates.get("swapped") else z
        return [z * h + (1 - z) * f(given["h"] + inner)]

    return make
