"""A check's report in words."""

import math
import textwrap
from collections.abc import Sequence
from typing import Any

from compare.check.report.verdict import (
    EXCEPT,
    FLOAT32,
    PARITY,
    RANDOM,
    UNDRIVABLE,
    Outcome,
    consequences,
    largest_ulp,
    misreported,
)
from compare.faults.fault import Cause

WIDTH = 100
SYMBOLS = {"kernel": "W", "bias": "b"}


def headline(report: Outcome) -> str:
    """The verdict in one line."""
    verdict = report.verdict
    if verdict == UNDRIVABLE:
        return f"CANNOT BE DRIVEN: {report.refusal}"
    if verdict == PARITY and report.bit_equal:
        return "PARITY: bit-equal to Keras in every step"
    if verdict in (PARITY, FLOAT32):
        extra = "" if verdict == PARITY else " up to float32"
        return f"PARITY{extra}: the largest difference of a weight is {largest_ulp(report.runs):.3g} ULP (float64)"
    if verdict == RANDOM:
        return "NOT PARITY: not deterministic: two fresh runs of the same steps differ (random numbers in the step?)"
    what = verdict
    if verdict == EXCEPT:
        steps = [step for run in report.runs for step in run.steps]
        reported = "" if any(step.wrong_weights for step in steps) else "for the loss "
        what = f"parity except {reported}in: {', '.join(report.situations)}"
    return f"NOT PARITY: {what}: {_names(report) or _symptom(report)}"


def _names(report: Outcome) -> str:
    explanations = [*report.diagnosis.explanations]
    if not explanations:
        explanations = [e for t in report.trainings for e in t.explanations[:1]]
    return ", or ".join(dict.fromkeys(_together(e.causes) for e in explanations[:3]))


def _together(causes: Sequence[Cause]) -> str:
    """What trains wrongly, and, apart from it, what is only reported wrongly."""
    training, reporting = (
        " + ".join(cause.name for cause in causes if cause.fault.reporting == kind) for kind in (False, True)
    )
    return f"{training}; reporting wrong: {reporting}" if training and reporting else training or reporting


def _symptom(report: Outcome) -> str:
    """What is seen, where no fault explains it."""
    first = report.divergence
    if first is None:
        return ", ".join(misreported(report.runs)) or "unknown"
    if first.error is not None:
        return first.error
    place = first.phase if first.layer is None else f"{first.phase} of layer {first.layer}"
    finite = first.value is None or math.isfinite(first.value)
    odd = [note for note in _notes(report) if note.startswith("a bias has one value")]
    odd += [] if finite else [f"{place} is {first.value}"]
    odd += [note for note in _notes(report) if note.startswith(("the step changes", "while training, weights change"))]
    return ": ".join(["unknown", *odd[:1]])


def _notes(report: Outcome) -> list[str]:
    """What was odd in any situation."""
    return list(dict.fromkeys(note for run in report.runs for note in run.performance.notes))


def text(report: Outcome) -> str:
    """The report for a terminal: the verdict first."""
    lines = [headline(report)]
    lines += _told("first divergence", None if report.divergence is None else str(report.divergence))
    if report.in_weights is not None and report.in_weights != report.divergence:
        lines += _told("first in updates", str(report.in_weights))
    lines += _right(report)
    if report.origin is not None:
        layer = "" if report.origin.layer is None else f" of layer {report.origin.layer}"
        lines += _told("origin", f"with these faults, {report.origin.phase}{layer} is the first phase to differ")
    for index, explanation in enumerate(report.diagnosis.explanations[:3]):
        if index:
            lines += _told("or", "the data cannot tell this apart from the above:")
        for cause in explanation.causes:
            lines += _told("cause", f"{cause.name}: {cause.words}")
            lines += _told("change", cause.fix)
        lines += _told(
            "evidence",
            f"computed from the same weights and batches, this gives the subject's numbers to rounding in "
            f"{explanation.steps} steps of {explanation.runs} situations (found among candidates for "
            f"{report.diagnosis.tried} steps)",
        )
    if report.divergence is not None and not report.diagnosis.explanations and report.verdict != RANDOM:
        what = "gives these numbers" if report.divergence.error is None else "raises this"
        lines += _told("cause", f"unknown: no known fault, nor two together, {what}")
    for name, places in misreported(report.runs).items():
        lines += _told("reported wrongly", f"{name}, in {len(places)} steps: {_some(list(dict.fromkeys(places)))}")
    for consequence in consequences(report):
        lines += _told("also", consequence)
    for training in report.trainings:
        lines += _training(training)
    lines += _elsewhere(report)
    lines += _kinks(report)
    for note in report.met.notes:
        lines += _told("note", note)
    for note in _notes(report)[:5]:
        lines += _told("note", note)
    return "\n".join([*lines, *_told("driven", driven(report))])


