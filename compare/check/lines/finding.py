"""Drives a subject once more, its lines traced: what each makes, and which make the first wrong numbers."""

import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from compare.check.lines.batches import WrongLoss, training_lines
from compare.check.lines.classified import Quantities
from compare.check.lines.code_map import code_map
from compare.check.lines.flow import Flow
from compare.check.lines.known import REPORTED, known
from compare.check.lines.lines import Lines
from compare.check.lines.repairs import confirmed, repairs_of, with_repairs
from compare.check.lines.saying import guilty, raising
from compare.check.lines.search import Question, Search
from compare.check.steps.lockstep import Driven, recipe_for, task_again
from compare.check.steps.reference import Reference, ratio
from compare.check.subject.drivers import Driver
from compare.check.subject.tasks import Performance
from compare.check.subject.tracing import TOO_LONG, TOO_MANY
from compare.check.training import Training
from compare.mathematics.functions import Array

SECONDS = 4.8  # for all of it; what is left is for edits
TRYING, LEAST = 4.0, 1.0  # seconds for edits, at most and at least
TYPICAL = 32  # samples in a batch
BEFORE = 2  # steps that are traced before the one that is looked at: what is stale comes from there
RELATIVE = {"float64": 1e-9, "float32": 1e-4}  # two ways to one value, in units of its largest element
ROUNDED = 1e-6  # of an accuracy
ONE_BY_ONE = 10  # numbers that are computed to one array: then few of Keras's quantities are ever there
COMPUTED = 4  # times that all of a step was computed, that are kept
AGAIN = 10  # a value that is not Keras's may make rounding larger than Keras's own would


def find_lines(driver: Driver, reference: Reference, runs: Sequence[Driven], effort: float = 1.0) -> Lines:
    """Say which lines make what, in two steps of ordinary training or around the first one that is wrong.

    Where extreme situations alone go wrong, the lines that do so are told apart. `effort` is the share of the usual
    time that edits are tried for; with less than all of it, only where no line is sure.
    """
    begun = time.monotonic()
    ordinary = [run for run in runs if not run.situation.extreme and run.steps]
    if not ordinary:
        return Lines(not_traced="no step was made that could be traced")
    first = min(ordinary, key=_order)
    at = _looked_at(first)
    lines = _traced(driver, reference, first, at)
    if (lines.not_traced or "").startswith((TOO_MANY, TOO_LONG)):  # of fewer samples there are fewer
        alike = [run for run in ordinary if (run.first_wrong is None) == (first.first_wrong is None)]
        first = min(alike, key=lambda run: len(run.situation.batches[run.first_wrong or 0]))
        at = _looked_at(first)
        lines = _traced(driver, reference, first, at)
    other = _off_besides(ordinary, first.steps[at].off) if lines.guilty else None
    if other is not None:
        more = _traced(driver, reference, *other)
        lines = replace(lines, guilty=tuple(dict.fromkeys([*lines.guilty, *more.guilty])))
    if effort >= 1 or not confirmed(lines.guilty):  # afterwards: what is tried may leave its traces
        left = effort * min(TRYING, max(LEAST, SECONDS - (time.monotonic() - begun)))
        lines = with_repairs(lines, repairs_of(driver, reference, runs, lines, left) if left else [])
    extreme = [run for run in runs if run.situation.extreme and run.first_wrong is not None]
    if lines.guilty or lines.not_traced is not None or not extreme:
        return lines
    beyond = min(extreme, key=_order)
    return replace(lines, warned=_traced(driver, reference, beyond, _looked_at(beyond)).guilty)


def _looked_at(run: Driven) -> int:
    """The step of a run that is looked at: the first that is wrong, or the second, before which there is one."""
    return min(1 if run.first_wrong is None else run.first_wrong, len(run.steps) - 1)


def _off_besides(runs: Sequence[Driven], seen: frozenset[int]) -> tuple[Driven, int] | None:
    """The first step in which more is wrong than was seen: a loss apart, or what only later steps show."""
    steps = ((run, index) for run in sorted(runs, key=_order) for index in range(len(run.steps)))
    more = ((run, at) for run, at in steps if run.steps[at].did.error is None and not run.steps[at].off <= seen)
    return next(more, None)


def find_training_lines(driver: Driver, trainings: Sequence[Training], lines: Lines) -> Lines:
    """Add the lines by which a subject's own training is wrong, where those of its steps are right.

    Of the first that is wrong and can be told of.
    """
    if lines.guilty:
        return lines
    wrong = [(training, training.driven) for training in trainings if training.wrong and training.driven is not None]
    for training, driven in wrong:
        again = driver.perform(replace(driven.task, trace=(0,)))
        same = again.history == driven.performance.history or not driven.in_order  # it may shuffle anew
        if again.trace is None or again.trace.not_traced is not None or not same:
            continue
        pairs = zip(training.history or [], training.expected, strict=False)
        reported = training.wrong_history and not training.wrong_weights
        off = [abs(told - right) for told, right in pairs] if reported else []
        epoch = int(np.argmax(np.array(off) > 1e-3 * max(off))) if off else None
        loss = None if epoch is None else WrongLoss(epoch, (training.history or [])[epoch], training.expected[epoch])
        flow = Flow(again.trace, 0, samples=0)
        if found := training_lines(flow, driven.trial, driven.in_order, loss):
            sources = dict([*lines.sources, *zip(again.trace.files, again.trace.sources, strict=True)])
            return replace(lines, guilty=found, sources=tuple(sources.items()))
    return lines


