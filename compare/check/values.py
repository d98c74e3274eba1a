"""A check's report in plain values, for machines, and in rows, for a table."""

from typing import Any

from compare.check.report import Report, largest_ulp
from compare.check.text import driven


def to_json(report: Report) -> dict[str, Any]:
    """The report as plain values."""
    return {
        "verdict": report.verdict,
        "passed": report.passed,
        "headline": report.headline,
        "bit_equal": report.bit_equal,
        "largest_ulp": largest_ulp(report.runs),
        "refusal": report.met.refusal,
        "precision": report.met.precision,
        "situations": list(report.situations),
        "divergence": None if report.divergence is None else _finite(report.divergence.to_json()),
        "first_in_updates": None if report.in_weights is None else _finite(report.in_weights.to_json()),
        "origin": None if report.origin is None else {"phase": report.origin.phase, "layer": report.origin.layer},
        "diagnosis": [
            {
                "causes": [
                    {"name": c.name, "parameters": list(c.parameter), "words": c.words, "change": c.fix}
                    for c in explanation.causes
                ],
                "confirmed_steps": explanation.steps,
                "situations": explanation.runs,
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
        "notes": report.met.notes,
        "driven": driven(report),
    }


def _finite(values: dict[str, Any]) -> dict[str, Any]:
    """JSON has no infinity."""
    return {
        key: None if isinstance(value, float) and (value != value or abs(value) == float("inf")) else value
        for key, value in values.items()
    }


def rows(report: Report) -> list[dict[str, Any]]:
    """The comparisons, one a row: what, step, layer, tensor, max_abs, tolerance, ratio, passed."""
    found: list[dict[str, Any]] = []
    for run in report.runs:
        for index, step in enumerate(run.steps):
            if step.did.loss is not None:
                row = _row(run.situation.name, index, None, "loss", abs(step.did.loss - step.loss), step.bounds.loss)
                found.append(row | {"ratio": step.loss_ratio, "passed": not step.wrong_loss})
            for position, ratio in enumerate(step.ratios):
                assert step.did.after is not None
                off = float(abs(step.did.after[position] - step.after[position]).max())
                bound = float(step.bounds.after[position].max())
                name = "bias" if position % 2 else "kernel"
                found.append(
                    _row(run.situation.name, index, position // 2, name, off, bound)
                    | {"ratio": ratio, "passed": bool(ratio <= 1)}
                )
    return found


def _row(what: str, step: int, layer: int | None, tensor: str, max_abs: float, tolerance: float) -> dict[str, Any]:
    return {"what": what, "step": step, "layer": layer, "tensor": tensor, "max_abs": max_abs, "tolerance": tolerance}
