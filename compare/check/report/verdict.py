"""The outcome of a check: the verdict, and all that it rests on."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from compare.check.causes.diagnosis import Diagnosis, Warned
from compare.check.causes.origin import Origin, origin
from compare.check.introduction import Introduction
from compare.check.lines.lines import Guilty, Lines, Mapped
from compare.check.predictions import Predictions
from compare.check.steps.divergence import Divergence, first_divergence
from compare.check.steps.lockstep import Driven, without_loss
from compare.check.subject.tasks import TOO_LONG
from compare.check.training import Training
from compare.data.dataset import Dataset

PARITY = "parity"
FLOAT32 = "parity up to float32"
EXCEPT = "parity except in a named situation"
REPORTING = "training right, reporting wrong"
INFERENCE = "training right, predictions wrong"
WRONG = "training wrong"
KIND = "another kind"
FEW = 0.1  # of the steps of the situations in which a loss is not finite
SLIGHT = 1e-5  # of a loss, relative: an epsilon of 1e-7 under a logarithm is off by about as much as itself
RANDOM = "not deterministic"
UNDRIVABLE = "cannot be driven"


@dataclass(frozen=True)
class Outcome:
    """What a check found.

    Attributes
    ----------
    verdict : str
        One of: parity; parity up to float32; parity except in a named situation; training right, reporting
        wrong; training right, predictions wrong; training wrong; another kind; not deterministic; cannot be driven.
    passed : bool
        Whether the verdict is parity, or parity up to float32; if `strict`, without warnings.
    warnings : tuple of Warned
        What goes wrong in extreme situations alone.
    divergence : Divergence or None
        The first one, in order of computation.
    in_weights : Divergence or None
        The first one in gradients and weights.
    diagnosis : Diagnosis
        What explains it.
    refusal : str or None
        Why the subject cannot be driven, or not further.
    """

    verdict: str
    met: Introduction
    data: Dataset
    runs: tuple[Driven, ...] = ()
    trainings: tuple[Training, ...] = ()
    divergence: Divergence | None = None
    in_weights: Divergence | None = None
    diagnosis: Diagnosis = field(default_factory=Diagnosis)
    origin: Origin | None = None
    situations: tuple[str, ...] = ()
    refusal: str | None = None
    warnings: tuple[Warned, ...] = ()
    strict: bool = False
    lines: Lines = field(default_factory=Lines)
    predictions: Predictions = field(default_factory=Predictions)

    @property
    def guilty(self) -> tuple[Guilty, ...]:
        """The lines of the subject's own files that make the first wrong numbers, the likeliest first."""
        return self.lines.guilty

    @property
    def code_map(self) -> tuple[Mapped, ...]:
        """What each line of the subject's own files makes."""
        return self.lines.code_map

    @property
    def passed(self) -> bool:
        """Whether the subject trains as Keras does."""
        return self.verdict in (PARITY, FLOAT32) and not (self.strict and self.warnings)

    @property
    def bit_equal(self) -> bool:
        """Whether every loss and weight of every step is Keras's, bit for bit."""
        steps = [step for run in self.runs for step in run.steps]
        return bool(steps) and all(
            step.did.error is None and step.equal and step.did.loss in (None, step.loss) for step in steps
        )


@dataclass(frozen=True)
class Found:
    """What a check found out about the steps, trainings and predictions of a subject that could be met."""

    runs: Sequence[Driven] = ()
    diagnosis: Diagnosis = field(default_factory=Diagnosis)
    trainings: Sequence[Training] = ()
    warnings: Sequence[Warned] = ()
    lines: Lines = field(default_factory=Lines)
    predictions: Predictions = field(default_factory=Predictions)


