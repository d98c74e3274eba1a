"""What goes wrong in recurrent layers beside any Keras model: gates, and the way through time. The likeliest first."""

from itertools import permutations
from typing import Any

from compare.faults.structure import Fits, OfModel, kind_of, of


def _steps(*kinds: str) -> Fits:
    """Layers of these kinds whose times can be taken one by one."""

    def fits(layer: Any, last: bool) -> bool:
        if kind_of(layer) not in kinds or layer.stateful or layer.return_state or layer.go_backwards:
            return False
        return not (layer.cell.dropout or layer.cell.recurrent_dropout)

    return fits


_every = _steps("SimpleRNN", "LSTM", "GRU")
_STATES = (
    ("truncated to one step through time", "the error of {0:layer} does not go back to earlier times",
     "hand the state's error back to the time before, and add up", {"through": ()}),
    ("state not carried over time", "each time of {0:layer} begins with a state of zeros", "begin with the last state",
     {"carried": ()}),
    ("recurrent activation derivative missing", "the error goes through the activation of {0:layer} as it comes",
     "multiply it by the activation's derivative", {"derivative": "missing"}),
    ("times in reverse", "{0:layer} begins with the last time", "begin with the first", {"backwards": True}),
)  # fmt: skip
_LAST = (
    ("mean of the states", "{0:layer} returns the mean of its states", "return the last", {"last": "mean"}),
    ("first state", "{0:layer} returns its first state", "return the last", {"last": "first"}),
)  # fmt: skip
_CANDIDATE = "use the model's activation"
_LATE = (
    ("recurrent activation derivative of the time before", "the derivative in {0:layer} is 1 - h ** 2 of the "
     "state before",
     "take the state that the time itself makes", {"derivative": "of the time before"}),
)  # fmt: skip
_SIMPLE = tuple(
    (f"{name} in place of the activation", f"{{0:layer}} has {name} for its activation", _CANDIDATE,
     {"candidate": name}) for name in ("relu", "tanh", "sigmoid", "linear")
)  # fmt: skip
_GATES = (
    ("gates of tanh", "the gates of {0:layer} have tanh", "use the model's recurrent_activation", {"gate": "tanh"}),
    ("gates of a hard sigmoid", "the gates of {0:layer} have a hard sigmoid", "use a sigmoid",
     {"gate": "hard_sigmoid"}),
    ("gates of a sigmoid", "the gates of {0:layer} have a sigmoid", "use the model's recurrent_activation",
     {"gate": "sigmoid"}),
    ("candidate of a sigmoid", "the candidate of {0:layer} has a sigmoid", _CANDIDATE, {"candidate": "sigmoid"}),
    ("candidate of a ReLU", "the candidate of {0:layer} has a ReLU", _CANDIDATE, {"candidate": "relu"}),
)  # fmt: skip
_OF_LSTM = (
    ("forget gate ignored", "{0:layer} keeps its whole cell state", "multiply it by the forget gate", {"ignored": "f"}),
    ("input gate ignored", "{0:layer} takes the whole candidate", "multiply it by the input gate", {"ignored": "i"}),
    ("output gate ignored", "{0:layer} hands on its whole state", "multiply it by the output gate", {"ignored": "o"}),
    ("cell state handed on without tanh", "{0:layer} hands on o * c", "hand on o * tanh(c)", {"output": "linear"}),
    ("cell state not carried over time", "each time of {0:layer} begins with a cell state of zeros",
     "begin with the last", {"carried": ("h",)}),
    ("hidden state not carried over time", "each time of {0:layer} begins with a hidden state of zeros",
     "begin with the last", {"carried": ("c",)}),
    ("cell state's error not handed back", "the error of {0:layer} goes back through the hidden state alone",
     "hand back that of the cell state too", {"through": ("h",)}),
    ("hidden state's error not handed back", "the error of {0:layer} goes back through the cell state alone",
     "hand back that of the hidden state too", {"through": ("c",)}),
)  # fmt: skip
_OF_GRU = (
    ("update gate swapped", "{0:layer} makes (1 - z) * h + z * candidate", "use z * h + (1 - z) * candidate",
     {"swapped": True}),
    ("reset before the recurrent kernel", "{0:layer} resets the state, then multiplies it: reset_after=False",
     "reset what comes out of the recurrent kernel, or tell Keras", {"reset_after": False}),
    ("reset after the recurrent kernel", "{0:layer} resets what comes out of the recurrent kernel: reset_after=True",
     "reset the state before the recurrent kernel, or tell Keras", {"reset_after": True}),
    ("reset gate ignored", "{0:layer} resets nothing", "multiply by the reset gate", {"ignored": "r"}),
    ("recurrent bias left out", "{0:layer} has no second bias", "add it in the recurrent half",
     {"recurrent_bias": False}),
)  # fmt: skip


def _plain_tanh(layer: Any) -> bool:
    return _steps("SimpleRNN")(layer, False) and getattr(layer.activation, "__name__", "") == "tanh"


def _orders(usual: str, named: dict[str, str]) -> list[tuple[Any, ...]]:
    """Every other order of the gates; those that have a name first."""
    others = ["".join(order) for order in permutations(usual) if "".join(order) != usual]
    return [
        (f"order of the gates {', '.join(order)}",
         f"{{0:layer}} takes the blocks of its kernels as {', '.join(order)}{named.get(order, '')}",
         f"use Keras's order: {', '.join(usual)}", {"order": order})
        for order in sorted(others, key=lambda order: order not in named)
    ]  # fmt: skip


RECURRENT: tuple[OfModel, ...] = (
    *of(_every, "recurrent", _STATES[:2]),
    *of(_steps("LSTM"), "recurrent", _OF_LSTM),
    *of(_steps("GRU"), "recurrent", _OF_GRU),
    *of(_every, "recurrent", _STATES[2:]),
    *of(lambda layer, last: _plain_tanh(layer), "recurrent", _LATE),
    *of(_steps("SimpleRNN"), "recurrent", _SIMPLE),
    *of(_steps("LSTM", "GRU"), "recurrent", _GATES),
    *of(lambda layer, last: _every(layer, last) and not layer.return_sequences, "recurrent", _LAST),
    *of(_steps("LSTM"), "recurrent", _orders("ifco", {"ifoc": "", "icfo": ", as TensorFlow 1 did", "fico": ""})),
    *of(_steps("GRU"), "recurrent", _orders("zrh", {"rzh": ", as PyTorch does"})),
)
