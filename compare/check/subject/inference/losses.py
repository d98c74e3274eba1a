"""Where the loss of a step is: in what its calls return, in what the network keeps, or in a method of its own."""

from collections.abc import Callable, Iterator

from compare.check.subject.inference.binding import Given, Part, bound
from compare.check.subject.inference.calls import FORWARD, LOSS
from compare.check.subject.inference.spelling import is_number
from compare.check.subject.inference.trials import CLOSE, Seen, matching


def told_by(seen: Seen, parts: list[Part], measured: Callable[[Seen, str], list[float | None]]) -> dict[str, str]:
    """The adapter's arguments that say which calls make a step and where its loss is.

    A number is the loss if it is the right one. Else the step's own result is taken for it, where it can be.

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
    found = matching(seen.returned, seen.losses)
    if found:
        told = min(found, key=len)
        told = told.removeprefix("[0]") if single else told
        return {"step": _step(seen, "" if single and _is_pair(seen, told) else told)}
    if after := matching(seen.kept, seen.losses):
        return {"step": _step(seen, None), "loss": f"lambda net, x, y: {min(after, key=len)}", "when": '"after"'}
    for code in _methods(parts):
        if all(
            value is not None and abs(value - loss) <= CLOSE * abs(loss)
            for value, loss in zip(measured(seen, code), seen.losses, strict=True)
        ):
            return {"step": _step(seen, None), "loss": code}
    return {"step": _step(seen, _unmatched(seen))}


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