def conclude(met: Introduction, data: Dataset, found: Found, strict: bool = False) -> Outcome:
    """Come to a verdict."""
    runs, diagnosis = tuple(found.runs), found.diagnosis
    wrong, warned = wrong_ordinarily(runs), tuple(found.warnings)
    if (slight := _slight(wrong, diagnosis)) is not None:
        wrong, diagnosis = [], Diagnosis()
        warned = (slight, *(each for each in warned if each.words != slight.words))
        lines = replace(found.lines, guilty=(), warned=found.lines.guilty or found.lines.warned)
        found = replace(found, lines=lines)
    if (refusal := _refusal(met, runs, wrong)) is not None:
        return Outcome(UNDRIVABLE, met, data, runs, refusal=refusal)
    first = first_divergence(wrong[0]) if wrong else None
    later = next((d for run in wrong if (d := first_divergence(run, losses=False)) is not None), None)
    if met.random:
        return Outcome(RANDOM, met, data, runs, (), first, later)
    situations = _special(wrong) or []
    situations += [each for each in not_driven(runs) if each not in situations]
    causes = diagnosis.explanations[0].causes if diagnosis.explanations else ()
    return Outcome(
        KIND if diagnosis.kind is not None else _verdict(met, replace(found, diagnosis=diagnosis), wrong),
        met,
        data,
        runs,
        tuple(found.trainings),
        first,
        later,
        diagnosis,
        origin(causes, wrong[0]) if causes and wrong and _in_view(wrong[0]) else None,
        tuple(situations),
        warnings=warned,
        strict=strict,
        lines=found.lines,
        predictions=found.predictions,
    )


def _in_view(run: Driven) -> bool:
    """Whether the phases of its steps are known, as those beside a model are not."""
    return all(step.step.A for step in run.steps)


def _slight(wrong: Sequence[Driven], diagnosis: Diagnosis) -> Warned | None:
    """A warning, where all that is wrong is a loss: one that an epsilon keeps finite is off by next to nothing.

    One that is not finite where a probability underflows is no more than that, in a few steps: of raw data, say.
    """
    if len(diagnosis.explanations) == 0 or diagnosis.explanations[0].left:
        return None
    first, *more = diagnosis.explanations[0].causes
    if more or not (first.fault.reporting and first.fault.warning):
        return None
    steps = [step for run in wrong for step in run.steps if step.wrong]
    told = [(step.did.loss or 0.0, step.loss) for step in steps]
    far = [(seen, right) for seen, right in told if not abs(seen - right) <= SLIGHT * max(1.0, abs(right))]
    few = len(far) <= FEW * sum(len(run.steps) for run in wrong)
    large = any(np.isfinite(seen) for seen, _ in far) or not few
    return None if large or any(step.wrong_weights for step in steps) else Warned("training", first.warning, first)


def wrong_ordinarily(runs: Sequence[Driven]) -> list[Driven]:
    """The ordinary situations in which something is wrong: they decide."""
    return [run for run in runs if run.first_wrong is not None and not run.situation.extreme]


def not_driven(runs: Sequence[Driven]) -> dict[str, str]:
    """The situations that were not driven to their end, extreme ones too, and why."""
    found = {run.situation.special or run.situation.name: why for run in runs if (why := ended(run)) is not None}
    return found | dict.fromkeys(without_loss(runs), "it tells no loss, as it does elsewhere")


def ended(run: Driven) -> str | None:
    """Why a situation was not driven to its end; None if it was. In ordinary ones, errors in a step are wrong steps."""
    errors = [step.did.error for step in run.steps if step.did.error is not None]
    if errors and run.situation.extreme:
        return errors[0]
    return None if errors else run.ended


def _refusal(met: Introduction, runs: Sequence[Driven], wrong: Sequence[Driven]) -> str | None:
    """Why nothing can be said of a subject; None where something can."""
    if met.refusal is not None:
        return met.refusal
    if not any(run.steps for run in runs):
        reasons = [run.performance.refusal for run in runs] + [note for run in runs for note in run.performance.notes]
        return next(filter(None, reasons), "no step could be made")
    stopped = next((run for run in runs if run.performance.refusal and TOO_LONG in run.performance.refusal), None)
    if stopped is None or wrong or met.random:
        return None
    return (
        f"{TOO_LONG}: stopped in {stopped.situation.name!r}, situation {len(runs)}, with nothing wrong so far; "
        "allow more time"
    )


