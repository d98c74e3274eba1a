"""A check's report in words."""

import math
import os
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from compare.check.causes.diagnosis import Left
from compare.check.report.pasted import pasted
from compare.check.report.verdict import (
    EXCEPT,
    FLOAT32,
    INFERENCE,
    PARITY,
    RANDOM,
    REPORTING,
    UNDRIVABLE,
    WRONG,
    Outcome,
    consequences,
    largest_ratio,
    misreported,
    not_driven,
)
from compare.faults.fault import Cause
from compare.phrases import listed, visible
from compare.recipe.architecture import SYMBOLS

WIDTH = 100
# What an update tells of a tensor: of what no gradient moves, itself.
TOLD: dict[str, str] = {role: symbol if role == "state" else f"d{symbol}" for role, symbol in SYMBOLS.items()}


def headline(report: Outcome) -> str:
    """The verdict in one sentence."""
    verdict = report.verdict
    if verdict == UNDRIVABLE:
        return f"CANNOT BE DRIVEN: {report.refusal}"
    if verdict == RANDOM:
        return "NOT PARITY: two fresh runs of the same steps differ (random numbers in the step?)"
    if report.diagnosis.kind is not None:
        return f"NOT PARITY, since it is of another kind: {report.diagnosis.kind.name}"
    if verdict in (PARITY, FLOAT32):
        what = "PARITY up to float32" if verdict == FLOAT32 else "PARITY"
        if report.warnings:
            count = f"{len(report.warnings)} warning{'s' * (len(report.warnings) > 1)}"
            return f"{'NOT ' * report.strict}{what}, with {count}: {'; '.join(each.words for each in report.warnings)}"
        size = "bit-equal to Keras in every step" if report.bit_equal else _size(report)
        return f"{what}: {size}"
    if verdict == INFERENCE:
        whys = dict.fromkeys(each.why for each in report.predictions.wrong if each.why)
        why = "; ".join(whys) or f"{report.predictions.wrong[0]}"
        return f"NOT PARITY: it trains as Keras does, and its predictions are not Keras's ({why})"
    why = _names(report) or _symptom(report)
    if verdict == EXCEPT:
        steps = [step for run in report.runs for step in run.steps]
        only = "" if any(step.wrong_weights for step in steps) or not_driven(report.runs) else " for the loss"
        return f"NOT PARITY: it trains as Keras does except{only} in {listed(report.situations)} ({why})"
    does = {WRONG: "it trains wrongly", REPORTING: "it trains right and reports wrongly"}[verdict]
    told = listed(list(misreported(report.runs))) if verdict == WRONG else ""
    return f"NOT PARITY: {does} ({why})" + (f", and reports {told} wrongly" if told else "")


def _size(report: Outcome) -> str:
    return f"no weight of any step is off by more than {largest_ratio(report.runs):.2%} of what rounding may do"


def _names(report: Outcome) -> str:
    explanations = [*report.diagnosis.explanations]
    if not explanations:
        explanations = [e for t in report.trainings for e in t.explanations[:1]]
    told = list(dict.fromkeys(_together(e.causes) for e in explanations[:3]))
    if len(told) > 1 and max(len(each.causes) for each in explanations[:3]) > 1:
        told = told[:1]  # the text tells the others
    left = _left(explanations[0].left) if explanations else ""
    return ", or ".join(told) + (f"; besides, {left}" if left else "")


def _left(left: Sequence[Left]) -> str:
    """What an explanation leaves unexplained."""
    if not left:
        return ""
    places = [each.tensor if each.layer is None else f"{TOLD[each.tensor]} of layer {each.layer + 1}" for each in left]
    what = listed(places) if len(places) < 4 else "some updates"
    return f"{what} {'are' if len(places) > 1 else 'is'} off in {left[0].situation!r} for a reason unknown"


def _together(causes: Sequence[Cause]) -> str:
    """What trains wrongly, and, apart from it, what is only reported wrongly."""
    training, reporting = (
        listed(list(dict.fromkeys(_named(cause) for cause in causes if cause.fault.reporting == kind)))
        for kind in (False, True)
    )
    return f"{training}; reported wrongly, {reporting}" if training and reporting else training or reporting


