"""Asks for edits of the subject's own lines with which it does as Keras does, and tells those lines first."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from compare.check.lines.lines import Guilty, Lines
from compare.check.lines.saying import FOLLOWS, LINES, PLACES
from compare.check.steps.lockstep import Driven, Judged, task_again
from compare.check.steps.model_reference import ModelReference
from compare.check.steps.reference import Reference
from compare.check.subject.attempts import Attempt, Expected, Repair
from compare.check.subject.drivers import Driver

STEPS = 3  # of a task, at least: what is stale shows in the second
TASKS = 3
TYPICAL = 8  # samples in a batch
TOLD, MORE = 2, 2  # repairs of one fault; so many more come last, beside all that is told otherwise
FACTORS = 3  # that are tried: those by which most is too large
ROUNDED = 1e-6  # of a step: Keras takes constants of its optimizers through float32, and the subject need not


def repairs_of(
    driver: Driver, reference: Reference, runs: Sequence[Driven], lines: Lines, seconds: float
) -> list[Repair]:
    """The edits that mend what is wrong in the quickest situations that show all of it, with guilty lines first.

    None where it is wrong in free training alone: Keras goes on from the subject's own weights there. They are
    tried for so many `seconds` of the processor.
    """
    can = [run for run in runs if not run.situation.free and run.steps]
    wrong = sorted((run for run in can if run.first_wrong is not None and not run.situation.extreme), key=_cost)
    chosen: list[Driven] = []
    seen: frozenset[int] = frozenset()
    for run in wrong:
        off = frozenset().union(*(step.off for step in run.steps[: _length(run)]))
        if not off <= seen and len(chosen) < TASKS:
            chosen.append(run)
            seen |= off
    if not chosen:
        return []
    sizes = {len(run.situation.batches[0]) for run in chosen}
    others = sorted(
        (run for run in can if not run.situation.extreme and len(run.situation.batches[0]) not in sizes), key=_cost
    )
    chosen += others[:1]
    places = [(line.file, line.first, line.last) for line in lines.guilty]
    scaled = Counter(abs(each.factor) for each in lines.code_map if abs(each.factor) not in (0, 1))
    factors = [factor for factor, _ in scaled.most_common(FACTORS)]
    # The first is tried again and again: its first wrong step is enough, and the others are for what mends that.
    first = chosen[0]
    least = min(wrong, key=lambda run: (len(run.situation.batches[0]), _cost(run)))
    sieves = [(run, (run.first_wrong or 0) + 1) for run in (first, least)]
    asked = [sieves[0], *((run, _length(run)) for run in chosen), sieves[1]]
    tasks = [task_again(reference, run, steps) for run, steps in asked]
    share = ROUNDED if isinstance(reference, ModelReference) else 0.0
    expected = [[_expected(step, share) for step in run.steps[:steps]] for run, steps in asked]
    return driver.attempt(Attempt(tasks, expected, places, seconds, factors))


def with_repairs(lines: Lines, repairs: Sequence[Repair]) -> Lines:
    """Tell the lines that can be mended so first, with what mends them."""
    if not repairs:
        return lines
    told: dict[tuple[str, int, int], Guilty] = {}
    more: dict[tuple[str, int, int], Guilty] = {}
    several = len({repair.round for repair in repairs if repair.whole}) > 1
    for turn in dict.fromkeys(repair.round for repair in repairs):
        of_turn = sorted(
            (each for each in repairs if each.round == turn), key=lambda each: (not each.whole, _suspicion(each, lines))
        )
        best = _gathered([each for each in of_turn if each.whole == of_turn[0].whole])
        for repair in best:
            key = repair.file, repair.first, repair.last
            if key not in told and len(told) < TOLD * (turn + 1):
                told[key] = _guilty(repair, lines, several)
            elif key not in told and len(more) < MORE:
                more.setdefault(key, _guilty(repair, lines, several))
    rest = [line for line in lines.guilty if not any(_meets(line, one) for one in told.values())]
    last = [one for one in more.values() if not any(_meets(one, other) for other in (*rest, *told.values()))]
    # Where the first wrong value is confirmed, an edit elsewhere mends what follows from it.
    first = rest[:1] if confirmed(rest) and rest[0] is lines.guilty[0] else []
    before = [*first, *told.values(), *rest[len(first) :]]
    return replace(lines, guilty=(*before[:PLACES], *last))


def _gathered(repairs: Sequence[Repair]) -> list[Repair]:
    """One for all places of a function where the same mends it: a call that is missing may stand at several."""
    found: dict[tuple[str, str, str], Repair] = {}
    for repair in repairs:
        key = repair.file, repair.function, repair.says
        same = found.setdefault(key, repair)
        first, last = min(same.first, repair.first), max(same.last, repair.last)
        found[key] = replace(same, first=first, last=last) if last - first < LINES else same
    return list(found.values())


def confirmed(guilty: Sequence[Guilty]) -> bool:
    """Whether Keras, given the first line's wrong value, goes on as the subject does."""
    return bool(guilty) and FOLLOWS in guilty[0].says


def _suspicion(repair: Repair, lines: Lines) -> int:
    places = (place for place, line in enumerate(lines.guilty) if _meets(line, repair))
    return next(places, len(lines.guilty))


def _meets(line: Guilty, other: Guilty | Repair) -> bool:
    return line.file == other.file and line.first <= other.last and other.first <= line.last


def _guilty(repair: Repair, lines: Lines, several: bool) -> Guilty:
    known = next((line.says for line in lines.guilty if _meets(line, repair)), "")
    mends = "and with others told so, " * several + "all is as Keras has it"
    mends = mends if repair.whole else "more is as Keras has it, and nothing less"
    return Guilty(
        repair.file,
        repair.first,
        repair.last,
        repair.function,
        repair.source,
        f"{repair.says}, {mends}{'; ' * bool(known)}{known}",
    )


def _cost(run: Driven) -> tuple[int, float]:
    """Late ones take long, large ones too; in batches of a sample or two things come out right by chance."""
    return (run.first_wrong or 0), abs(np.log(len(run.situation.batches[0]) / TYPICAL))


def _length(run: Driven) -> int:
    """The steps of a run that are driven again."""
    return min(len(run.steps), max(STEPS, (run.first_wrong or 0) + 1))


def _expected(judged: Judged, share: float) -> Expected:
    """What Keras makes of a step; so large a share of what it moves is allowed besides."""
    pairs = zip(judged.after, judged.step.weights, strict=True)
    moved = [share * np.abs(after - before).max() for after, before in pairs]
    told = judged.did.accuracy is not None and judged.step.P.size
    return Expected(
        None if judged.did.loss is None else float(judged.loss),
        float(judged.bounds.loss) + share * abs(float(judged.loss)),
        judged.step.accuracy if told else None,
        judged.after,
        [bound + more for bound, more in zip(judged.bounds.after, moved, strict=True)],
    )
