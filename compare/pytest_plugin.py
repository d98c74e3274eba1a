"""The pytest plugin: a fixture that fails a test with the check's report. TensorFlow is imported only when used."""

import os
import shlex
import warnings
from pathlib import Path
from typing import Any

import pytest

from compare.errors import ParityWarning


class KerasParity:
    """What the `keras_parity` fixture is; options of the command line stand in where a check gives none.

    With `kept`, a folder, every check leaves a run's folder there.
    """

    def __init__(self, defaults: dict[str, Any], kept: Path | None = None) -> None:
        self.defaults = defaults
        self.kept = kept

    def check(self, subject: Any, data: Any = None, **options: Any) -> Any:
        """Check as `keras_parity.check_parity` does; unless it passes, fail the test with the report and the lines.

        What goes wrong in extreme situations alone is a `ParityWarning`, or with `strict` a failure.
        """
        __tracebackhide__ = True
        from compare.check.parity_check import check_parity

        given = self.defaults | options
        chosen = given.pop("data", "iris") if data is None else data
        given.pop("data", None)
        report = check_parity(subject, chosen, **given)
        page = None if self.kept is None else _keep(report, self.kept)
        if not report.passed:
            from compare.check.report.excerpt import excerpt

            told = [str(report), excerpt(report), "" if page is None else f"Report: {page}"]
            pytest.fail("\n\n".join(filter(None, told)), pytrace=False)
        if report.warnings:
            warnings.warn(report.headline, ParityWarning, stacklevel=2)
        return report


def _keep(report: Any, folder: Path) -> Path:
    """Write a check's run folder, in the name of the test that runs; return its page."""
    from compare.check.report.record import record_check
    from compare.runs.record import REPORT

    test = os.environ["PYTEST_CURRENT_TEST"].rpartition(" ")[0]  # without the phase
    return record_check(report, folder, test, shlex.join(["pytest", test])) / REPORT


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options for data, steps and tolerance of every check."""
    group = parser.getgroup("keras-parity")
    group.addoption("--parity-data", default=None, help="data set of every check: a name or a CSV file (iris)")
    group.addoption("--parity-steps", type=int, default=None, help="steps of each ordinary training (50)")
    group.addoption("--parity-tolerance", type=float, default=None, help="multiplies the bound on rounding (1)")
    group.addoption("--parity-strict", action="store_true", default=None, help="make warnings of checks failures")
    group.addoption(
        "--parity-report", default=None, metavar="DIR", help="keep every check in DIR: its page, numbers and figure"
    )
    parser.addini("parity_strict", "make warnings of checks failures", type="bool", default=False)


def pytest_configure(config: pytest.Config) -> None:
    """Refuse a folder that cannot be written to before any test runs."""
    folder = _folder(config)
    if folder is not None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise pytest.UsageError(
                f"--parity-report must be a folder that can be written to. Received: {folder} ({error.strerror}); "
                "name another"
            ) from None


def _folder(config: pytest.Config) -> Path | None:
    given = config.getoption("--parity-report")
    return None if given is None else config.invocation_params.dir / given


@pytest.fixture(scope="session")
def keras_parity(request: pytest.FixtureRequest) -> KerasParity:
    """Check that a network trains exactly as Keras does: `keras_parity.check(subject)`."""
    names = ("data", "steps", "tolerance", "strict")
    given = {name: request.config.getoption(f"--parity-{name}") for name in names}
    given["strict"] = given["strict"] or request.config.getini("parity_strict") or None
    return KerasParity({name: value for name, value in given.items() if value is not None}, _folder(request.config))
