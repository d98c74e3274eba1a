"""The code map: each expression of a subject's lines, with the quantity of Keras's that it makes."""

from collections.abc import Sequence

from compare.check.lines.classified import RIGHT, SCALED, Values
from compare.check.lines.events import MAKING
from compare.check.lines.known import primary, spelt
from compare.check.lines.lines import Guilty, Mapped


def code_map(values: Values, guilty: Sequence[Guilty]) -> tuple[Mapped, ...]:
    """What each expression makes, in order of lines; of parts of an expression, what Keras computes itself alone."""
    flow = values.flow
    bad = {(each.file, line) for each in guilty for line in range(each.first, each.last + 1)}
    found: dict[tuple[int, int, str, str], Mapped] = {}
    for event in (*flow.events, *flow.members):
        place, value = flow.place(event), flow.value(event)
        identity = values.identity(value)
        if place.kind not in MAKING or identity is None or values.kind(value) not in (RIGHT, SCALED):
            continue
        if place.kind == "part" and not (primary(identity.name) and flow.maker[value] == event):
            continue
        name = place.target if place.target not in ("", "return") else flow.text(event)
        file = flow.trace.files[place.file]
        right = (file, place.first) not in bad
        key = place.file, place.first, name, identity.name
        found.setdefault(
            key, Mapped(file, place.first, place.function, name, spelt(identity.name), identity.factor, right)
        )
    return tuple(found[key] for key in sorted(found, key=lambda key: key[:2]))
