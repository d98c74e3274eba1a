"""Where the loss of a step is: in what its calls return, in what the network keeps, or in a method of its own."""

import re
from collections.abc import Callable, Iterator, Mapping

import numpy as np

from compare.check.subject.inference.binding import Given, Part, bound
from compare.check.subject.inference.calls import FORWARD, LOSS
from compare.check.subject.inference.spelling import is_number
from compare.check.subject.inference.trials import CLOSE, Seen, matching

NAMED = re.compile(r"(loss|cost|history)\w*(\[-1\])?$", re.IGNORECASE)


def told_by(seen: Seen, parts: list[Part], measured: Callable[[Seen, str], list[float | None]]) -> dict[str, str]:
    """The adapter's arguments that say which calls make a step and where its loss is.

    A number is the loss if it is the right one. Else what the step returns is taken for it, where it can be, or what
    goes by its name, if that is one number and the weights matter to it: it is then a wrong loss, which is to be told.

    Parameters
    ----------
    seen : Seen
    parts : list of Part
        What of the network can be called.
    measured : callable
        What code of (network, x, y) says before a step, in each draw.
    """
    calls = seen.way.calls
    single = len(calls.written) == 1
    if found := matching(seen.returned, seen.losses):
        shortest = min(found, key=len)
        returned = shortest.removeprefix("[0]") if single else shortest
        return {"step": _step(seen, "" if single and _is_pair(seen, returned) else returned)}
    if after := matching(seen.kept, seen.losses):
        return {"step": _step(seen, None)} | _after(min(after, key=len))
    asked = {code: measured(seen, code) for code in _methods(parts)}
    for code, values in asked.items():
        pairs = zip(values, seen.losses, strict=True)
        if all(value is not None and abs(value - loss) <= CLOSE * abs(loss) for value, loss in pairs):
            return {"step": _step(seen, None), "loss": code}
    told = _unmatched(seen)
    return {"step": _step(seen, told)} | (_named(seen, asked) if told is None else {})


def _after(code: str) -> dict[str, str]:
    return {"loss": f"lambda net, x, y: {code}", "when": '"after"'}


def _named(seen: Seen, asked: Mapping[str, list[float | None]]) -> dict[str, str]:
    """What goes by a loss's name, if all that does is one number, which is another for other weights."""
    kept = [code for code in seen.kept[0] if NAMED.search(code) and all(code in values for values in seen.kept)]
    found = {code: [values[code] for values in seen.kept] for code in kept}
    said = {code: values for code, values in asked.items() if None not in values}
    # The first row of an output that is no tuple is a number's, too.
    said = {code: values for code, values in said.items() if code.replace(")[0]", ")") not in said.keys() - {code}}
    told = {tuple(np.round(np.array(values, float), 9)) for values in (*found.values(), *said.values())}
    if len(told) != 1 or len(set(told.pop())) == 1:
        return {}
    return _after(kept[0]) if kept else {"loss": next(iter(said))}


def _step(seen: Seen, told: str | None) -> str:
    calls = seen.way.calls
    if told is None and all(result[-1] is None for result in seen.results):
        told = "[-1]" if len(calls.written) > 1 else ""  # the last call returns nothing: that can be told
    return f'"{calls.bare}"' if calls.bare and told == "" else calls.code(told)


def _is_pair(seen: Seen, told: str) -> bool:
    """Whether loss and accuracy are returned, in this order, or under these names."""
    pairs = [result[0] for result in seen.results]
    if told == "[0]":
        return all(isinstance(pair, tuple | list) and len(pair) == 2 and is_number(pair[1]) for pair in pairs)
    return told == '["loss"]'


def _unmatched(seen: Seen) -> str | None:
    """What of a step's result is told as its loss, though it is not the right one: a number, or the last of a list."""
    if len(seen.way.calls.written) > 1:
        return None
    first, *others = [*(code.removeprefix("[0]") for code in seen.returned[0]), None]
    if first == '["loss"]' or '["loss"]' in others or (first == "[0]" and _is_pair(seen, first)):
        return ""
    return first if first in ("", "[-1]") else None


def _methods(parts: list[Part]) -> Iterator[str]:
    """Each way of asking a network for its loss before a step."""
    given = {"x": ["x"], "y": ["y"], "network": ["net"], "params": ["net.params"]}
    forwards = [
        f"{part.written}({each})"
        for part in parts
        if FORWARD.match(part.name)
        for each in bound(part, Given(given), required=("x",))
    ]
    outs = [f"{forward}{end}" for forward in forwards for end in ("", "[0]")]
    for part in parts:
        if LOSS.fullmatch(part.name):
            for arguments in bound(part, Given(given | ({"out": outs} if outs else {})), required=("y",)):
                yield f"lambda net, x, y: {part.written}({arguments})"
