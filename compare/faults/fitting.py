"""Numbers of a fault, fitted to what a subject did."""

from collections.abc import Callable
from dataclasses import replace
from itertools import product

import numpy as np

from compare.faults.fault import Observed
from compare.mathematics.functions import Array
from compare.mathematics.rules import Rules, retake_step

CLOSE = 1e-6  # what part of an update a fit with a factor may miss


def ratio(a: list[Array], b: list[Array]) -> float:
    """The factor between two lists of arrays, by least squares."""
    bottom = sum(float(np.vdot(y, y)) for y in b)
    return sum(float(np.vdot(x, y)) for x, y in zip(a, b, strict=True)) / bottom if bottom else np.nan


def nice(values: list[float]) -> list[float]:
    """Each value as it is and rounded to three digits, which is what people write."""
    finite = [v for v in values if np.isfinite(v) and v]
    return list(dict.fromkeys(x for v in finite for x in (float(f"{v:.3g}"), float(v))))


def affine(apply: Callable[..., Rules], run: list[Observed], base: Rules, count: int = 1) -> list[tuple[float, ...]]:
    """Fit the numbers of a fault whose updates, in focus, depend on them as a + b x + c y: by least squares.

    Twice: as they are, and up to a common factor, which another fault may give.
    """
    one, seen = run[0], flat(run[0].change)
    ends = []
    for numbers in np.vstack([np.zeros(count), np.eye(count)]):
        try:
            ends.append(flat(retaken(one, apply(base, *map(float, numbers)), base).expected))
        except ValueError:
            return []
    start, along = ends[0], np.stack(ends[1:], axis=1) - ends[0][:, None]
    whole = np.column_stack([start, along])
    if not (np.isfinite(seen).all() and np.isfinite(whole).all() and along.any(axis=0).all()):
        return []
    found = [np.linalg.lstsq(along, seen - start, rcond=None)[0]]
    factor, *scaled = np.linalg.lstsq(whole, seen, rcond=None)[0]
    if factor > 0 and np.linalg.norm(whole @ [factor, *scaled] - seen) < CLOSE * np.linalg.norm(seen):
        found.append(np.divide(scaled, factor))
    return list(dict.fromkeys(each for numbers in found for each in product(*(nice([float(x)]) for x in numbers))))


def retaken(one: Observed, rules: Rules, base: Rules) -> Observed:
    """Put the step that other rules take from the same weights in place of the candidate's, which is the base's."""
    return replace(one, step=retake_step(rules, one.step, base, {}))


def flat(tensors: list[Array]) -> Array:
    """Return tensors as one vector."""
    return np.concatenate([tensor.ravel() for tensor in tensors])