def _named(cause: Cause) -> str:
    return cause.name if cause.place is None else f"{cause.name} in layer {int(str(cause.place)) + 1}"


def _symptom(report: Outcome) -> str:
    """What is seen, where no fault explains it."""
    first = report.divergence
    if first is None:
        reasons = [*not_driven(report.runs).values(), *misreported(report.runs)]
        reasons += [
            f"its own {t.name}: {t.error or 'differs'}" for t in report.trainings if t.wrong_weights or t.wrong_history
        ]
        return "; ".join(dict.fromkeys(reasons)) or "unknown"
    if first.error is not None:
        return first.error
    place = first.phase if first.layer is None else f"{first.phase} of layer {first.layer + 1}"
    finite = first.value is None or math.isfinite(first.value)
    odd = [note for note in _notes(report) if note.startswith("a bias has one value")]
    odd += [] if finite else [f"{place} is {first.value}"]
    odd += [note for note in _notes(report) if note.startswith(("the step changes", "while training, weights change"))]
    if not odd and first.ratio is not None and first.cosine is not None:
        odd = [f"{place} is off, with ratio {first.ratio:.4g} and cosine {first.cosine:.4g}"]
    return ", ".join(["for a reason unknown", *odd[:1]])


def _notes(report: Outcome) -> list[str]:
    """What was odd in any situation."""
    return list(dict.fromkeys(note for run in report.runs for note in run.performance.notes))


def text(report: Outcome) -> str:
    """The report for a terminal: the verdict first."""
    lines = [headline(report)]
    for each in report.warnings if report.verdict not in (PARITY, FLOAT32) or len(report.warnings) > 1 else ():
        lines += _told("warning", each.words)
    for each in report.warnings:
        if each.cause is not None:
            lines += _told("change", f"{each.cause.fix} (seen in {each.situation!r})")
    if report.diagnosis.kind is not None:
        lines += _told("kind", f"{report.diagnosis.kind.words}; {report.diagnosis.kind.fix}")
    for where, why in not_driven(report.runs).items() if report.verdict != WRONG else ():
        lines += _told("not driven to its end", f"{where}: {why}")
    lines += _guilty(report)
    lines += _told("first divergence", None if report.divergence is None else str(report.divergence))
    if report.in_weights is not None and report.in_weights != report.divergence:
        lines += _told("first in updates", str(report.in_weights))
    lines += _right(report)
    if report.origin is not None:
        layer = "" if report.origin.layer is None else f" of layer {report.origin.layer + 1}"
        lines += _told("origin", f"with these faults, {report.origin.phase}{layer} is the first phase to differ")
    for index, explanation in enumerate(report.diagnosis.explanations[:3]):
        if index:
            lines += _told("or", "the data cannot tell this apart from the above:")
        for cause in explanation.causes:
            lines += _told("cause", f"{cause.name}: {cause.words}")
            lines += _told("change", cause.fix)
        if explanation.left:
            lines += _told("left", f"{_left(explanation.left)} (first in step {explanation.left[0].step + 1})")
        lines += _told(
            "evidence",
            f"computed from the same weights and batches, this gives the subject's numbers to rounding in "
            f"{explanation.steps} steps of {explanation.runs} situations (found among candidates for "
            f"{report.diagnosis.tried} steps)",
        )
    unknown = not report.diagnosis.explanations and report.diagnosis.kind is None
    if report.divergence is not None and unknown and report.verdict != RANDOM:
        what = "gives these numbers" if report.divergence.error is None else "raises this"
        lines += _told("cause", f"unknown: no known fault, nor two together, {what}")
    for name, places in misreported(report.runs).items():
        lines += _told("reported wrongly", f"{name}, in {len(places)} steps: {_some(list(dict.fromkeys(places)))}")
    for consequence in consequences(report):
        lines += _told("also", consequence)
    for training in report.trainings:
        lines += _training(training)
    if report.predictions.wrong:
        count = f" ({len(report.predictions.wrong)} times)" if len(report.predictions.wrong) > 1 else ""
        lines += _told("predictions", f"not Keras's{count}; first {report.predictions.wrong[0]}")
    lines += _elsewhere(report)
    lines += _kinks(report)
    for note in report.met.notes:
        lines += _told("note", note)
    for note in _notes(report)[:5]:
        lines += _told("note", note)
    return "\n".join([*lines, *_told("driven", driven(report)), *_inferred(report)])


