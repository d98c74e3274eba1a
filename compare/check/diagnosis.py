"""Names the bug: computes what each known fault would have done, from the same weights and batches, and compares.

A match to rounding over every situation confirms an explanation. Explanations may be one fault, two together, or three
where two nearly fit; several that the data cannot tell apart are all told.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np

from compare.check.lockstep import Judged, Run
from compare.faults import FAULTS, combine
from compare.faults.fault import Cause, Fault
from compare.faults.mathematics import CORRECT, Array, Rules, Setting, Step, take_step

# A prediction may miss by this share of the deviation that it explains, and by 100 tolerances: a fault's own
# arithmetic may round differently from the catalogue's. The nearest wrong explanations miss by far more.
SHARE = {"float64": 1e-9, "float32": 1e-6}
SLACK = 100


@dataclass(frozen=True)
class Explanation:
    """Faults that together do what the subject did.

    `steps` is how many steps confirm it, in `runs` situations; `explained` how many of them are wrong ones: code that
    is not faulty gives the others too.
    """

    causes: tuple[Cause, ...]
    steps: int = 0
    runs: int = 0
    explained: int = 0
    gradients_agree: bool = True
    unexplained_errors: int = 0

    @property
    def names(self) -> tuple[str, ...]:
        """The faults' names."""
        return tuple(cause.name for cause in self.causes)


@dataclass(frozen=True)
class Diagnosis:
    """What explains a failed check: `explanations` that fit equally well, the likeliest first; none is "unknown"."""

    explanations: tuple[Explanation, ...] = ()
    tried: int = 0

    @property
    def names(self) -> tuple[str, ...]:
        """The names in the likeliest explanation."""
        return self.explanations[0].names if self.explanations else ()


@dataclass
class _Case:
    """The runs to explain, wrong ones first, and what is known of the subject."""

    runs: list[Run]
    setting: Setting
    sizes: tuple[int, ...]
    dtype: str
    tried: int = 0
    fitted: dict[tuple[str, tuple[Cause, ...]], list[Cause]] = field(default_factory=dict)


def diagnose(
    runs: Sequence[Run], setting: Setting, sizes: Sequence[int], dtype: str = "float64", company: bool = True
) -> Diagnosis:
    """Search the catalogue for what explains these runs.

    Parameters
    ----------
    runs : sequence of Run
        Every situation that the subject was driven through, right or wrong.
    setting : Setting
    sizes : sequence of int
        Features, then the units of each layer.
    dtype : {"float64", "float32"}
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
    case = _Case([*wrong, *right], setting, tuple(sizes), dtype)
    steps = [step for run in wrong for step in run.steps if step.did.error is None]
    found: list[tuple[Cause, ...]] = [()]
    if any(step.wrong_weights for step in steps):
        found = _explain_weights(case, company)
    explanations = _explain_losses(case, found) if any(step.wrong for step in steps) else [_confirm(case, ())]
    complete = [e for e in (_explain_errors(case, each) for each in explanations) if e.explained]
    ranked = sorted(
        {e.names: e for e in reversed(complete)}.values(),
        key=lambda e: (e.unexplained_errors, not e.gradients_agree, len(e.causes)),
    )
    best = [e for e in ranked if _rank(e) == _rank(ranked[0])] if ranked else []
    return Diagnosis(tuple(best), case.tried)


def _rank(explanation: Explanation) -> tuple[int, bool, int]:
    return explanation.unexplained_errors, explanation.gradients_agree, len(explanation.causes)


def _explain_weights(case: _Case, company: bool) -> list[tuple[Cause, ...]]:
    """The smallest sets of faults that give the subject's weights; losses are not looked at."""
    plain = list(_concrete(case, reporting=False))
    singles = plain + _families(case, ())
    fitting: list[tuple[Cause, ...]] = [(cause,) for cause in singles if _fits(case, (cause,))]
    if fitting or not company:
        return _one_each(fitting)
    near: list[tuple[int, tuple[Cause, ...]]] = []
    pairs = _pairs(case, plain)
    for pair in pairs:
        score = _score(case, pair)
        near.append((score, pair))
        if score == _full_score(case) and _fits(case, pair):
            fitting.append(pair)
    if fitting:
        return _one_each(fitting)
    near.sort(key=lambda item: -item[0])
    for _, pair in near[:15]:
        names = {cause.name for cause in pair}
        for third in (*plain, *_families(case, pair)):
            if third.name not in names and _fits(case, (*pair, third)):
                fitting.append((*pair, third))
    return _one_each(fitting)


def _pairs(case: _Case, plain: list[Cause]) -> Iterable[tuple[Cause, ...]]:
    yield from ((a, b) for a, b in combinations(plain, 2) if a.name != b.name)
    for first in plain:
        yield from ((first, second) for second in _families(case, (first,)))
    for first in _families(case, ()):
        yield from ((first, second) for second in _families(case, (first,)) if second.name != first.name)


