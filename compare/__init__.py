"""The comparison: the one place where the scratch network and Keras meet.

The names below are loaded when first used, so that importing this package costs nothing. Installed, it lies in
`keras_parity`, which offers the same names.
"""

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:  # what editors and type checkers read; a test holds it to what follows
    from compare.adapters import adapt as adapt
    from compare.adapters import each as each
    from compare.adapters import joined as joined
    from compare.adapters import lists as lists
    from compare.adapters import numbered as numbered
    from compare.adapters import tensor as tensor
    from compare.agreement.comparison import compare_runs as compare_runs
    from compare.check.parity_check import assert_parity as assert_parity
    from compare.check.parity_check import check_parity as check_parity
    from compare.check.report.report import Report as Report
    from compare.data.dataset import Dataset as Dataset
    from compare.data.dataset import load as load
    from compare.errors import InputError as InputError
    from compare.experiments.experiment import Experiment as Experiment
    from compare.experiments.matched import run_matched as run_matched
    from compare.experiments.unseeded import run_unseeded as run_unseeded
    from compare.runs import record as _record

    read_run = _record.read
else:
    _HOMES = {
        "Dataset": "data.dataset.Dataset",
        "Experiment": "experiments.experiment.Experiment",
        "InputError": "errors.InputError",
        "Report": "check.report.report.Report",
        "adapt": "adapters.adapt",
        "assert_parity": "check.parity_check.assert_parity",
        "check_parity": "check.parity_check.check_parity",
        "compare_runs": "agreement.comparison.compare_runs",
        "each": "adapters.each",
        "joined": "adapters.joined",
        "lists": "adapters.lists",
        "load": "data.dataset.load",
        "numbered": "adapters.numbered",
        "read_run": "runs.record.read",
        "run_matched": "experiments.matched.run_matched",
        "run_unseeded": "experiments.unseeded.run_unseeded",
        "tensor": "adapters.tensor",
    }

    __all__ = [*_HOMES, "__version__"]

    def __getattr__(name: str) -> Any:
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        module, _, attribute = _HOMES[name].rpartition(".")
        return getattr(importlib.import_module(f"{__name__}.{module}"), attribute)

    def __dir__() -> list[str]:
        return [*globals(), *_HOMES]
