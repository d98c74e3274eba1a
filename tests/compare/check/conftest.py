"""What tests of whole checks share."""

import pytest

from compare.check import parity_check, training
from compare.check.causes.diagnosis import Diagnosis


@pytest.fixture
def quick(monkeypatch):
    """Which fault explains a subject is not asked."""
    monkeypatch.setattr(parity_check, "diagnose", lambda *arguments, **options: Diagnosis())
    monkeypatch.setattr(parity_check, "in_extremes", lambda *arguments: ())
    monkeypatch.setattr(training, "_candidates", lambda *arguments: ())
