"""The pytest plugin: a fixture that fails a test with the check's report. TensorFlow is imported only when used."""

import warnings
from typing import Any

import pytest

from compare.errors import ParityWarning


class KerasParity:
    """What the `keras_parity` fixture is; options of the command line stand in where a check gives none."""

    def __init__(self, defaults: dict[str, Any]) -> None:
        self.defaults = defaults

    def check(self, subject: Any, data: Any = None, **options: Any) -> Any:
        """Check as `keras_parity.check_parity` does; fail the test with the report's text unless it passes.

        What goes wrong in extreme situations alone is a `ParityWarning`, or with `strict` a failure.
        """
        __tracebackhide__ = True
        from compare.check.parity_check import check_parity

        given = self.defaults | options
        chosen = given.pop("data", "iris") if data is None else data
        given.pop("data", None)
        report = check_parity(subject, chosen, **given)
        if not report.passed:
            pytest.fail(str(report), pytrace=False)
        if report.warnings:
            warnings.warn(report.headline, ParityWarning, stacklevel=2)
        return report


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options for data, steps and tolerance of every check."""
    group = parser.getgroup("keras-parity")
    group.addoption("--parity-data", default=None, help="data set of every check: a name or a CSV file (iris)")
    group.addoption("--parity-steps", type=int, default=None, help="steps of each ordinary training (50)")
    group.addoption("--parity-tolerance", type=float, default=None, help="multiplies the bound on rounding (1)")
    group.addoption("--parity-strict", action="store_true", default=None, help="make warnings of checks failures")
    parser.addini("parity_strict", "make warnings of checks failures", type="bool", default=False)


@pytest.fixture(scope="session")
def keras_parity(request: pytest.FixtureRequest) -> KerasParity:
    """Check that a network trains exactly as Keras does: `keras_parity.check(subject)`."""
    names = ("data", "steps", "tolerance", "strict")
    given = {name: request.config.getoption(f"--parity-{name}") for name in names}
    given["strict"] = given["strict"] or request.config.getini("parity_strict") or None
    return KerasParity({name: value for name, value in given.items() if value is not None})
