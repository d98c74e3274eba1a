"""Says of each cause, in words, what its lines read, what they make, and what that should be."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from compare.check.lines.assignments import assignments
from compare.check.lines.classified import NUMBER, RIGHT, SCALED, STALE, Values
from compare.check.lines.deciding import decisions
from compare.check.lines.events import distinct
from compare.check.lines.flow import Flow
from compare.check.lines.known import REPORTED, spelt
from compare.check.lines.lines import Guilty
from compare.check.lines.origins import Wrong
from compare.check.subject.factories import RATES
from compare.phrases import gathered, listed

PLACES = 8  # that are told in all
FOLLOWS = "all that follows from it is Keras's"
ASSIGNED = 2  # of where a setting comes from, so many
READS = 4  # of what an expression reads, so many are told
EVENTS = 4  # of where a cause comes from, so many
LINES = 8  # of an expression that goes over more


@dataclass
class _Told:
    """A place, the first event there, and the causes that it is the likeliest place of."""

    event: int
    causes: list[Wrong] = field(default_factory=list)


def guilty(values: Values, found: Sequence[Wrong]) -> tuple[Guilty, ...]:
    """The lines of all causes, each once: of each cause the likeliest place first."""
    told: dict[tuple[int, int, int], _Told] = {}
    for wrong in found:
        for rank, event in enumerate(_distinct_places(values, wrong.events)[:EVENTS]):
            place = values.flow.place(event)
            here = told.setdefault((place.file, place.first, place.last), _Told(event))
            if not rank:
                here.causes.append(wrong)
    # A place that is the likeliest of some cause comes before what only leads to one.
    ordered = sorted(told.values(), key=lambda each: not each.causes)
    lines: list[Guilty] = []
    for each in ordered:
        lines += [_one(values, each), *_assigned(values, each.event), *_decided(values, each)]
        stale = values.kind(values.flow.value(each.event)) == STALE
        for loop in values.flow.last(each.event, "loop") if stale else [each.event]:
            if values.flow.place(loop).kind == "loop":
                lines += gone_through(values.flow, loop)
    lines += [line for each in ordered for wrong in each.causes for line in _taken(values, wrong)]
    return tuple({(line.file, line.first, line.last): line for line in reversed(lines)}.values())[::-1][:PLACES]


def _assigned(values: Values, event: int) -> list[Guilty]:
    """Where what an expression uses was set, outside of the step or by no value: numbers, functions, stale names."""
    flow = values.flow
    used: list[tuple[str, float | str]] = []
    beside = flow.beside(event)
    for read in beside:
        value, text = flow.value(read), flow.text(read)
        number = float(flow.values[value].item()) if flow.values[value].size == 1 else 0.0
        rate = number == values.rate and _base(text) in RATES
        if number and not rate and flow.set(text, value, event) is None:
            used.append((_base(text), number))
    parts = [event, *flow.reads.get(flow.members.get(event, [event])[-1], ())]
    used += [function for part in parts if (function := flow.called(part)) is not None]
    stale = [_base(flow.text(part)) for part in parts if values.kind(flow.lifted(flow.value(part))) == STALE]
    names = [_base(flow.text(read)) for read in beside]
    found = []
    for path, source in zip(flow.trace.files, flow.trace.sources, strict=True):
        given = assignments(source)
        told = [each for name, value in dict.fromkeys(used) for each in given.of(name, value)[:ASSIGNED]]
        if path == flow.trace.files[flow.place(event).file]:
            told += [each for name in dict.fromkeys(names) for each in given.kept_defaults(name)]
            told += given.texts(flow.statement(event))
            here = flow.statement(event), flow.place(event).first
            told += [each for name in dict.fromkeys(stale) for each in given.kept(name, *here)]
        found += [Guilty(path, s.first, min(s.last, s.first + LINES - 1), "", s.source, s.says) for s in told]
    return found


def _taken(values: Values, wrong: Wrong) -> Iterator[Guilty]:
    """Where a gradient that is some times what it should be is taken last: a factor may be missing there as well."""
    identity, flow = wrong.stands_for, values.flow
    if identity is None or abs(identity.factor) == 1 or wrong.role.startswith(("dZ", "dA")):
        return
    for event in reversed(flow.events):
        if event <= wrong.events[0]:
            return
        for read in flow.reads.get(event, ()):
            taken = values.identity(flow.value(read))
            if taken is not None and taken.name == wrong.role:  # by now it is taken for Keras's own
                yield at(flow, event, f"takes it, {identity.factor:.6g} times what it should be")
                return


def _decided(values: Values, told: _Told) -> list[Guilty]:
    """The conditions, anywhere, that decide whether there is something which may be one too many."""
    names = distinct(name for wrong in told.causes for name in wrong.decided_by)
    return [
        Guilty(path, s.first, s.last, "", s.source, s.says)
        for path, source in zip(values.flow.trace.files, values.flow.trace.sources, strict=True)
        for name in names
        for s in decisions(source).of(name)[:ASSIGNED]
    ]


def gone_through(flow: Flow, loop: int) -> Iterator[Guilty]:
    """Where what a loop goes through was made, by its name."""
    place = flow.place(loop)
    path, source = flow.trace.files[place.file], flow.trace.sources[place.file]
    for name in decisions(source).looped_over(place.first + 1):
        for each in assignments(source).made(name, place.first):
            yield Guilty(path, each.first, each.last, "", each.source, each.says)


def _base(text: str) -> str:
    """The last name of what is read, without its index."""
    return text.split("[")[0].rsplit(".", 1)[-1]


def raising(flow: Flow, error: str) -> tuple[Guilty, ...]:
    """The line that a step came to when it raised."""
    if not flow.events:
        return ()
    place = flow.place(flow.events[-1])
    line = flow.trace.sources[place.file].splitlines()[place.statement - 1].strip()
    return (Guilty(flow.trace.files[place.file], place.statement, place.statement_end, place.function, line, error),)


def _distinct_places(values: Values, events: Sequence[int]) -> list[int]:
    lines: dict[tuple[int, int], int] = {}
    for event in events:
        place = values.flow.place(event)
        lines.setdefault((place.file, place.first), event)
    return list(lines.values())


def _one(values: Values, told: _Told) -> Guilty:
    place = values.flow.place(told.event)
    makes = _makes(values, told.causes)
    if not makes:
        makes = ["it decides what runs next" if place.kind in ("test", "loop") else "on the way to the above"]
    reads = _reads(values, told.event)
    return at(values.flow, told.event, "; ".join([*([reads] if reads else []), *makes]))


def at(flow: Flow, event: int, says: str) -> Guilty:
    """Say something of the lines of an event."""
    place = flow.place(event)
    last = min(place.last, place.first + LINES - 1)
    return Guilty(flow.trace.files[place.file], place.first, last, place.function, flow.text(event), says)


def _makes(values: Values, causes: Sequence[Wrong]) -> list[str]:
    """What is made, and what it should be: causes of one form are told together."""
    forms: dict[str, list[str]] = {}
    for wrong in causes:
        forms.setdefault(_form(values, wrong), []).append(wrong.role)
    return [form.format(roles=_named(roles)) for form, roles in forms.items()]


def _form(values: Values, wrong: Wrong) -> str:
    identity, samples = wrong.stands_for, values.flow.samples
    if wrong.value is None:
        return "changes other weights, and leaves {roles} as it was"
    if not wrong.role:
        return "leads to numbers that are not finite, where Keras's are"
    own = values.identity(wrong.value)
    if not wrong.confirmed and own is not None and own.name == wrong.role and values.kind(wrong.value) == RIGHT:
        return "makes {roles}, which is not kept"
    if not wrong.confirmed:
        return "leads to {roles}, where it is not Keras's"
    follows = f"; {FOLLOWS}"
    if identity is None:
        return "makes {roles}, and not as Keras does" + follows
    if identity.factor == 1:
        other, role = (
            re.sub(r" of layer \d+| at (time|call) \d+", "", spelt(of)) for of in (identity.name, wrong.role)
        )
        other = spelt(identity.name) if other == role else other
        turned = f" ({identity.how})" if identity.how else ""
        return f"makes {other}{turned}, which stands where {{roles}} belongs{follows}"
    if identity.factor == -1:
        return "makes {roles} with the wrong sign"
    count = {samples: " (the number of samples)", 1 / samples: " (one over the number of samples)"}
    return (
        f"makes {identity.factor:.6g}{count.get(identity.factor, '')} times {{roles}}, and nothing takes that out again"
    )


def _named(roles: Sequence[str]) -> str:
    """Quantities in words, "dW of layers 4, 3 and 2 and the loss"."""
    return listed(gathered([f"the {role}" if role in REPORTED else spelt(role) for role in roles]))


def _reads(values: Values, event: int) -> str:
    """What an expression was computed from."""
    flow = values.flow
    parts: dict[str, str] = {}
    own = values.identity(flow.value(event))
    if own is not None and values.kind(flow.value(event)) == STALE:
        parts["own"] = f"gives {spelt(own.name)} of an earlier step: stale"
    members = flow.members.get(event, [event])
    for read in distinct(flow.reads.get(members[-1], ())):
        value = flow.lifted(flow.value(read))
        text = flow.text(read)
        if text in parts or value == flow.value(event):
            continue
        array, kind, identity = flow.values[value], values.kind(value), values.identity(value)
        if array.size == 1 and identity is None:
            if flow.place(read).kind == "load" and array.item() == array.item():
                parts[text] = f"`{text}` is {float(array.item()):.6g}"
        elif kind in (RIGHT, SCALED) and identity is not None:
            single = "one sample's value of " if flow.single(event, value) else ""
            parts[text] = f"`{text}` is {single}{identity.words}"
        elif kind == STALE and identity is not None:
            parts[text] = f"`{text}` is {spelt(identity.name)} of an earlier step: stale"
        elif kind != NUMBER:
            parts[text] = f"`{text}` is nothing that Keras computes"
    # What is stale is the point.
    return ", ".join(sorted(parts.values(), key=lambda words: "stale" not in words)[:READS])
