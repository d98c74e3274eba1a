"""Networks that make a step of each sample, one after the other: how they differ from a batch, and how to say so."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from compare.check.causes.diagnosis import Diagnosis
from compare.check.first_batch import FirstBatch
from compare.check.steps.lockstep import Driven, deciding
from compare.check.subject.tasks import Performance

NAME = "updated sample by sample"
DIFFERS = (
    "a batch of n samples is n updates, where Keras makes one with their mean gradient, so that it goes about n times "
    "as far; its loss is the mean of n losses, each before an update of its own"
)
DECLARE = "declare it, --samplewise (samplewise=True)"
LOOP = "loop over the samples in its step, `for i in range(len(x))`, with `x[i : i + 1]` and `y[i : i + 1]`"


def notes(diagnosis: Diagnosis, runs: Sequence[Driven]) -> list[str]:
    """Say what is to be known where steps are wrong as those of single samples are."""
    if NAME in diagnosis.names:
        return [f"if a step for each sample is meant, {DECLARE}; Keras then makes the same. As it is, {DIFFERS}"]
    steps = [step for run in deciding(runs) for step in run.steps]
    single, several = ([step.wrong for step in steps if (step.step.n == 1) == one] for one in (True, False))
    if diagnosis.explanations or not single or any(single) or not several or not all(several):
        return []
    return [
        f"right in every batch of one, and wrong in every other: if its step is meant for single samples, {LOOP}, "
        f"return the mean loss, and {DECLARE}"
    ]


def of_one(first: FirstBatch) -> FirstBatch:
    """Return the first sample of a first batch alone."""
    return replace(first, x=first.x[:1], y=first.y[:1])


def takes_one(first: FirstBatch, performance: Performance) -> bool:
    """Whether steps on one sample are right, to what float32 may cost."""
    steps = list(zip(performance.steps, first.right, strict=False))
    return bool(steps) and all(
        did.after is not None
        and all(np.allclose(a, b, rtol=1e-4, atol=1e-6) for a, b in zip(did.after, right.after, strict=True))
        for did, right in steps
    )


def refused(error: str) -> str:
    """Say why a network that takes single samples alone cannot be driven, and what to do about it."""
    return f"its step takes single samples alone: with more, {error}; {LOOP}, return the mean loss, and {DECLARE}"