def inferred(report: Outcome) -> str:
    """What was found out about how it is driven, and how sure that is; "" where nothing had to be."""
    name = f"`{report.met.name}`, the one thing in its file that can be checked" if report.met.name else ""
    if not report.met.adapter:
        return name
    how = "its parameters, its step and what that takes, found by looking at it and by driving it"
    sure = (
        "a first step is Keras's so"
        if report.met.certain
        else "the likeliest way, and no first step is Keras's so: make sure that it is the one meant"
    )
    return f"{f'{name}; ' * bool(name)}{how} ({sure})"


def _inferred(report: Outcome) -> list[str]:
    """What was found out, and the lines that say the same, as they are pasted."""
    lines = _told("inferred", inferred(report) or None)
    if not report.met.adapter:
        return lines
    options = f", and check it with {' '.join(said)}" if (said := _options(report)) else ""
    lines += _told("to say so yourself", f"paste this below your network{options}")
    return [*lines, "", pasted(report.met.adapter)]


def _options(report: Outcome) -> list[str]:
    """Options that say what was read off while the adapter was found."""
    names = report.met.recipe.architecture.activations if report.met.reads_activations else ()
    return ["--activations", *names] if names else []


def shown(file: str) -> str:
    """The path of a user's file from where the command was given, if it lies there or near; else as it is."""
    relative = os.path.relpath(file) if Path(file).is_absolute() else file
    return visible(file if relative.startswith(os.path.join("..", "..", "..")) else relative)


def _guilty(report: Outcome) -> list[str]:
    """The lines that make the first wrong numbers, each with what is wrong about it."""
    told: list[str] = []
    for each in (*report.guilty, *report.lines.warned):
        inside = f" in {each.function}" if each.function else ""
        told += _told("line", f"{shown(each.file)}:{each.first}{inside}: {each.source}")
        told += textwrap.wrap(each.says, WIDTH, initial_indent="    ", subsequent_indent="    ", break_on_hyphens=False)
    if report.lines.not_traced is not None:
        told += _told("lines", f"not traced: {report.lines.not_traced}")
    return told


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
    clean = [f"{TOLD[weight.role]} of layer {weight.layer + 1}" for weight, ratio in tensors if ratio <= 1]
    parts = []
    if report.divergence.step:
        last = report.divergence.step
        parts.append("step 1 is clean" if last == 1 else f"steps 1 to {last} are clean")
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
        f"{len(found)}, told apart from faults: the first in {name}, step {index + 1}, layer {layer + 1}, unit {unit}, "
        f"sample {sample}, |Z| = {size:.2g}",
    )


def driven(report: Outcome) -> str:
    """What was put through what."""
    met = report.met
    architecture = met.recipe.architecture
    hidden = ", ".join(filter(None, dict.fromkeys(architecture.activations))) or "no hidden activations"
    steps = sum(len(run.steps) for run in report.runs)
    parts = [
        f"{met.kind}, {architecture} ({hidden}), learning rate {architecture.learning_rate:g}, "
        f"{architecture.dtype} reference",
        *([beyond] if (beyond := architecture.beyond_plain()) else []),
    ]
    if not report.runs:
        return parts[0]
    parts.append(f"{report.data.name}, {steps} steps in {len(report.runs)} situations, lockstep and free-running")
    shown = any(step.did.gradients is not None for run in report.runs for step in run.steps)
    parts.append("its own gradients compared too" if shown else "gradients inferred from updates")
    if any(step.did.probabilities is not None for run in report.runs for step in run.steps):
        parts.append("its own probabilities compared too")
    if report.predictions.judged:
        parts.append(f"its {listed([f'`{name}`' for name in report.predictions.judged])} compared in inference")
    if met.train is None:
        parts.append("no `train` or `fit` to drive")
    else:
        parts.append("; ".join(training.name for training in report.trainings) or "its own training was not judged")
    return "; ".join(parts)