def _verdict(met: Introduction, found: Found, wrong: Sequence[Driven]) -> str:
    """The verdict on a subject that was driven and does the same twice; `wrong` are the ordinary situations."""
    situations = _special(wrong)
    known = {explanation.names for explanation in found.diagnosis.explanations}
    training_wrong = any(
        t.wrong_weights and not (t.ragged and "ragged batches" in (situations or ()))
        for t in found.trainings
        if not known & {explanation.names for explanation in t.explanations}
    )
    weights_wrong = any(step.wrong_weights for run in wrong for step in run.steps)
    if training_wrong or (weights_wrong and situations is None):
        return WRONG
    if (wrong and situations is not None) or not_driven(found.runs):
        return EXCEPT
    if wrong or any(t.wrong_history for t in found.trainings) or misreported(found.runs):
        return REPORTING
    if found.predictions.wrong:
        return INFERENCE
    return FLOAT32 if met.precision == "float32" and met.recipe.architecture.dtype == "float64" else PARITY


def misreported(runs: Sequence[Driven]) -> dict[str, list[str]]:
    """What a subject tells wrongly about itself in steps whose update is right, and the situations where it does.

    Accuracy follows from the output, which is right where the loss is. `gradients` and `predict_proba` are held to a
    looser bar: they may be computed another way than the update.
    """
    told: dict[str, list[str]] = {}
    for run in runs:
        for step in run.steps:
            if run.situation.extreme:
                continue
            right = not step.wrong_weights
            wrong = {
                "accuracy": step.accuracy_differs and (right or not step.wrong_loss),
                "`gradients`": right and any(not ratio <= 100 for ratio in step.gradient_ratios),
                "`predict_proba`": right and not step.probability_ratio <= 100,
            }
            for name in (name for name, is_wrong in wrong.items() if is_wrong):
                told.setdefault(name, []).append(run.situation.name)
    return told


def _special(wrong: Sequence[Driven]) -> list[str] | None:
    """The named situations that all wrong steps lie in; None if ordinary steps are wrong too."""
    found: list[str] = []
    for run in wrong:
        sizes = {step.step.n for step in run.steps if step.wrong}
        # Where batches of the ordinary size are wrong too, it is not because others are ragged.
        ragged = len(run.situation.batches[0]) not in sizes
        name = "ragged batches" if ragged else run.situation.special
        if not name:
            return None
        if name not in found:
            found.append(name)
    return found


def consequences(report: Outcome) -> list[str]:
    """Errors that the diagnosis explains: told as what follows from it, not as mysteries."""
    explanation = report.diagnosis.explanations[0] if report.diagnosis.explanations else None
    errors: dict[str, list[str]] = {}
    for run in report.runs:
        for step in run.steps:
            if step.did.error is not None:
                ragged = step.step.n != len(run.situation.batches[0]) and not run.situation.special
                place = "ragged batches" if ragged else run.situation.name
                places = errors.setdefault(step.did.error.split(":")[0], [])
                if place not in places:
                    places.append(place)
    if not errors:
        return []
    follows = explanation is not None and explanation.unexplained_errors == 0
    link = "as a consequence, " if follows else "besides, "
    return [f"{link}{error} ({', '.join(places[:3])})" for error, places in errors.items()]


def largest_ratio(runs: Sequence[Driven]) -> float:
    """The largest deviation of any weight in one step that decides, as a share of what rounding may do."""
    lockstep = [run for run in runs if not (run.situation.free or run.situation.extreme)]
    values = [ratio for run in lockstep for step in run.steps for ratio in step.ratios if np.isfinite(ratio)]
    return max(values, default=0.0)
