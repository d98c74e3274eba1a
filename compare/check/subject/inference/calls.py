"""The ways in which a network may be told to make one step: its methods, alone or one after the other."""

import inspect
import itertools
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from types import FunctionType
from typing import Any

from compare.check.subject.guesses import BATCH, EPOCHS, LABELS, SAMPLES, STEPS
from compare.check.subject.kinds import RATES

Roles = dict[str, list[str]]

FORWARD = re.compile(r"_*(forward|feed_?forward|propagate|run|call|net|predict|compute_?output|get_?output)|.*forward")
BACKWARD = re.compile(r"_*(backward|back_?prop|bprop|backpropagat|grad|compute_?grad|get_?grad|calc_?grad)|.*backward")
UPDATE = re.compile(r"_*(update|apply|step|optimi[sz]e|adjust|gradient_?descent|sgd|descend|train|learn)")
LOSS = re.compile(r".*(loss|cost|cross_?entropy|objective|error|nll|criterion).*", re.IGNORECASE)
NO_STEP = re.compile(
    r"_*(plot|show|save|load|print|dump|write|export|score|evaluate|accuracy|get_|set_|summary|reset|init)"
)
# What parameters are called that are given what an earlier call returned, or the parameters.
GIVEN = {
    "out": re.compile(
        r"(y_?)?(hat|pred(ict)?(ion)?s?|probs?|probabilities|outputs?|out|scores|logits|activations?|a_?l|p|a\d?|z\d?)"
        r"|y_?(hat|pred|prob|out|output)",
        re.IGNORECASE,
    ),
    "cache": re.compile(r"caches?|memory|intermediates?|state|acts|activations|zs|tape", re.IGNORECASE),
    "grads": re.compile(r"(d_?)?grad(ient)?s?|deltas?|derivatives|d_?params|nablas?", re.IGNORECASE),
    "params": re.compile(r"params?|parameters|weights|theta|ws|w|model|net(work)?", re.IGNORECASE),
}
OFF = re.compile(r"shuffle|verbose|verbosity|print_?(cost|loss|every)?|plot|display|debug", re.IGNORECASE)
RATE = re.compile("|".join(RATES))
MOST = 200  # ways, of one network


@dataclass(frozen=True)
class Part:
    """Something of a network that can be called: how it is written, what it is called, and itself."""

    written: str
    name: str
    function: Callable[..., Any]


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
    given: Roles = {"x": ["x"], "y": ["y"], "batch": ["x.shape[1]" if columns else "len(x)"]}
    given |= {"params": [f"net.{state}"]} if state else {}
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


def _ways(parts: list[Part], given: Roles) -> Iterator[Calls]:
    for part in parts:
        for arguments in bound(part, given, required=("x", "y"), guess=True):
            bare = part.written == f"net.{part.name}" and arguments == "x, y"
            yield Calls((f"{part.written}({arguments})",), part.name if bare else None)
    forwards = [part for part in parts if FORWARD.match(part.name)]
    backwards = [part for part in parts if BACKWARD.match(part.name)]
    updates = [part for part in parts if UPDATE.match(part.name)]
    for forward, backward, update in itertools.product([None, *forwards], backwards, [None, *updates]):
        yield from _sequences(forward, backward, update, given)


def _sequences(forward: Part | None, backward: Part, update: Part | None, given: Roles) -> Iterator[Calls]:
    """Calls of a forward pass, a backward pass and an update."""
    first = [f"{forward.written}({each})" for each in bound(forward, given, required=("x",))] if forward else [None]
    for before in first:
        passed = given if before is None else given | {"out": ["out", "out[0]"], "cache": ["out[1]", "out"]}
        for middle in bound(backward, passed, required=()):
            rest = given | {"grads": ["grads"]}
            last = [f"{update.written}({each})" for each in bound(update, rest, required=())] if update else [None]
            for after in last:
                calls = (
                    before and _kept("out", before, middle),
                    _kept("grads", f"{backward.written}({middle})", after or ""),
                    after,
                )
                yield Calls(tuple(call for call in calls if call is not None))


def _kept(name: str, call: str, later: str) -> str:
    """A call whose result is kept under a name, if a later one reads it."""
    return f"{name} := {call}" if re.search(rf"\b{name}\b(?!=)", later) else call


def bound(part: Part, given: Roles, required: tuple[str, ...], guess: bool = False) -> list[str]:
    """Arguments for a call by what its parameters are called, each way in which they may be given.

    Parameters
    ----------
    part : Part
    given : dict
        Expressions for each role of a parameter.
    required : tuple of str
        Roles that must be given.
    guess : bool
        Whether the first two parameters may be samples and labels whatever they are called.
    """
    try:
        parameters = list(inspect.signature(part.function).parameters.values())
    except (TypeError, ValueError):
        return []
    choices: list[list[str]] = []
    roles: list[str] = []
    keyword = False
    for number, p in enumerate(parameters):
        if p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD):
            continue
        role = role_of(p.name, given)
        needed = p.default is p.empty
        if guess and needed and role is None and number < 2:
            role = ("x", "y")[number]
        if not needed and role not in ("epochs", "batch", "rate", "off", "y"):
            keyword = True
            continue
        if role is None or (role in roles and role != "off"):
            return []
        codes = {"epochs": ["1"], "rate": ["learning_rate"], "off": ["False"]}.get(role) or given[role]
        keyword = keyword or p.kind is p.KEYWORD_ONLY or not needed
        choices.append([f"{p.name}={code}" for code in codes] if keyword else codes)
        roles.append(role)
    if not set(required) <= set(roles):
        return []
    return [", ".join(each) for each in itertools.product(*choices)]


def role_of(name: str, given: Roles) -> str | None:
    """What a parameter of this name is given; None where that is not known, or not there."""
    usual = {"epochs": EPOCHS, "batch": BATCH, "rate": RATE, "off": OFF, "y": LABELS, "x": SAMPLES}
    for role, pattern in (usual | GIVEN).items():
        if pattern.fullmatch(name) and (role in given or role in ("epochs", "rate", "off")):
            return role
    return None