def _order(run: Driven) -> tuple[bool, bool, bool, bool, float]:
    """Wrong runs first, those that do not raise before those that do, ordinary batches before odd ones.

    In batches of few samples, sums may come out right by chance; large ones take longer.
    """
    first, situation = run.first_wrong, run.situation
    raises = any(step.did.error is not None for step in run.steps[: (first or 0) + 1])
    size = len(situation.batches[0])
    return first is None, raises, bool(situation.special), situation.free, abs(np.log(size / TYPICAL))


def _traced(driver: Driver, reference: Reference, run: Driven, last: int) -> Lines:
    """Say which lines make what in one step of a run, and in those before it."""
    steps = tuple(range(max(0, last - BEFORE), last + 1))
    performance = driver.perform(task_again(reference, run, last + 1, steps))
    trace = performance.trace
    if trace is None or (performance.refusal is not None and len(performance.steps) <= last):
        return Lines(not_traced=performance.refusal or "it did not say what its lines do")
    if not len(trace.events):
        return Lines(not_traced=trace.not_traced or "none of its code is Python of its own")
    if not _same(performance, run, last):
        return Lines(not_traced="its numbers are others when it is traced")
    sources = tuple(zip(trace.files, trace.sources, strict=True))
    if trace.not_traced is not None:
        return Lines(sources=sources, not_traced=trace.not_traced)
    flow = Flow(trace, last, run.steps[last].step.n)
    error = run.steps[last].did.error
    if error is not None:
        return Lines(raising(flow, error), sources=sources)
    sizes = [flow.values[flow.value(event)].size for event in flow.events if flow.computes(event)]
    arrays = sum(size > 1 for size in sizes)
    few = sum(map(flow.makes_array, flow.events)) < len(reference.names)
    if few or ONE_BY_ONE * arrays < len(sizes) - arrays:
        return Lines(sources=sources, not_traced="its numbers are made one by one, and not in arrays")
    search = Search(_Asked(reference, run).question(flow, last))
    causes = search.run()
    told = guilty(search.values, causes)
    return Lines(told, (), code_map(search.values, told), sources)


def _same(performance: Performance, run: Driven, last: int) -> bool:
    """Whether the traced numbers are the untraced ones, bit for bit."""
    pairs = zip(performance.steps[: last + 1], run.steps[: last + 1], strict=True)
    return all(
        one.loss == other.did.loss or (one.loss != one.loss and other.did.loss != other.did.loss)
        for one, other in zip(performance.steps, run.steps, strict=False)
    ) and all(
        np.array_equal(a, b, equal_nan=True)
        for one, other in pairs
        for a, b in zip(one.after or [], other.did.after or [], strict=True)
    )


class _Asked:
    """Keras, asked what it computes in the steps of a run."""

    def __init__(self, reference: Reference, run: Driven) -> None:
        recipe = recipe_for(reference, run.situation)
        self.reference, self.run, self.rate = reference.at(recipe), run, recipe.architecture.learning_rate
        self.updates = {f"{start}{name}" for name in reference.names for start in ("d", "new ")}
        self.computed: deque[tuple[int, Mapping[str, Array], Mapping[str, Array]]] = deque(maxlen=COMPUTED)

    def quantities(self, step: int, instead: Mapping[str, Array]) -> Quantities:
        """What Keras computes in a step, with some values replaced; and the accuracy, where it can be told."""
        made = self.run.steps[step].step
        of_update = {name: value for name, value in instead.items() if name in self.updates}
        found = self._computed(step, {name: value for name, value in instead.items() if name not in of_update})
        if of_update:
            found = self.reference.updated(made, found, of_update)
        if not made.P.size:
            return found
        predicted = found[f"A{len(made.architecture.layers)}"].argmax(axis=1)
        accuracy = (predicted == found["Y"].argmax(axis=1)).mean()
        return {**found, "accuracy": instead.get("accuracy", np.array(accuracy))}

    def _computed(self, step: int, instead: Mapping[str, Array]) -> Quantities:
        """What Keras computes, with values replaced of which more follows than an update; kept for the next ones."""
        for of, values, found in self.computed:
            if of == step and values.keys() == instead.keys() and all(values[name] is instead[name] for name in values):
                return found
        made = self.run.steps[step].step
        if instead or self.run.situation.free:
            found = self.reference.quantities(made, instead)
        else:
            found = self.reference.known_quantities(made)
        self.computed.append((step, instead, found))
        return found

    def question(self, flow: Flow, now: int) -> Question:
        """Ask about one step; those before it, where they are traced, tell what is stale."""
        judged = self.run.steps[now]
        relative, takes = RELATIVE[self.reference.precision], self.reference.takes
        earlier = {step: self.quantities(step, {}) for step in range(max(0, now - BEFORE), now)}
        names = [f"new {name}" for name in self.reference.names]
        outputs = dict(zip(names, judged.did.after or [], strict=False))
        bounds = dict(zip(names, judged.bounds.after, strict=True))
        if judged.did.loss is not None:
            outputs["loss"], bounds["loss"] = np.array(judged.did.loss), np.array(judged.bounds.loss)
        if judged.accuracy_differs and judged.did.accuracy is not None:
            outputs["accuracy"], bounds["accuracy"] = np.array(judged.did.accuracy), np.array(ROUNDED)

        def close(name: str, value: Array, quantities: Quantities) -> bool:
            right = quantities[name]
            moved = right if name in REPORTED else right - quantities[name.removeprefix("new ")]
            allowed = bounds[name] if right is first[name] else AGAIN * bounds[name] + relative * np.abs(moved).max()
            return ratio(value, right, allowed) <= 1

        first = self.quantities(now, {})
        return Question(
            flow,
            lambda instead: self.quantities(now, instead) if instead else first,
            lambda quantities: known({**earlier, now: quantities}, now, self.rate, relative, takes),
            outputs,
            close,
            self.rate,
        )
