"""Names the bugs: computes what each known fault would have done, from the same weights and batches, and compares.

Weights and losses are explained apart, and ordinary situations apart from each extreme one. A match to rounding
confirms a cause for the tensors and steps that it gives; what nothing gives is named as left.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain

import numpy as np

from compare.check.causes.evidence import ERROR, LOSS, Case, Causes, Item, gradients_agree
from compare.check.causes.hypothesis import Hypothesis, Reach, best
from compare.check.causes.kinds import recognise
from compare.check.causes.search import Search
from compare.check.steps.lockstep import Driven
from compare.faults import FAULTS
from compare.faults.fault import Cause
from compare.mathematics.step import Step
from compare.recipe.architecture import Architecture

CONFIRMED = 6  # explanations that are confirmed over all steps


@dataclass(frozen=True)
class Left:
    """What no known fault explains: `tensor` is "loss", "error", "kernel" or "bias"; the layer is from 0."""

    tensor: str
    layer: int | None
    situation: str
    step: int


@dataclass(frozen=True)
class Explanation:
    """Faults that together do what the subject did.

    `steps` is how many steps confirm it, in `runs` situations; `explained` how many of them are wrong ones: code that
    is not faulty gives the others too. `left` is what it does not explain.
    """

    causes: Causes
    steps: int = 0
    runs: int = 0
    explained: int = 0
    gradients_agree: bool = True
    unexplained_errors: int = 0
    left: tuple[Left, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The faults' names."""
        return tuple(cause.name for cause in self.causes)


@dataclass(frozen=True)
class Warned:
    """What goes wrong in an extreme situation, in words; `cause` is None where no known fault does it."""

    situation: str
    words: str
    cause: Cause | None = None


@dataclass(frozen=True)
class Diagnosis:
    """What explains a failed check: `explanations` that fit equally well, the likeliest first; none is "unknown".

    `kind` is what the subject is, where it is no faulty network but one of another kind.
    """

    explanations: tuple[Explanation, ...] = ()
    tried: int = 0
    kind: Cause | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The names in the likeliest explanation."""
        return self.explanations[0].names if self.explanations else ()


def diagnose(
    runs: Sequence[Driven],
    architecture: Architecture,
    precision: str = "float64",
    company: bool = True,
    effort: float = 1.0,
) -> Diagnosis:
    """Search the catalogue for what explains these runs.

    Parameters
    ----------
    runs : sequence of Driven
        Ordinary situations, right or wrong.
    architecture : Architecture
    precision : {"float64", "float32"}
        Of the subject's arithmetic.
    company : bool
        Whether to look for faults that stand together.
    effort : float
        The share of the usual steps that candidates may take.

    Returns
    -------
    Diagnosis
    """
    wrong = sorted((run for run in runs if run.first_wrong is not None), key=_plainness)
    if not wrong:
        return Diagnosis()
    right = [run for run in runs if run.first_wrong is None and run.steps]
    case = Case([*wrong, *right], architecture, precision, effort)
    items = _items(case, losses=False)
    found = Search(case, items, False, Reach.EXCHANGE).run()
    if all(each.left for each in found) and (kind := recognise(case)) is not None:
        return Diagnosis((), case.tried, kind)
    again = [each for each in found if each.causes]  # what was left early may be explained by one fault beside these
    beginnings = chain([(again, Reach.COMPLETE)], _beginnings(case, items))
    for starts, far in beginnings if company and not _whole(found) else ():
        found = best([*found, *_from(starts, Search(case, items, False, far))])
        if _whole(found):
            break
    reach = Reach.PAIRS if company else Reach.EXCHANGE
    complete = sorted(_with_losses(case, items, found, reach), key=_doubts)
    ranked = sorted((confirmed(case, losses.causes) for _, losses in complete[:CONFIRMED]), key=_rank)
    likeliest = [each for each in ranked if _rank(each) == _rank(ranked[0])] if ranked else []
    kept = {each.names: each for each in reversed(likeliest) if each.causes and each.explained}
    return Diagnosis(tuple(reversed(kept.values())), case.tried)


def _whole(found: Iterable[Hypothesis]) -> bool:
    return any(not each.left for each in found)


def _from(starts: Iterable[Hypothesis], search: Search) -> list[Hypothesis]:
    """Search from each start; when one has led to all, others may still do, but not by a long way."""
    found: list[Hypothesis] = []
    for start in starts:
        if not _whole(found):
            found += search.run(start.causes)
        elif not start.left:
            fewest = min(len(each.causes) for each in found if not each.left)
            found += replace(search, reach=Reach.ADD, most=fewest).run(start.causes)
    return found


def _beginnings(case: Case, items: Sequence[Item]) -> Iterator[tuple[list[Hypothesis], Reach]]:
    """Where to search from, and how far: from what is explained where fewer faults show, and then from nothing.

    What explains all that was seen there comes first: the rest may explain what it does by chance.
    """
    partial: list[tuple[list[Hypothesis], Reach]] = []
    for reach in (Reach.EXCHANGE, Reach.PAIRS):
        for starts in _plainer(case, items, reach):
            if whole := [start for start in starts if not start.left]:
                yield whole, reach
            partial.append(([start for start in starts if start.left], reach))
    yield from partial
    yield [Hypothesis()], Reach.PAIRS


def _plainer(case: Case, items: Sequence[Item], reach: Reach) -> Iterator[list[Hypothesis]]:
    """What is explained where fewer faults show: by the losses alone, and then in batches of one."""
    single = [item for item in items if all(len(rows) == 1 for rows in case.runs[item.run].situation.batches)]
    losses = _items(case, losses=True)
    shown = [_moving(found.causes) for found in Search(case, losses, None, reach).run()] if losses else []
    shown = list(filter(None, dict.fromkeys(shown)))
    search = Search(case, single, False, reach)
    for start in (*shown, ()):
        yield [found for found in search.run(start) if found.causes]
    yield [Hypothesis(start, left=frozenset([LOSS])) for start in shown]


def _moving(causes: Causes) -> Causes:
    return tuple(cause for cause in causes if not cause.fault.reporting)


def _items(case: Case, losses: bool) -> list[Item]:
    """What is searched: of the free-running runs, which show what lockstep shows, the first alone."""
    free = [number for number, run in enumerate(case.runs) if run.situation.free]
    return [item for item in case.items(losses) if item.run not in free[1:]]


def _doubts(pair: tuple[Hypothesis, Hypothesis]) -> tuple[int, int]:
    return sum(len(each.left) for each in pair), len(pair[1].causes)


def _plainness(run: Driven) -> tuple[bool, int, bool, int]:
    return run.situation.free, run.first_wrong or 0, bool(run.situation.special), len(run.situation.batches[0])


def _with_losses(
    case: Case, items: Sequence[Item], found: Sequence[Hypothesis], reach: Reach
) -> list[tuple[Hypothesis, Hypothesis]]:
    """Complete explanations of the weights by those of the losses.

    What gives the same weights may give another loss, as a penalty does in place of a decay. So others that give them
    are tried where the losses need a fault more, and before they are searched at length.
    """
    complete = list(_each_with_losses(case, found, Reach.EXCHANGE))
    if any(not losses.left and losses.causes == weights.causes for weights, losses in complete):
        return complete
    others = [other for each in found[:1] if not each.left for other in _equivalents(case, items, each)]
    complete += _each_with_losses(case, others, Reach.EXCHANGE)
    if reach > Reach.EXCHANGE and all(losses.left for _, losses in complete):
        complete = list(_each_with_losses(case, [*found, *others], reach))
    return complete


def _equivalents(case: Case, items: Sequence[Item], found: Hypothesis) -> list[Hypothesis]:
    """What else explains all of the weights, with another fault in one's place."""
    search = Search(case, items, False, Reach.ADD)
    rests = [tuple(cause for cause in found.causes if cause != each) for each in found.causes]
    others = [other for rest in rests for other in search.run(rest) if not other.left]
    return [other for other in others if set(other.causes) != set(found.causes)]


