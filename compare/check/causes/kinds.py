"""Networks of another kind than the check is for: correct or not, they are told what they are."""

import numpy as np

from compare.check.causes.evidence import Case
from compare.check.steps.lockstep import Judged
from compare.faults import FAULTS
from compare.faults.fault import Cause
from compare.faults.kinds import ADAPTIVE

NEAR = 0.02  # how far the sizes of an adaptive optimizer's first moves may lie apart, relative


def recognise(case: Case) -> Cause | None:
    """Say of what kind a subject is, from its first steps; None if it is of none that is known."""
    items = [item for item in case.items_of(0, losses=False) if item.step < 2]
    for fault in FAULTS.values():
        for parameter in fault.parameters(case.architecture) if fault.kind else ():
            cause = Cause(fault, parameter)
            if all(case.explains((cause,), item) for item in items):
                return cause
    size = _equal_moves(case.runs[0].steps[0])
    return None if size is None else Cause(ADAPTIVE, (size,))


def _equal_moves(first: Judged) -> float | None:
    """The size of a first move, in learning rates, if it is the same for every weight, downhill."""
    if first.did.after is None:
        return None
    moves = np.concatenate([(new - old).ravel() for new, old in zip(first.did.after, first.step.weights, strict=True)])
    gradients = np.concatenate([g.ravel() for g in first.step.gradients])
    large = np.abs(gradients) > 0.05 * np.abs(gradients).max()
    sizes = -moves[large] * np.sign(gradients[large]) / first.step.learning_rate
    middle = float(np.median(sizes))
    same = middle > 0 and bool((np.abs(sizes - middle) < NEAR * middle).all())
    spread = np.abs(gradients[large]).max() / np.abs(gradients[large]).min()
    return float(f"{middle:.3g}") if same and large.sum() > 3 and spread > 2 else None
