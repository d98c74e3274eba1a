"""What tests of whole checks share."""

from collections.abc import Callable
from typing import Any

import pytest

from compare.check import parity_check, training
from compare.check.causes.diagnosis import Diagnosis
from compare.check.steps.reference import Reference

KNOWN: dict[object, Any] = {}


def _once(ask: Callable[..., Any]) -> Callable[..., Any]:
    """What Keras does is asked once for all tests: on the same data and batches, from the same weights."""

    def known(reference, X, y, batches, weights, *more):
        tensors = [W for each in weights for W in (each if isinstance(each, list) else [each])]
        arrays = tuple(array.tobytes() for array in (X, y, *batches, *tensors))
        recipe = reference.recipe
        told = more[:1]  # whether sums are exact; what the subject did is told to others than these references
        key = (ask, arrays, recipe.architecture, recipe.n_samples, tuple(map(len, batches)), reference.precision, told)
        if key not in KNOWN:
            KNOWN[key] = ask(reference, X, y, batches, weights, *told)
        return KNOWN[key]

    return known


@pytest.fixture
def quick(monkeypatch):
    """What Keras does in a situation is asked once for all; which fault explains a subject is not asked."""
    for name in ("truths", "trajectory"):
        monkeypatch.setattr(Reference, name, _once(getattr(Reference, name)))
    monkeypatch.setattr(parity_check, "diagnose", lambda *arguments, **options: Diagnosis())
    monkeypatch.setattr(parity_check, "in_extremes", lambda *arguments: ())
    monkeypatch.setattr(training, "_candidates", lambda *arguments: ())
