"""What tests of whole checks share."""

import pytest

from compare.check import parity_check, training
from compare.check.causes.diagnosis import Diagnosis
from compare.check.steps.reference import Reference

TRUTHS: dict[object, object] = {}


@pytest.fixture
def quick(monkeypatch):
    """What Keras does in a situation is asked once for all; which fault explains a subject is not asked."""
    asked = Reference.truths

    def known(reference, X, y, batches, each, exact, dids=()):
        arrays = tuple(array.tobytes() for array in (X, y, *batches, *(W for weights in each for W in weights)))
        recipe = reference.recipe
        key = (arrays, recipe.architecture, recipe.n_samples, tuple(map(len, batches)), reference.precision, exact)
        if key not in TRUTHS:
            TRUTHS[key] = asked(reference, X, y, batches, each, exact)
        return TRUTHS[key]

    monkeypatch.setattr(Reference, "truths", known)
    monkeypatch.setattr(parity_check, "diagnose", lambda *arguments: Diagnosis())
    monkeypatch.setattr(training, "_candidates", lambda *arguments: ())