def _told(label: str, words: str | None) -> list[str]:
    if words is None:
        return []
    return textwrap.wrap(words, WIDTH, initial_indent=f"  {label}: ", subsequent_indent="    ", break_on_hyphens=False)


def _right(report: Outcome) -> list[str]:
    """What is right at the first divergence."""
    if report.divergence is None or report.divergence.error is not None:
        return []
    run = next(run for run in report.runs if run.situation.name == report.divergence.situation)
    step = run.steps[report.divergence.step]
    tensors = zip(step.step.architecture.weights, step.ratios, strict=False)
    clean = [f"{SYMBOLS[weight.role]} of layer {weight.layer}" for weight, ratio in tensors if ratio <= 1]
    parts = []
    if report.divergence.step:
        last = report.divergence.step - 1
        parts.append("step 0 is clean" if last == 0 else f"steps 0 to {last} are clean")
    if step.did.loss is not None and not step.wrong_loss:
        parts.append("the loss is right")
    if clean and len(clean) < len(step.ratios):
        parts.append(f"updates right: {', '.join(clean)}")
    elif clean:
        parts.append("all updates are right")
    return _told("right there", "; ".join(parts) or "nothing")


def _training(training: Any) -> list[str]:
    if training.error is not None and training.controlled:
        return _told(training.name, f"fails: {training.error}")
    if not (training.loss_ratio > 1 or training.weights_ratio > 1):
        return []
    if not training.controlled:
        return _told(training.name, "differs, but its batches cannot be controlled: not judged")
    wrong = [w for w, bad in (("history", training.wrong_history), ("weights", training.wrong_weights)) if bad]
    lines = _told(
        training.name, f"{' and '.join(wrong)} wrong: {_series(training.history)}; Keras {_series(training.expected)}"
    )
    for explanation in training.explanations[:2]:
        for cause in explanation.causes:
            lines += _told("cause", f"{cause.name}: {cause.words}. Change: {cause.fix}")
    return lines


def _series(values: list[float] | None) -> str:
    return "no history" if values is None else ", ".join(f"{value:.6g}" for value in values)


def _elsewhere(report: Outcome) -> list[str]:
    """How far the deviation reaches, situation by situation."""
    wrong = [run for run in report.runs if run.first_wrong is not None]
    if not wrong:
        return []
    clean = [run.situation.name for run in report.runs if run.steps and run.first_wrong is None]
    counted = [
        f"{run.situation.name} ({sum(step.wrong for step in run.steps)}/{len(run.steps)} steps)" for run in wrong
    ]
    return _told("wrong in", _some(counted)) + _told("clean in", _some(clean) or "none")


def _some(names: list[str], most: int = 6) -> str:
    more = f"; and {len(names) - most} more" if len(names) > most else ""
    return "; ".join(names[:most]) + more


def _kinks(report: Outcome) -> list[str]:
    found = [
        (run.situation.name, index, kink)
        for run in report.runs
        for index, s in enumerate(run.steps)
        for kink in s.kinks
    ]
    if not found:
        return []
    name, index, (layer, sample, unit, size) = found[0]
    return _told(
        "kink crossings",
        f"{len(found)}, told apart from faults: the first in {name}, step {index}, layer {layer}, unit {unit}, "
        f"sample {sample}, |Z| = {size:.2g}",
    )


def driven(report: Outcome) -> str:
    """What was put through what."""
    met = report.met
    architecture = met.recipe.architecture
    hidden = ", ".join(dict.fromkeys(architecture.activations)) or "no hidden layers"
    steps = sum(len(run.steps) for run in report.runs)
    parts = [
        f"{met.kind}, {architecture} ({hidden}), learning rate {architecture.learning_rate:g}, "
        f"{architecture.dtype} reference",
    ]
    if not report.runs:
        return parts[0]
    parts.append(f"{report.data.name}, {steps} steps in {len(report.runs)} situations, lockstep and free-running")
    shown = any(step.did.gradients is not None for run in report.runs for step in run.steps)
    parts.append("its own gradients compared too" if shown else "gradients inferred from updates")
    if any(step.did.probabilities is not None for run in report.runs for step in run.steps):
        parts.append("its own probabilities compared too")
    if met.train is None:
        parts.append("no `train` or `fit` to drive")
    else:
        parts.append("; ".join(training.name for training in report.trainings) or "its `train` was not reached")
    return "; ".join(parts)
