"""Says of each cause, in words, what its lines read, what they make, and what that should be."""

from collections.abc import Sequence

import numpy as np

from compare.check.lines.flow import Flow, distinct
from compare.check.lines.known import Identity, spelt
from compare.check.lines.lines import Guilty
from compare.check.lines.search import NUMBER, RIGHT, SCALED, STALE, Search, Wrong

READS = 4  # of what an expression reads, so many are told
LINES = 8


def guilty(search: Search, found: Sequence[Wrong], samples: int) -> tuple[Guilty, ...]:
    """The lines of all causes, each once: those that make wrong numbers of right ones before those that pass them on."""
    told: dict[tuple[int, int, int], tuple[int, list[str]]] = {}
    for wrong in found:
        for rank, event in enumerate(wrong.events):
            place = search.flow.place(event)
            key = place.file, place.first, place.last
            if key not in told:
                told[key] = event, []
            if not rank:
                told[key][1].append(_makes(search, wrong, samples))
    return tuple(_one(search, event, says) for event, says in told.values())


def _one(search: Search, event: int, says: Sequence[str]) -> Guilty:
    flow = search.flow
    place = flow.place(event)
    reads = _reads(search, event)
    words = [*([reads] if reads else []), *distinct_words(says)]
    return Guilty(
        flow.trace.files[place.file],
        place.first,
        min(place.last, place.first + LINES - 1),
        place.function,
        flow.text(event),
        "; ".join(words) or ("it decides what runs between the two" if place.kind == "test" else "it hands this on"),
    )


def distinct_words(says: Sequence[str]) -> list[str]:
    """Each once, in order."""
    return list(dict.fromkeys(says))


def _makes(search: Search, wrong: Wrong, samples: int) -> str:
    """What a cause is: what is made, and what it should be."""
    role = spelt(wrong.role)
    sure = " (put in Keras's place, it makes what follows Keras's)" if wrong.confirmed else ""
    identity = wrong.stands_for
    if wrong.value is None:
        return f"changes other weights, and nothing changes {role.removeprefix('new ')}"
    if identity is None or identity.step != search.flow.step:
        return f"makes {_article(role)} that is not Keras's{sure}"
    if identity.factor == 1:
        return f"makes {identity.words}, which stands where {role} belongs{sure}"
    factor = "the wrong sign of " if identity.factor == -1 else f"{identity.factor:.6g} times "
    count = " (as many as there are samples)" if identity.factor == samples else ""
    count = " (one over the number of samples)" if identity.factor == 1 / samples else count
    return f"makes {factor}{role}{count}, and nothing takes that out again"


def _article(role: str) -> str:
    return f"{'an' if role[0] in 'AU' else 'a'} {role}"


def _reads(search: Search, event: int) -> str:
    """What an expression was computed from."""
    flow = search.flow
    parts: dict[str, str] = {}
    for read in flow.reads.get(event, ()):
        value = flow.value(read)
        text = flow.text(read)
        if text in parts or value == flow.value(event):
            continue
        array, kind, identity = flow.values[value], search.kind(value), search.identity(value)
        if array.size == 1 and identity is None:
            if flow.place(read).kind == "load":
                parts[text] = f"`{text}` is {float(array.item()):.6g}"
            continue
        if kind in (RIGHT, SCALED) and identity is not None:
            parts[text] = f"`{text}` is {identity.words}"
        elif kind == STALE and identity is not None:
            parts[text] = f"`{text}` is {spelt(identity.name)} of an earlier step: stale"
        elif kind != NUMBER:
            parts[text] = f"`{text}` is nothing that Keras computes"
    # What is stale is the point.
    told = sorted(parts.values(), key=lambda words: "stale" not in words)
    return ", ".join(told[:READS])
