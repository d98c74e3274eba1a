"""A check's report in plain values, for machines, and in rows, for a table."""

import math
from dataclasses import asdict
from typing import Any

from compare.check.report.pasted import pasted
from compare.check.report.verdict import Outcome, largest_ratio, misreported, not_driven
from compare.check.report.words import driven, headline, inferred, shown
from compare.check.steps.lockstep import Driven


def to_json(report: Outcome) -> dict[str, Any]:
    """The report as plain values; JSON has no infinity and no NaN, which are None."""
    return _finite(
        {
            "verdict": report.verdict,
            "passed": report.passed,
            "headline": headline(report),
            "bit_equal": report.bit_equal,
            "largest_ratio": largest_ratio(report.runs),
            "refusal": report.refusal,
            "precision": report.met.precision,
            "situations": list(report.situations),
            "not_driven": not_driven(report.runs),
            "extreme": [run.situation.name for run in report.runs if run.situation.extreme],
            "raised": {run.situation.name: error for run in report.runs if (error := _raised(run)) is not None},
            "reported_wrongly": {
                name: list(dict.fromkeys(places)) for name, places in misreported(report.runs).items()
            },
            "warnings": [
                {
                    "situation": each.situation,
                    "words": each.words,
                    "cause": None if each.cause is None else each.cause.name,
                    "change": None if each.cause is None else each.cause.fix,
                }
                for each in report.warnings
            ],
            "strict": report.strict,
            "kind": None if report.diagnosis.kind is None else report.diagnosis.kind.name,
            "divergence": None if report.divergence is None else report.divergence.to_json(),
            "first_in_updates": None if report.in_weights is None else report.in_weights.to_json(),
            "guilty": [asdict(each) | {"file": shown(each.file)} for each in report.guilty],
            "warned": [asdict(each) | {"file": shown(each.file)} for each in report.lines.warned],
            "not_traced": report.lines.not_traced,
            "origin": None if report.origin is None else {"phase": report.origin.phase, "layer": report.origin.layer},
            "diagnosis": [
                {
                    "causes": [
                        {"name": c.name, "parameters": list(c.parameter), "words": c.words, "change": c.fix}
                        for c in explanation.causes
                    ],
                    "confirmed_steps": explanation.steps,
                    "situations": explanation.runs,
                    "left": [asdict(each) for each in explanation.left],
                }
                for explanation in report.diagnosis.explanations
            ],
            "trainings": [
                {
                    "name": training.name,
                    "wrong_weights": training.wrong_weights,
                    "wrong_history": training.wrong_history,
                    "controlled": training.controlled,
                    "history": training.history,
                    "keras": training.expected,
                    "error": training.error,
                    "causes": [list(explanation.names) for explanation in training.explanations],
                }
                for training in report.trainings
            ],
            "predictions": {
                "judged": list(report.predictions.judged),
                "wrong": [each.to_json() for each in report.predictions.wrong],
            },
            "notes": list(report.met.notes),
            "inferred": inferred(report),
            "adapter": pasted(report.met.adapter) if report.met.adapter else "",
            "driven": driven(report),
        }
    )


def _raised(run: Driven) -> str | None:
    """The first error of an ordinary situation's steps; one in an extreme situation ended it."""
    if run.situation.extreme:
        return None
    return next((step.did.error for step in run.steps if step.did.error is not None), None)


def code_map(report: Outcome) -> list[dict[str, Any]]:
    """What each line of the subject's own files makes, one expression a row."""
    return [asdict(each) | {"file": shown(each.file)} for each in report.code_map]


def sources(report: Outcome) -> dict[str, str]:
    """The text of the subject's own files."""
    return {shown(file): text for file, text in report.lines.sources}


def _finite(value: Any) -> Any:
    """A value without infinities and NaN, however deep."""
    if isinstance(value, dict):
        return {key: _finite(of) for key, of in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def rows(report: Outcome) -> list[dict[str, Any]]:
    """The comparisons, one a row: what, step, layer, tensor, max_abs, tolerance, ratio, passed."""
    found: list[dict[str, Any]] = []
    for run in report.runs:
        for index, step in enumerate(run.steps):
            if step.did.loss is not None:
                row = _row(run.situation.name, index, None, "loss", abs(step.did.loss - step.loss), step.bounds.loss)
                found.append(row | {"ratio": step.loss_ratio, "passed": not step.wrong_loss})
            for position, (weight, ratio) in enumerate(zip(step.step.architecture.weights, step.ratios, strict=False)):
                assert step.did.after is not None
                off = float(abs(step.did.after[position] - step.after[position]).max())
                bound = float(step.bounds.after[position].max())
                found.append(
                    _row(run.situation.name, index, weight.layer, weight.role, off, bound)
                    | {"ratio": ratio, "passed": bool(ratio <= 1)}
                )
    return found


def _row(what: str, step: int, layer: int | None, tensor: str, max_abs: float, tolerance: float) -> dict[str, Any]:
    return {"what": what, "step": step, "layer": layer, "tensor": tensor, "max_abs": max_abs, "tolerance": tolerance}
