from types import SimpleNamespace
from typing import Any

import pytest

from compare.pytest_plugin import KerasParity, pytest_configure
from compare.runs.record import read
from compare.show.figures import drawing
from examples.ragged import Ragged


def test_a_failure_shows_the_guilty_lines_and_keeps_the_page(tmp_path, monkeypatch):
    monkeypatch.setattr(drawing, "figures", lambda *_: {})
    with pytest.raises(pytest.fail.Exception) as failure:
        KerasParity({"steps": 6}, tmp_path).check(Ragged)
    told = str(failure.value)
    assert not failure.value.pytrace
    assert told.startswith("NOT PARITY: it trains as Keras does except in ragged batches")
    marked = [line for line in told.splitlines() if line.startswith("> ")]
    assert marked == ["> 17          return self.batch_size", "> 34          dZ /= self.divisor(x)"]
    (folder,) = tmp_path.iterdir()
    assert told.endswith(f"Report: {folder / 'report.html'}")
    assert (folder / "report.html").is_file()
    kept = read(folder).manifest
    assert kept["subject"].endswith("test_pytest_plugin.py::test_a_failure_shows_the_guilty_lines_and_keeps_the_page")
    assert kept["command"] == f"pytest {kept['subject']}"


def configured(folder, given):
    """A configuration of pytest's, of which the plugin asks for one option and where it was called."""
    config: Any = SimpleNamespace(getoption=lambda _: given, invocation_params=SimpleNamespace(dir=folder))
    pytest_configure(config)


def test_a_folder_that_cannot_be_written_to_is_refused_before_any_test(tmp_path):
    configured(tmp_path, None)
    assert not list(tmp_path.iterdir())
    (tmp_path / "taken").write_text("")
    with pytest.raises(pytest.UsageError, match=r"--parity-report must be a folder .* Received: .*taken.pages \(Not a"):
        configured(tmp_path, "taken/pages")
    configured(tmp_path, "pages")
    assert (tmp_path / "pages").is_dir()
