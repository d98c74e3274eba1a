"""Where faults begin to show, in order of computation."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from compare.check.causes.evidence import Causes
from compare.check.steps.lockstep import Driven
from compare.faults import combine
from compare.mathematics.functions import Array
from compare.mathematics.rules import CORRECT, retake_step
from compare.mathematics.step import Step


@dataclass(frozen=True)
class Origin:
    """Where a step with faults first departs from the correct one, in order of computation."""

    phase: str
    layer: int | None


def origin(causes: Causes, run: Driven) -> Origin | None:
    """Find the first phase that the faults change, in the first wrong step of a run."""
    memory: dict[str, object] = {}
    rules = combine(causes)
    for judged in run.steps[: (run.first_wrong or 0) + 1]:
        try:
            step = retake_step(rules, judged.step, CORRECT, memory)
        except ValueError:
            return None
    for phase, layer, a, b in _phases(step, judged.step):
        if a.shape != b.shape or not np.allclose(a, b, rtol=1e-12, atol=1e-13 * float(np.abs(b).max(initial=0))):
            return Origin(phase, layer)
    return None


def _phases(step: Step, right: Step) -> Iterable[tuple[str, int | None, Array, Array]]:
    yield "inputs", None, step.A[0], right.A[0]
    for layer in range(step.depth):
        yield "Z", layer, step.Z[layer], right.Z[layer]
        if layer < step.depth - 1:
            yield "A", layer, step.A[layer + 1], right.A[layer + 1]
    yield "A", step.depth - 1, step.P, right.P
    yield "loss", None, np.array(step.loss), np.array(right.loss)
    for layer in reversed(range(step.depth)):
        yield "dZ", layer, step.dZ[layer], right.dZ[layer]
        yield "dW", layer, step.dW[layer], right.dW[layer]
        yield "db", layer, step.db[layer], right.db[layer]
    for weight, a, b in zip(step.architecture.weights, step.after, right.after, strict=True):
        yield "updated W" if weight.role == "kernel" else "updated b", weight.layer, a, b
