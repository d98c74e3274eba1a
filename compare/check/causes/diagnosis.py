"""Names the bug: computes what each known fault would have done, from the same weights and batches, and compares.

A match to rounding over every situation confirms an explanation. Explanations may be one fault, two together, or three
where two nearly fit; several that the data cannot tell apart are all told.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from compare.check.causes.evidence import Case, Explanation, confirm, fits, full_score, score, take
from compare.check.steps.lockstep import Driven
from compare.faults import FAULTS, combine
from compare.faults.fault import Cause, Fault
from compare.recipe.architecture import Architecture


@dataclass(frozen=True)
class Diagnosis:
    """What explains a failed check: `explanations` that fit equally well, the likeliest first; none is "unknown"."""

    explanations: tuple[Explanation, ...] = ()
    tried: int = 0

    @property
    def names(self) -> tuple[str, ...]:
        """The names in the likeliest explanation."""
        return self.explanations[0].names if self.explanations else ()


def diagnose(
    runs: Sequence[Driven], architecture: Architecture, precision: str = "float64", company: bool = True
) -> Diagnosis:
    """Search the catalogue for what explains these runs.

    Parameters
    ----------
    runs : sequence of Driven
        Every situation that the subject was driven through, right or wrong.
    architecture : Architecture
    precision : {"float64", "float32"}
        Precision of the subject's arithmetic.
    company : bool
        Whether to look for faults that stand together.

    Returns
    -------
    Diagnosis
    """
    wrong = sorted(
        (run for run in runs if run.first_wrong is not None),
        key=lambda run: (run.first_wrong or 0, bool(run.situation.special), len(run.situation.batches[0])),
    )
    if not wrong:
        return Diagnosis()
    right = [run for run in runs if run.first_wrong is None and run.steps]
    case = Case([*wrong, *right], architecture, precision)
    steps = [step for run in wrong for step in run.steps if step.did.error is None]
    found: list[tuple[Cause, ...]] = [()]
    if any(step.wrong_weights for step in steps):
        found = _explain_weights(case, company)
    explanations = _explain_losses(case, found) if any(step.wrong for step in steps) else [confirm(case, ())]
    complete = [e for e in (_explain_errors(case, each) for each in explanations) if e.explained]
    ranked = sorted(
        {e.names: e for e in reversed(complete)}.values(),
        key=lambda e: (e.unexplained_errors, not e.gradients_agree, len(e.causes)),
    )
    best = [e for e in ranked if _rank(e) == _rank(ranked[0])] if ranked else []
    return Diagnosis(tuple(best), case.tried)


def _rank(explanation: Explanation) -> tuple[int, bool, int]:
    return explanation.unexplained_errors, explanation.gradients_agree, len(explanation.causes)


def _explain_weights(case: Case, company: bool) -> list[tuple[Cause, ...]]:
    """The smallest sets of faults that give the subject's weights; losses are not looked at."""
    plain = list(_concrete(case, reporting=False))
    singles = plain + _families(case, ())
    fitting: list[tuple[Cause, ...]] = [(cause,) for cause in singles if fits(case, (cause,))]
    if fitting or not company:
        return _one_each(fitting)
    near: list[tuple[int, tuple[Cause, ...]]] = []
    pairs = _pairs(case, plain)
    for pair in pairs:
        points = score(case, pair)
        near.append((points, pair))
        if points == full_score(case) and fits(case, pair):
            fitting.append(pair)
    if fitting:
        return _one_each(fitting)
    near.sort(key=lambda item: -item[0])
    for _, pair in near[:15]:
        names = {cause.name for cause in pair}
        for third in (*plain, *_families(case, pair)):
            if third.name not in names and fits(case, (*pair, third)):
                fitting.append((*pair, third))
    return _one_each(fitting)


def _pairs(case: Case, plain: list[Cause]) -> Iterable[tuple[Cause, ...]]:
    yield from ((a, b) for a, b in combinations(plain, 2) if a.name != b.name)
    for first in plain:
        yield from ((first, second) for second in _families(case, (first,)))
    for first in _families(case, ()):
        yield from ((first, second) for second in _families(case, (first,)) if second.name != first.name)


def _one_each(fitting: list[tuple[Cause, ...]]) -> list[tuple[Cause, ...]]:
    """The first parameters that fit, for each set of names."""
    return list({frozenset(c.name for c in causes): causes for causes in reversed(fitting)}.values())[::-1]


def _explain_losses(case: Case, found: list[tuple[Cause, ...]]) -> list[Explanation]:
    """Complete each explanation of the weights by one of the losses, where it does not explain them already."""
    complete = [confirm(case, causes) for causes in found if causes and fits(case, causes, losses=True)]
    if complete:
        return complete
    for causes in found:
        complete += _completed(case, causes, [*_concrete(case, True), *_families(case, causes, reporting=True)])
    if not complete and () in found:
        # Faults that reach the weights, but only elsewhere, may still be what the loss shows.
        complete = _completed(case, (), _concrete(case, reporting=False))
    return complete or [confirm(case, causes) for causes in found if causes]


def _completed(case: Case, causes: tuple[Cause, ...], more: Iterable[Cause]) -> list[Explanation]:
    names = {cause.name for cause in causes}
    return [
        confirm(case, (*causes, extra))
        for extra in more
        if extra.name not in names and fits(case, (*causes, extra), losses=True)
    ]


def _explain_errors(case: Case, explanation: Explanation) -> Explanation:
    """Add the fault that explains why the subject raises, where the others leave that open."""
    if not explanation.unexplained_errors:
        return explanation
    for extra in _concrete(case, reporting=False):
        causes = (*explanation.causes, extra)
        if extra.name not in explanation.names and fits(case, causes):
            more = confirm(case, causes)
            if more.unexplained_errors < explanation.unexplained_errors:
                return more
    return explanation


def _concrete(case: Case, reporting: bool) -> list[Cause]:
    return [
        Cause(fault, parameter)
        for fault in FAULTS.values()
        if fault.reporting == reporting and not fault.training
        for parameter in fault.parameters(case.architecture)
    ]


def _families(case: Case, base: tuple[Cause, ...], reporting: bool = False) -> list[Cause]:
    """Families with a parameter, fitted to the first steps of the first wrong runs, given the base's faults."""
    found: list[Cause] = []
    names = {cause.name for cause in base}
    for fault in FAULTS.values():
        if fault.fit is None or fault.reporting != reporting or fault.training or fault.name in names:
            continue
        found += _fit(case, fault, base)
    return found


def _fit(case: Case, fault: Fault, base: tuple[Cause, ...]) -> list[Cause]:
    key = (fault.name, base)
    if key not in case.fitted:
        assert fault.fit is not None
        parameters = []
        for run in _to_fit(case):
            observed = []
            memory: dict[str, object] = {}
            for index, judged in enumerate(run.steps[:3]):
                step = take(combine(base), case, judged, memory)
                if step is None or judged.did.after is None:
                    break
                observed.append(run.observed(index, step))
            if observed:
                with np.errstate(all="ignore"):
                    parameters += fault.fit(observed, combine(base))
        case.fitted[key] = [Cause(fault, parameter) for parameter in dict.fromkeys(parameters)]
    return case.fitted[key]


def _to_fit(case: Case) -> list[Driven]:
    wrong = [run for run in case.runs if run.first_wrong is not None]
    large = [run for run in wrong[1:] if run.situation.special == "large gradients"]
    return wrong[:1] + large[:1]
