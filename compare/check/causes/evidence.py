"""What speaks for an explanation: what its faults would have done, beside what the subject did."""

from dataclasses import dataclass, field

import numpy as np

from compare.check.steps.lockstep import Driven, Judged
from compare.faults import combine
from compare.faults.fault import Cause
from compare.mathematics.functions import Array
from compare.mathematics.rules import Rules, take_step
from compare.mathematics.step import Step
from compare.recipe.architecture import Architecture

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


@dataclass
class Case:
    """The runs to explain, wrong ones first, and what is known of the subject."""

    runs: list[Driven]
    architecture: Architecture
    precision: str
    tried: int = 0
    fitted: dict[tuple[str, tuple[Cause, ...]], list[Cause]] = field(default_factory=dict)


def take(rules: Rules, case: Case, judged: Judged, memory: dict[str, object]) -> Step | None:
    """The candidate's step; None where it raises, as the faulty code would."""
    case.tried += 1
    try:
        return take_step(rules, judged.step.recipe, judged.step.weights, judged.step.X, judged.step.y, memory)
    except ValueError:
        return None


def _horizon(run: Driven) -> int:
    """How many steps of a run decide: some beyond the first wrong one, and always the first ragged batch."""
    return min(len(run.steps), max(6, (run.first_wrong or 0) + 3))


def fits(case: Case, causes: tuple[Cause, ...], losses: bool = False) -> bool:
    """Whether these faults give the subject's weights, and losses, in the steps of each run that decide."""
    rules = combine(causes)
    for run in case.runs:
        memory: dict[str, object] = {}
        for judged in run.steps[: _horizon(run)]:
            step = take(rules, case, judged, memory)
            if step is None:
                if judged.did.error is None:
                    return False
                continue
            if judged.did.after is not None and not all(_matching(case, judged, step)):
                return False
            if losses and not _loss_matches(case, judged, step):
                return False
    return True


def confirm(case: Case, causes: tuple[Cause, ...]) -> Explanation:
    """Count what confirms an explanation, over all steps of all runs."""
    rules = combine(causes)
    steps, explained, unexplained, gradients = 0, 0, 0, True
    for run in case.runs:
        memory: dict[str, object] = {}
        for judged in run.steps:
            step = take(rules, case, judged, memory)
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


def _deciding(case: Case) -> list[Judged]:
    run = case.runs[0]
    return run.steps[: (run.first_wrong or 0) + 2]


def full_score(case: Case) -> int:
    """Count the tensors that `score` may find."""
    return sum(len(judged.step.weights) for judged in _deciding(case))


def score(case: Case, causes: tuple[Cause, ...]) -> int:
    """How many tensors of the first wrong steps the candidate gives; hopeless ones are left after the first."""
    rules, memory, found = combine(causes), {}, 0  # type: ignore[var-annotated]
    for judged in _deciding(case):
        step = take(rules, case, judged, memory)
        if step is None:
            found += len(judged.step.weights) if judged.did.error is not None else 0
            continue
        matching = _matching(case, judged, step) if judged.did.after is not None else [True] * len(step.after)
        found += sum(matching)
        if not any(matching):
            break
    return found


def _matching(case: Case, judged: Judged, step: Step) -> list[bool]:
    assert judged.did.after is not None
    tolerances = judged.bounds.after
    return [
        _close(case, predicted, seen, right, tolerance)
        for predicted, seen, right, tolerance in zip(
            step.after, judged.did.after, judged.step.after, tolerances, strict=True
        )
    ]


def _close(case: Case, predicted: Array, seen: Array, right: Array, tolerance: Array) -> bool:
    with np.errstate(all="ignore"):
        deviation = np.abs(seen - right)
        finite = np.isfinite(deviation)
        largest = float(deviation[finite].max()) if finite.any() else 0.0
        allowed = SLACK * tolerance + SHARE[case.precision] * largest
        close = (np.abs(predicted - seen) <= allowed) | (~np.isfinite(predicted) & ~np.isfinite(seen))
    return bool(close.all())


def _loss_matches(case: Case, judged: Judged, step: Step) -> bool:
    if judged.did.loss is None:
        return True
    arrays = (np.array(v) for v in (step.loss, judged.did.loss, judged.step.loss, judged.bounds.loss))
    return _close(case, *arrays)


def _gradients_match(case: Case, judged: Judged, step: Step) -> bool:
    assert judged.did.gradients is not None
    return all(
        _close(case, predicted, seen, right, tolerance)
        for predicted, seen, right, tolerance in zip(
            step.gradients, judged.did.gradients, judged.step.gradients, judged.bounds.gradients, strict=True
        )
    )
