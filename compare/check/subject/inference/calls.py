"""The ways in which a network may be told to make one step: its methods, alone or one after the other."""

import inspect
import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from types import FunctionType
from typing import Any

from compare.check.subject.guesses import STEPS
from compare.check.subject.inference.binding import Given, Part, bound

FORWARD = re.compile(r"_*(forward|feed_?forward|propagate|run|call|net|predict|compute_?output|get_?output)|.*forward")
BACKWARD = re.compile(r"_*(backward|back_?prop|bprop|backpropagat|grad|compute_?grad|get_?grad|calc_?grad)|.*backward")
UPDATE = re.compile(r"_*(update|apply|step|optimi[sz]e|adjust|gradient_?descent|sgd|descend|train|learn)")
LOSS = re.compile(r".*(loss|cost|cross_?entropy|objective|error|nll|criterion).*", re.IGNORECASE)
NO_STEP = re.compile(
    r"_*(plot|show|save|load|print|dump|write|export|score|evaluate|accuracy|get_|set_|summary|reset|init)"
)
MOST = 500  # ways, of one network


@dataclass(frozen=True)
class Calls:
    """Calls one after the other that may make one step; `written` are expressions of `net`, x and y."""

    written: tuple[str, ...]
    bare: str | None = None  # the method's name, where it is one call of (x, y)

    @property
    def takes_rate(self) -> bool:
        """Whether the learning rate is told to a call."""
        return any("learning_rate" in re.findall(r"(?<![\w.])learning_rate(?!\w|=)", each) for each in self.written)

    def code(self, told: str | None = "") -> str:
        """A function of the step; `told` leads from what the calls return to the loss, None where nothing does."""
        head = f"lambda net, x, y{', learning_rate' * self.takes_rate}: "
        if told is None:
            return f"{head}({', '.join(self.written)}, None)[-1]"
        if len(self.written) > 1:
            return f"{head}({', '.join(self.written)}){told}"
        return f"{head}{self.written[0]}{told}"

    @property
    def every(self) -> str:
        """A function of the step that returns what each call returns."""
        return f"lambda net, x, y{', learning_rate' * self.takes_rate}: ({', '.join(self.written)},)"


def parts_of(network: Any) -> list[Part]:
    """What of a network can be called: its own methods, the entries of a dict or tuple, itself."""
    if isinstance(network, FunctionType):
        return [Part("net", network.__name__, network)]
    if isinstance(network, Mapping):
        entries = [(f'net["{key}"]', str(key), value) for key, value in network.items()]
    elif isinstance(network, list | tuple):
        names = getattr(network, "_fields", None) or [getattr(value, "__name__", "") for value in network]
        entries = [
            (f"net[{place}]", name, value) for place, (name, value) in enumerate(zip(names, network, strict=True))
        ]
    else:
        names = [name for name in dir(network) if not name.startswith("__") or name == "__call__"]
        entries = [("net" if name == "__call__" else f"net.{name}", name, _read(network, name)) for name in names]
    found = [Part(written, name, value) for written, name, value in entries if inspect.isroutine(value)]
    known = {name: place for place, name in enumerate(STEPS)}
    return sorted(found, key=lambda part: (known.get(part.name, len(known)), part.name.startswith("_")))


def _read(network: Any, name: str) -> Any:
    with suppress(Exception):  # a property may raise
        return getattr(network, name)


def ways(parts: list[Part], columns: bool, state: str | None = None) -> Iterator[Calls]:
    """Yield calls that may make a step of what can be called, the likeliest first.

    Parameters
    ----------
    parts : list of Part
    columns : bool
        Whether samples are columns.
    state : str, optional
        The attribute that holds the parameters, where functions take them, and may return new ones.
    """
    roles = {"x": ["x"], "y": ["y"], "batch": ["x.shape[1]" if columns else "len(x)"]}
    given = Given(roles | ({"params": [f"net.{state}"]} if state else {"network": ["net"]}))
    found = _ways([part for part in parts if not NO_STEP.match(part.name)], given)
    every = (each for calls in found for each in (_assigning(calls, state) if state else (calls,)))
    return itertools.islice(every, MOST)


def _assigning(calls: Calls, state: str) -> Iterator[Calls]:
    """Calls of which the last changes the parameters in place, or returns new ones, alone or before other values."""
    *rest, last = calls.written
    yield Calls((*rest, last))
    yield Calls((*rest, f'setattr(net, "{state}", {last})'))
    yield Calls((*rest, f"new := {last}", f'setattr(net, "{state}", new[0])'))
    yield Calls((*rest, f"new := {last}", f'setattr(net, "{state}", new[1])'))


def _ways(parts: list[Part], given: Given) -> Iterator[Calls]:
    for part in parts:
        for arguments in bound(part, given, required=("x", "y"), guess=True):
            bare = part.written == f"net.{part.name}" and arguments == "x, y"
            yield Calls((f"{part.written}({arguments})",), part.name if bare else None)
    forwards, losses, backwards, updates = (
        [part for part in parts if pattern.match(part.name)] for pattern in (FORWARD, LOSS, BACKWARD, UPDATE)
    )
    for loss, forward in itertools.product([None, *losses], [None, *forwards]):
        for backward, update in itertools.product(backwards, [None, *updates]):
            stages = {"out": forward, "told": loss, "grads": backward, "": update}
            for calls in _chained([(name, part) for name, part in stages.items() if part is not None], given):
                yield Calls(calls)


def _chained(stages: Sequence[tuple[str, Part]], given: Given) -> Iterator[tuple[str, ...]]:
    """Calls one after the other, each with what is given and what the ones before return.

    A loss is asked for where its gradient is handed on, and not otherwise.
    """
    if not stages:
        yield ()
        return
    (name, part), *rest = stages
    needs = {"out": ("x",), "told": ("out", "y")}.get(name, ())
    for arguments in bound(part, given, needs):
        call = f"{part.written}({arguments})"
        for later in _chained(rest, given.after(name, part) if name else given):
            read = name and any(re.search(rf"\b{name}\b(?!=)", each) for each in later)
            if read or name != "told":
                yield (f"{name} := {call}" if read else call, *later)
