"""Holds wrong steps to what may excuse or explain them all: exact constants, float32, a step for each sample."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from compare.agreement.tolerance import FLOAT32_PER_FLOAT64
from compare.check.causes.diagnosis import Diagnosis, Explanation, Left
from compare.check.introduction import Introduction
from compare.check.report.verdict import wrong_ordinarily
from compare.check.samplewise import NAME
from compare.check.steps.lockstep import Driven, deciding, every_ratio, judged, recipe_for, rejudged
from compare.check.steps.model_reference import ModelReference
from compare.faults import FAULTS
from compare.faults.fault import Cause
from compare.phrases import listed
from compare.recipe.architecture import Architecture
from compare.recipe.optimizer_words import DEFAULTS, ROUNDED
from compare.sides.models import rounded_activations, rounded_penalties


def rounded_constants(model: Any, architecture: Architecture) -> list[str]:
    """The constants of an optimizer, penalties and activations that Keras takes through float32, and so changes."""
    optimizer = architecture.optimizer
    known = DEFAULTS.get(optimizer.name, {"weight_decay": None})
    given = known | {name: value for name, value in optimizer.arguments if name in known}
    numbers = {name: given[name] for name in ROUNDED if given.get(name)}
    rounded = [name for name, value in numbers.items() if float(np.float32(value)) != value]
    return [*rounded, *rounded_penalties(model), *rounded_activations(model)]


def otherwise(
    met: Introduction, reference: ModelReference, exact: ModelReference | None, runs: list[Driven]
) -> tuple[Introduction, ModelReference, list[Driven]]:
    """Hold runs that are wrong to constants that are not rounded, and to single precision, where that explains them."""
    if exact is not None:
        exact = replace(exact, recipe=reference.recipe, precision=reference.precision)
        again = [_beside(exact, run) for run in runs]
        if _off(again) < _off(runs):
            reference, runs = exact, again
            if not wrong_ordinarily(runs):
                schedule = ["the schedule's numbers"] if reference.scheduled else []
                names = listed([*rounded_constants(reference.model, reference.recipe.architecture), *schedule])
                met = met.noting(f"exact where Keras on TensorFlow takes {names} through float32: no fault of it")
    if wrong_ordinarily(runs) and met.precision == "float64" and _slightly_throughout(runs):
        coarse = replace(reference, precision="float32")
        again = rejudged(runs, coarse)
        if not wrong_ordinarily(again):
            note = "off by what float32 explains, in every step: it, or Keras, takes something through float32"
            return met.noting(note, precision="float32"), coarse, again
    return met, reference, runs


def _slightly_throughout(runs: Sequence[Driven]) -> bool:
    """Whether single precision may explain what is off: it shows in every step, and by no more than it explains."""
    return all(1 < max(step.every_ratio) < FLOAT32_PER_FLOAT64 for run in deciding(runs) for step in run.steps)


def _off(runs: Sequence[Driven]) -> int:
    """How many losses and tensors of the ordinary situations are out of tolerance."""
    return sum(not ratio <= 1 for ratio in every_ratio(deciding(runs)))


def _beside(reference: ModelReference, run: Driven) -> Driven:
    """What was driven, beside another model."""
    situation = run.situation
    reference = reference.at(recipe_for(reference, situation))
    X = situation.X.astype(reference.dtype).astype(np.float64)
    each = [step.step.weights for step in run.steps]
    dids = [step.did for step in run.steps]
    known = reference.truths(X, situation.y, situation.batches[: len(each)], each, situation.exact, dids)
    pairs = zip(known, run.steps, strict=False)
    return replace(
        run, steps=[judged(truth.step, truth.bounds, one.did, truth.loss, truth.after) for truth, one in pairs]
    )


def one_by_one(references: Sequence[ModelReference | None], runs: Sequence[Driven]) -> Diagnosis | None:
    """Say so where the weights of all ordinary steps are those of a step for each sample, one after the other."""
    ordinary = deciding(runs)
    for reference in references:
        if reference is None or reference.samplewise or reference.drops:
            continue
        reference = replace(reference, samplewise=True, recipe=ordinary[0].steps[0].step.recipe)
        again: list[Driven] = []
        for run in ordinary:  # as far as it may be so: one that is not shows in the first
            now = _beside(reference, run)
            if len(now.steps) < len(run.steps) or any(step.wrong_weights for step in now.steps):
                break
            again.append(now)
        else:
            return _samplewise(again, ordinary)
    return None


def _samplewise(again: Sequence[Driven], before: Sequence[Driven]) -> Diagnosis:
    steps, explained = (sum(len(run.steps) for run in runs) for runs in (again, wrong_ordinarily(before)))
    losses = [(run.situation.name, k) for run in again for k, step in enumerate(run.steps) if step.wrong_loss]
    left = tuple(Left("loss", None, *each) for each in losses[:1])
    return Diagnosis((Explanation((Cause(FAULTS[NAME]),), steps, len(again), explained, left=left),), steps)
