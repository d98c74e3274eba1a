"""The comparison: the one place where the scratch network and Keras meet.

The names below are loaded when first used, so that importing this package costs nothing.
"""

import importlib
from typing import Any

__version__ = "0.1.0"

_HOMES = {
    "Experiment": "compare.experiments.experiment",
    "InputError": "compare.errors",
    "assert_parity": "compare.check.parity_check",
    "check_parity": "compare.check.parity_check",
    "run_matched": "compare.experiments.matched",
    "run_unseeded": "compare.experiments.unseeded",
}

__all__ = [*_HOMES, "__version__"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'compare' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
