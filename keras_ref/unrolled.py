"""Recurrent layers step by step, as their cells compute: what each time step makes is named too.

`Z1 at time 2` is what the first layer makes of the second time step before its activation, `A1 at time 2` its state
after it. What a layer with gates makes for one of them carries its name: `Z1 (forget gate) at time 2`; `C1` is the
carry state of an LSTM.
"""

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

Note = Callable[[str, Any], Any]
GATES = {
    "LSTM": ("input gate", "forget gate", "candidate", "output gate"),
    "GRU": ("update gate", "reset gate", "candidate"),
}


def unrolls(layer: Any) -> bool:
    """Whether a layer is a plain recurrent one, whose steps can be shown."""
    plain = isinstance(layer, keras.layers.SimpleRNN | keras.layers.LSTM | keras.layers.GRU)
    if not plain or layer.go_backwards or layer.stateful or layer.return_state:
        return False
    return not (layer.cell.dropout or layer.cell.recurrent_dropout)


def over_time(note: Note, number: int, layer: Any, A: Any) -> Any:
    """Compute what a recurrent layer makes of a sequence.

    Parameters
    ----------
    note : callable
        (name, tensor) -> the tensor that the computation goes on with.
    number : int
        The layer's, from 1.
    layer : keras.layers.SimpleRNN, keras.layers.LSTM or keras.layers.GRU
    A : tensor of shape (n, times, inputs)

    Returns
    -------
    tensor of shape (n, units), or (n, times, units) where the layer returns sequences
    """
    step = {keras.layers.LSTM: _lstm, keras.layers.GRU: _gru}.get(type(layer), _simple)
    zeros = tf.zeros((tf.shape(A)[0], layer.units), A.dtype)
    states, outputs = (zeros, zeros), []
    for time in range(A.shape[1]):

        def named(symbol: str, value: Any, part: str = "", time: int = time) -> Any:
            return note(f"{symbol}{number}{f' ({part})' if part else ''} at time {time + 1}", value)

        states = step(named, layer.cell, A[:, time], *states)
        outputs.append(states[0])
    return tf.stack(outputs, axis=1) if layer.return_sequences else outputs[-1]


def _simple(named: Any, cell: Any, x: Any, h: Any, carry: Any) -> tuple[Any, Any]:
    Z = x @ cell.kernel + (cell.bias if cell.use_bias else 0.0) + h @ cell.recurrent_kernel
    return named("A", cell.activation(named("Z", Z))), carry


def _lstm(named: Any, cell: Any, x: Any, h: Any, carry: Any) -> tuple[Any, Any]:
    Z = named("Z", x @ cell.kernel + h @ cell.recurrent_kernel + (cell.bias if cell.use_bias else 0.0))
    parts = zip(GATES["LSTM"], tf.split(Z, 4, axis=1), strict=True)
    i, f, g, o = (
        named("A", (cell.activation if part == "candidate" else cell.recurrent_activation)(named("Z", z, part)), part)
        for part, z in parts
    )
    carry = named("C", f * carry + i * g)
    return named("A", o * named("A", cell.activation(carry), "carry")), carry


def _gru(named: Any, cell: Any, x: Any, h: Any, carry: Any) -> tuple[Any, Any]:
    units, U = cell.units, cell.recurrent_kernel
    biases: tuple[Any, Any] = (0.0, 0.0)
    if cell.use_bias:
        biases = tuple(tf.unstack(cell.bias)) if cell.reset_after else (cell.bias, 0.0)
    of_x = named("Z", x @ cell.kernel + biases[0], "of the input")
    of_h = named("Z", h @ U + biases[1], "of the state") if cell.reset_after else h @ U[:, : 2 * units]
    both = of_x[:, : 2 * units] + of_h[:, : 2 * units]
    z = cell.recurrent_activation(named("Z", both[:, :units], "update gate"))
    r = cell.recurrent_activation(named("Z", both[:, units:], "reset gate"))
    z, r = named("A", z, "update gate"), named("A", r, "reset gate")
    if cell.reset_after:
        reset = named("A", r * of_h[:, 2 * units :], "reset state")
    else:
        reset = named("A", r * h, "reset state") @ U[:, 2 * units :]
    new = named("A", cell.activation(named("Z", of_x[:, 2 * units :] + reset, "candidate")), "candidate")
    return named("A", z * h + (1 - z) * new), carry