def _one_each(fitting: list[tuple[Cause, ...]]) -> list[tuple[Cause, ...]]:
    """The first parameters that fit, for each set of names."""
    return list({frozenset(c.name for c in causes): causes for causes in reversed(fitting)}.values())[::-1]


def _explain_losses(case: _Case, found: list[tuple[Cause, ...]]) -> list[Explanation]:
    """Complete each explanation of the weights by one of the losses, where it does not explain them already."""
    complete = [_confirm(case, causes) for causes in found if causes and _fits(case, causes, losses=True)]
    if complete:
        return complete
    for causes in found:
        names = {cause.name for cause in causes}
        more = [*_concrete(case, reporting=True), *_families(case, causes, reporting=True)]
        if not causes:
            # Faults that reach the weights only elsewhere may still be what the loss shows.
            more += _concrete(case, reporting=False)
        complete += [
            _confirm(case, (*causes, extra))
            for extra in more
            if extra.name not in names and _fits(case, (*causes, extra), losses=True)
        ]
    return complete or [_confirm(case, causes) for causes in found if causes]


def _explain_errors(case: _Case, explanation: Explanation) -> Explanation:
    """Add the fault that explains why the subject raises, where the others leave that open."""
    if not explanation.unexplained_errors:
        return explanation
    for extra in _concrete(case, reporting=False):
        causes = (*explanation.causes, extra)
        if extra.name not in explanation.names and _fits(case, causes):
            more = _confirm(case, causes)
            if more.unexplained_errors < explanation.unexplained_errors:
                return more
    return explanation


def _concrete(case: _Case, reporting: bool) -> list[Cause]:
    return [
        Cause(fault, parameter)
        for fault in FAULTS.values()
        if fault.reporting == reporting and not fault.training
        for parameter in fault.parameters(case.setting, case.sizes)
    ]


def _families(case: _Case, base: tuple[Cause, ...], reporting: bool = False) -> list[Cause]:
    """Families with a parameter, fitted to the first steps of the first wrong runs, given the base's faults."""
    found: list[Cause] = []
    names = {cause.name for cause in base}
    for fault in FAULTS.values():
        if fault.fit is None or fault.reporting != reporting or fault.training or fault.name in names:
            continue
        found += _fit(case, fault, base)
    return found


def _fit(case: _Case, fault: Fault, base: tuple[Cause, ...]) -> list[Cause]:
    key = (fault.name, base)
    if key not in case.fitted:
        assert fault.fit is not None
        parameters = []
        for run in _to_fit(case):
            observed = []
            memory: dict[str, object] = {}
            for index, judged in enumerate(run.steps[:3]):
                step = _take(combine(base), case, judged, memory)
                if step is None or judged.did.after is None:
                    break
                observed.append(run.observed(index, step))
            if observed:
                with np.errstate(all="ignore"):
                    parameters += fault.fit(observed, combine(base))
        case.fitted[key] = [Cause(fault, parameter) for parameter in dict.fromkeys(parameters)]
    return case.fitted[key]


def _to_fit(case: _Case) -> list[Run]:
    wrong = [run for run in case.runs if run.first_wrong is not None]
    large = [run for run in wrong[1:] if run.situation.special == "large gradients"]
    return wrong[:1] + large[:1]


def _take(rules: Rules, case: _Case, judged: Judged, memory: dict[str, object]) -> Step | None:
    """The candidate's step; None where it raises, as the faulty code would."""
    case.tried += 1
    try:
        return take_step(rules, judged.step.setting, judged.step.weights, judged.step.X, judged.step.y, memory)
    except ValueError:
        return None


def _horizon(run: Run) -> int:
    """How many steps of a run decide: some beyond the first wrong one, and always the first ragged batch."""
    return min(len(run.steps), max(6, (run.first_wrong or 0) + 3))


def _fits(case: _Case, causes: tuple[Cause, ...], losses: bool = False) -> bool:
    rules = combine(causes)
    for run in case.runs:
        memory: dict[str, object] = {}
        for judged in run.steps[: _horizon(run)]:
            step = _take(rules, case, judged, memory)
            if step is None:
                if judged.did.error is None:
                    return False
                continue
            if judged.did.after is not None and not all(_matching(case, judged, step)):
                return False
            if losses and not _loss_matches(case, judged, step):
                return False
    return True


