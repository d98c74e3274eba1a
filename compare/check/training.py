"""A subject's own `train` or `fit` beside Keras: how far its history and weights are off, and what explains it."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from compare.agreement.tolerance import Tolerance
from compare.check.causes.diagnosis import Explanation
from compare.check.causes.evidence import SLACK
from compare.check.subject.tasks import Performance, Task
from compare.check.trainers import End, Trainer
from compare.check.trials import Trial, largest
from compare.faults import FAULTS, combine
from compare.faults.fault import Cause
from compare.mathematics.functions import Array


@dataclass(frozen=True)
class DrivenTraining:
    """What a training was told and what it did; `trial` is how it ran, its order known before or found out."""

    task: Task
    performance: Performance
    trial: Trial
    in_order: bool


@dataclass(frozen=True)
class Training:
    """A subject's own `train` or `fit`, beside Keras: ratios are deviations in units of the tolerance.

    `controlled`: whether a difference proves anything; not where faults of the steps explain that it fails.
    """

    name: str
    history: list[float] | None
    expected: list[float]
    loss_ratio: float
    weights_ratio: float
    controlled: bool
    ragged: bool = False
    error: str | None = None
    explanations: tuple[Explanation, ...] = ()
    driven: "DrivenTraining | None" = None

    @property
    def wrong_weights(self) -> bool:
        """Whether the final weights are out of tolerance, or training failed."""
        return self.controlled and (self.error is not None or not self.weights_ratio <= 1)

    @property
    def wrong_history(self) -> bool:
        """Whether the history is out of tolerance."""
        return self.controlled and not self.loss_ratio <= 1

    @property
    def wrong(self) -> bool:
        """Whether anything is out of tolerance."""
        return self.wrong_weights or self.wrong_history


def judge(
    trainer: Trainer,
    name: str,
    performance: Performance,
    trial: Trial,
    allowed: Tolerance,
    known: Sequence[Explanation],
    search: Sequence[int] = (),
) -> Training:
    """Judge a training against Keras's, and explain it; with `search`, a fault may come with an order of its own."""
    expected, final = trainer.expected(trial)
    error = performance.refusal
    after = performance.steps[0].after if performance.steps else None
    if error is not None or after is None:
        # Where the faults of its steps explain that training fails, that is no news.
        follows = any(trainer.by(combine(e.causes), trial) is None for e in known)
        return Training(name, None, expected, 0.0, np.inf, not follows, trial.ragged, error or "it tells no weights")
    history = performance.history
    wrong_by = largest(after, final, allowed.weights)
    judged = Training(name, history, expected, _off(history, expected, allowed), wrong_by, True, trial.ragged)
    if not judged.wrong:
        return judged
    trains = _Trains(trainer, trial, search, after)
    candidates = _candidates(trainer, known)
    return replace(judged, explanations=tuple(_explanations(judged, trains, allowed, candidates)))


def _off(history: list[float] | None, told: list[float], allowed: Tolerance) -> float:
    return 0.0 if history is None else largest([history], [told], [allowed.loss])


def _explanations(
    judged: Training, trains: "_Trains", allowed: Tolerance, candidates: Iterable[tuple[Cause, ...]]
) -> list[Explanation]:
    """Those of the candidates that explain it, up to the first that needs more faults than another."""
    found: list[Explanation] = []
    for causes in candidates:
        if found and len(causes) > len(found[0].causes):
            break
        end = trains.end(_moving(causes))
        if end is None or not _fits(largest(trains.after, end[1], allowed.weights), judged.weights_ratio):
            continue
        end = trains.end(causes)
        if end is not None and _fits(_off(judged.history, end[0], allowed), judged.loss_ratio):
            found.append(Explanation(causes, len(judged.history or [])))
    return found


def _fits(now: float, before: float) -> bool:
    """Whether a deviation is explained: it may be some tolerances still, but is far less than it was."""
    return now <= max(1.0, min(SLACK, before / SLACK))


def _moving(causes: tuple[Cause, ...]) -> tuple[Cause, ...]:
    """Those that move weights: what is only reported wrongly has the same orders, and ends alike."""
    return tuple(cause for cause in causes if not cause.fault.reporting)


class _Trains:
    """What a training comes to by faults, each trained once; with `search`, in the order that fits its weights."""

    def __init__(self, trainer: Trainer, trial: Trial, search: Sequence[int], after: Sequence[Array]) -> None:
        self.trainer, self.trial, self.search, self.after = trainer, trial, search, after
        self.order, self.end = cache(self._order), cache(self._end)

    def _end(self, causes: tuple[Cause, ...]) -> End | None:
        """History and final weights; None where the faulty code would raise."""
        one = self.order(_moving(causes))
        return None if one is None else self.trainer.by(combine(causes), one)

    def _order(self, moving: tuple[Cause, ...]) -> Trial | None:
        if not self.search:
            return self.trial
        return self.trainer.likeliest(combine(moving), self.trial, self.search, self.after)


def _candidates(trainer: Trainer, known: Sequence[Explanation]) -> Iterator[tuple[Cause, ...]]:
    """The known faults alone, then with a fault of training or reporting besides: the fewest first."""
    bases = [e.causes for e in known] or [()]
    yield from filter(None, bases)
    more = [
        Cause(fault, parameter)
        for fault in FAULTS.values()
        if trainer.knows(fault)
        for parameter in fault.parameters(trainer.reference.recipe.architecture)
    ]
    for base in bases:
        yield from ((*base, extra) for extra in more if extra.name not in {cause.name for cause in base})