def _each_with_losses(case: Case, found: Sequence[Hypothesis], reach: Reach) -> Iterator[tuple[Hypothesis, Hypothesis]]:
    """Complete each by what explains the losses; the weights stay as they are explained.

    Where some faults explain both, as many others that do not are none the better.
    """
    items = _items(case, losses=True)
    both = [each for each in found if not each.left and all(case.explains(each.causes, item) for item in items)]
    fewest = min((len(each.causes) for each in both), default=len(FAULTS))
    for each in found:
        if each not in both and len(each.causes) >= fewest:
            continue
        losses = Search(case, items, True, reach).run(each.causes)
        if losses and not losses[0].causes and losses[0].left:
            # Faults that reach the weights, but only elsewhere, may still be what the loss shows.
            losses = Search(case, items, False, Reach.ADD).run() or losses
        yield from ((each, more) for more in losses)


def _rank(explanation: Explanation) -> tuple[int, int, bool, int]:
    left = len({(each.tensor, each.layer) for each in explanation.left})
    return explanation.unexplained_errors, left, not explanation.gradients_agree, len(explanation.causes)


def confirmed(case: Case, causes: Causes) -> Explanation:
    """Count what confirms an explanation, over all steps of all runs."""
    steps = explained = unexplained = 0
    left: dict[int, Left] = {}
    for number, run in enumerate(case.runs):
        taken = case.steps(causes, number, len(run.steps))
        items = [*case.items_of(number, False, whole=True), *case.items_of(number, True, whole=True)]
        missed = [item for item in items if not case.matches(taken[item.step], item)]
        for item in missed:
            if not (run.situation.free and _saturated(run.steps[item.step].step, case.precision)):
                left.setdefault(item.what, _left(case, item))
        unexplained += sum(item.what == ERROR for item in missed)
        steps += len(run.steps) - len({item.step for item in missed})
        explained += len({item.step for item in set(items) - set(missed) if case.wrong(item)})
    agree = gradients_agree(case, causes)
    return Explanation(causes, steps, len(case.runs), explained, agree, unexplained, tuple(left.values()))


def _saturated(step: Step, precision: str) -> bool:
    """Whether probabilities are 0 or 1 to rounding, where a run went by what is known to be wrong with it.

    What else is wrong there shows in the extreme situations too.
    """
    spread = float(np.ptp(step.Z[-1], axis=1).max())
    return not spread < -np.log(np.finfo(precision).eps)


def _left(case: Case, item: Item) -> Left:
    weight = None if item.what < 0 else case.architecture.weights[item.what]
    tensor = {LOSS: "loss", ERROR: "error"}[item.what] if weight is None else weight.role
    run = case.runs[item.run]
    return Left(tensor, None if weight is None else weight.layer, run.situation.name, item.step)
