"""The verdict of a check, and its report: as text for a terminal, as JSON for machines, as rows for a table."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from compare.check.diagnosis import Diagnosis
from compare.check.divergence import Divergence, first_divergence
from compare.check.driving import TOO_LONG
from compare.check.epochs import Training
from compare.check.evidence import Explanation
from compare.check.introduction import Introduction
from compare.check.lockstep import Run
from compare.check.origin import Origin, origin
from compare.data import Dataset

PARITY = "parity"
FLOAT32 = "parity up to float32"
EXCEPT = "parity except in a named situation"
REPORTING = "training right, reporting wrong"
WRONG = "training wrong"
RANDOM = "not deterministic"
UNDRIVABLE = "cannot be driven"


@dataclass(frozen=True)
class Report:
    """What a check found.

    Attributes
    ----------
    verdict : str
        One of: parity; parity up to float32; parity except in a named situation; training right, reporting
        wrong; training wrong; not deterministic; cannot be driven.
    passed : bool
        Whether the verdict is parity, or parity up to float32.
    divergence : Divergence or None
        The first one, in order of computation.
    diagnosis : Diagnosis
        What explains it.
    """

    verdict: str
    met: Introduction
    data: Dataset
    runs: tuple[Run, ...] = ()
    trainings: tuple[Training, ...] = ()
    divergence: Divergence | None = None
    in_weights: Divergence | None = None
    diagnosis: Diagnosis = field(default_factory=Diagnosis)
    origin: Origin | None = None
    situations: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether the subject trains as Keras does."""
        return self.verdict in (PARITY, FLOAT32)

    @property
    def bit_equal(self) -> bool:
        """Whether every loss and weight of every step is Keras's, bit for bit."""
        steps = [step for run in self.runs for step in run.steps]
        return bool(steps) and all(
            step.did.error is None and step.ulp == 0 and step.did.loss in (None, step.loss) for step in steps
        )

    @property
    def headline(self) -> str:
        """The verdict in one line."""
        from compare.check.text import headline

        return headline(self)

    def _repr_html_(self) -> str:
        """The check's page, for a notebook."""
        from compare import report
        from compare.check.record import as_run

        return report.framed(as_run(self))

    def __str__(self) -> str:
        from compare.check.text import text

        return text(self)

    def to_json(self) -> dict[str, Any]:
        """The report as plain values."""
        from compare.check.values import to_json

        return to_json(self)

    def rows(self) -> list[dict[str, Any]]:
        """The comparisons, one a row: what, step, layer, tensor, max_abs, tolerance, passed."""
        from compare.check.values import rows

        return rows(self)


def judge(
    met: Introduction,
    data: Dataset,
    runs: Sequence[Run],
    diagnosis: Diagnosis,
    trainings: Sequence[Training],
) -> Report:
    """Come to a verdict."""
    if met.refusal is not None:
        return Report(UNDRIVABLE, met, data)
    wrong = [run for run in runs if run.first_wrong is not None]
    first = first_divergence(wrong[0]) if wrong else None
    later = next((d for run in wrong if (d := first_divergence(run, losses=False)) is not None), None)
    explanation = diagnosis.explanations[0] if diagnosis.explanations else None
    where = origin(explanation, wrong[0]) if explanation and wrong else None
    if not runs or all(not run.steps for run in runs):
        reason = next((run.performance.refusal for run in runs if run.performance.refusal), "no step could be made")
        met.refusal = reason
        return Report(UNDRIVABLE, met, data, tuple(runs))
    if met.random:
        return Report(RANDOM, met, data, tuple(runs), (), first, later)
    stopped = next((run for run in runs if run.performance.refusal and TOO_LONG in run.performance.refusal), None)
    if stopped is not None and not wrong:
        met.refusal = (
            f"{TOO_LONG}: stopped in {stopped.situation.name!r}, situation {len(runs)}, with nothing wrong so far; "
            "allow more time"
        )
        return Report(UNDRIVABLE, met, data, tuple(runs))
    situations = _special(wrong)
    weights_wrong = any(s.wrong_weights for run in wrong for s in run.steps)
    known = {explanation.names for explanation in diagnosis.explanations}
    training_wrong = any(
        t.wrong_weights and not (t.ragged and "ragged batches" in (situations or ()))
        for t in trainings
        if not known & {explanation.names for explanation in t.explanations}
    )
    history_wrong = any(t.wrong_history for t in trainings)
    reporting_wrong = bool(misreported(runs))
    if training_wrong or (weights_wrong and situations is None):
        verdict = WRONG
    elif wrong and situations is not None:
        verdict = EXCEPT
    elif wrong or history_wrong or reporting_wrong:
        verdict = REPORTING
    else:
        verdict = FLOAT32 if met.precision == "float32" and met.dtype == "float64" else PARITY
    return Report(
        verdict, met, data, tuple(runs), tuple(trainings), first, later, diagnosis, where, tuple(situations or ())
    )


def misreported(runs: Sequence[Run]) -> dict[str, list[str]]:
    """What a subject tells wrongly about itself in steps whose update is right, and the situations where it does.

    `gradients` and `predict_proba` are held to a looser bar: they may be computed another way than the update.
    """
    told: dict[str, list[str]] = {}
    for run in runs:
        for step in run.steps:
            if step.wrong_weights:
                continue
            wrong = {
                "accuracy": step.accuracy_differs,
                "`gradients`": any(not ratio <= 100 for ratio in step.gradient_ratios),
                "`predict_proba`": not step.probability_ratio <= 100,
            }
            for name in (name for name, is_wrong in wrong.items() if is_wrong):
                told.setdefault(name, []).append(run.situation.name)
    return told


def _special(wrong: Sequence[Run]) -> list[str] | None:
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


def consequences(report: Report) -> list[str]:
    """Errors that the diagnosis explains: told as what follows from it, not as mysteries."""
    explanation: Explanation | None = report.diagnosis.explanations[0] if report.diagnosis.explanations else None
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


def largest_ulp(runs: Sequence[Run]) -> float:
    """The largest deviation of any weight tensor, in ULP of its largest value."""
    values = [step.ulp for run in runs for step in run.steps if np.isfinite(step.ulp)]
    return max(values, default=0.0)
