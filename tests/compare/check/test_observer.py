"""Who follows a check is told in time, and what is drawn early is what would be drawn in the end."""

from typing import Any
from unittest.mock import DEFAULT, Mock

import pytest

from compare.check.observer import Observer
from compare.check.parity_check import check_driver
from compare.check.report import values
from compare.check.report.record import as_run, record_check
from compare.check.settings import Settings
from compare.check.subject.drivers import InProcess
from compare.show.afterwards import Early
from compare.show.figures import check_map
from compare.work.companion import ALONE
from examples.correct import Network as Plain


class TooFast(Plain):
    def __init__(self, layer_sizes, learning_rate):
        super().__init__(layer_sizes, 2 * learning_rate)


@pytest.mark.parametrize(("subject", "settings"), [(TooFast, {}), (Plain, {"optimizer": "sgd(momentum=0.5)"})])
def test_all_but_the_lines_is_judged_before_they_are_looked_for(subject, settings):
    heard: list[Any] = []
    observer = Observer(loading=lambda: heard.append("loading"), judged=heard.append)
    given = Settings(steps=2, layers=(6, 3), **settings)
    report = check_driver(InProcess(subject), "iris", None, given, observer=observer)
    loading, early = heard
    assert loading == "loading"
    assert (early.lines.guilty, bool(report.lines.guilty)) == ((), True)
    assert values.rows(early) == values.rows(report)
    assert early.headline == report.headline


@pytest.fixture(scope="module")
def report():
    return check_driver(InProcess(TooFast), "iris", None, Settings(steps=2, layers=(6, 3)))


def recorded(report, out, **options):
    folder = record_check(report, out, "net.py:TooFast", "keras-parity check net.py", **options)
    return {name: (folder / name).read_bytes() for name in ("check.png", "check.svg")}


def test_a_figure_that_is_drawn_early_is_the_one_of_what_is_recorded(report, tmp_path, monkeypatch):
    usual = recorded(report, tmp_path / "usual")
    kept = tmp_path / "kept"
    kept.mkdir()
    early = Early(ALONE, kept)
    early.draw(as_run(report))
    draw = Mock(side_effect=check_map.draw_check)
    monkeypatch.setattr("compare.show.figures.drawing.draw_check", draw)
    assert recorded(report, tmp_path / "early", early=early) == usual
    draw.assert_called_once()  # and not again
    assert not list(kept.iterdir())


def test_a_figure_that_cannot_be_drawn_early_is_drawn_in_the_end(report, tmp_path, monkeypatch, capsys):
    usual = recorded(report, tmp_path / "usual")
    draw = Mock(side_effect=[ValueError("a planted fault"), DEFAULT], wraps=check_map.draw_check)
    monkeypatch.setattr("compare.show.figures.drawing.draw_check", draw)
    early = Early(ALONE, tmp_path)
    early.draw(as_run(report))
    assert recorded(report, tmp_path / "early", early=early) == usual
    assert draw.call_count == 2
    assert capsys.readouterr().err == ""