def _confirm(case: _Case, causes: tuple[Cause, ...]) -> Explanation:
    """Count what confirms an explanation, over all steps of all runs."""
    rules = combine(causes)
    steps, explained, unexplained, gradients = 0, 0, 0, True
    for run in case.runs:
        memory: dict[str, object] = {}
        for judged in run.steps:
            step = _take(rules, case, judged, memory)
            if judged.did.error is not None:
                unexplained += step is not None
                explained += step is None
            elif step is not None and judged.did.after is not None:
                matches = all(_matching(case, judged, step))
                steps += matches
                explained += matches and judged.wrong and (judged.wrong_weights or _loss_matches(case, judged, step))
                if judged.did.gradients is not None and np.isfinite(step.loss):
                    gradients = gradients and _gradients_match(case, judged, step)
    return Explanation(causes, steps, len(case.runs), explained, gradients, unexplained)


def _deciding(case: _Case) -> list[Judged]:
    run = case.runs[0]
    return run.steps[: (run.first_wrong or 0) + 2]


def _full_score(case: _Case) -> int:
    return sum(len(judged.step.weights) for judged in _deciding(case))


def _score(case: _Case, causes: tuple[Cause, ...]) -> int:
    """How many tensors of the first wrong steps the candidate gives; hopeless ones are left after the first."""
    rules, memory, score = combine(causes), {}, 0  # type: ignore[var-annotated]
    for judged in _deciding(case):
        step = _take(rules, case, judged, memory)
        if step is None:
            score += len(judged.step.weights) if judged.did.error is not None else 0
            continue
        matching = _matching(case, judged, step) if judged.did.after is not None else [True] * len(step.after)
        score += sum(matching)
        if not any(matching):
            break
    return score


def _matching(case: _Case, judged: Judged, step: Step) -> list[bool]:
    assert judged.did.after is not None
    tolerances = judged.bounds.after
    return [
        _close(case, predicted, seen, right, tolerance)
        for predicted, seen, right, tolerance in zip(
            step.after, judged.did.after, judged.step.after, tolerances, strict=True
        )
    ]


def _close(case: _Case, predicted: Array, seen: Array, right: Array, tolerance: Array) -> bool:
    with np.errstate(all="ignore"):
        deviation = np.abs(seen - right)
        finite = np.isfinite(deviation)
        largest = float(deviation[finite].max()) if finite.any() else 0.0
        allowed = SLACK * tolerance + SHARE[case.dtype] * largest
        close = (np.abs(predicted - seen) <= allowed) | (~np.isfinite(predicted) & ~np.isfinite(seen))
    return bool(close.all())


def _loss_matches(case: _Case, judged: Judged, step: Step) -> bool:
    if judged.did.loss is None:
        return True
    arrays = (np.array(v) for v in (step.loss, judged.did.loss, judged.step.loss, judged.bounds.loss))
    return _close(case, *arrays)


def _gradients_match(case: _Case, judged: Judged, step: Step) -> bool:
    assert judged.did.gradients is not None
    return all(
        _close(case, predicted, seen, right, tolerance)
        for predicted, seen, right, tolerance in zip(
            step.gradients, judged.did.gradients, judged.step.gradients, judged.bounds.gradients, strict=True
        )
    )


@dataclass(frozen=True)
class Origin:
    """Where an explanation's step first departs from the correct one, in order of computation."""

    phase: str
    layer: int | None


def origin(explanation: Explanation, run: Run) -> Origin | None:
    """Find the first phase that the faults change, in the first wrong step of a run."""
    memory: dict[str, object] = {}
    rules = combine(explanation.causes)
    for judged in run.steps[: (run.first_wrong or 0) + 1]:
        try:
            step = take_step(rules, judged.step.setting, judged.step.weights, judged.step.X, judged.step.y, memory)
        except ValueError:
            return None
    right = take_step(CORRECT, judged.step.setting, judged.step.weights, judged.step.X, judged.step.y, {})
    for phase, layer, a, b in _phases(step, right):
        if a.shape != b.shape or not np.allclose(a, b, rtol=1e-12, atol=1e-13 * float(np.abs(b).max(initial=0))):
            return Origin(phase, layer)
    return None


def _phases(step: Step, right: Step) -> Iterable[tuple[str, int | None, Array, Array]]:
    yield "inputs", None, step.A[0], right.A[0]
    for layer in range(step.depth):
        yield "Z", layer, step.Z[layer], right.Z[layer]
        if layer < step.depth - 1:
            yield "A", layer, step.A[layer + 1], right.A[layer + 1]
    yield "A", step.depth - 1, step.P, right.P
    yield "loss", None, np.array(step.loss), np.array(right.loss)
    for layer in reversed(range(step.depth)):
        yield "dZ", layer, step.dZ[layer], right.dZ[layer]
        yield "dW", layer, step.dW[layer], right.dW[layer]
        yield "db", layer, step.db[layer], right.db[layer]
    for index, (a, b) in enumerate(zip(step.after, right.after, strict=True)):
        yield "updated W" if index % 2 == 0 else "updated b", index // 2, a, b
