from typing import Any

import numpy as np
import pytest

from compare.runs import findings
from compare.show.ends import ends
from compare.show.figures import plots, unseeded
from compare.show.figures.style import SIDES
from tests.compare.runs.made_run import made_run


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return made_run(tmp_path_factory.mktemp("runs"), parts=("unseeded",))


@pytest.fixture(scope="module")
def told(run):
    """Of every setting its verdict and its ends, in the order of the columns."""
    tests = run.tables["unseeded_tests"].query("outcome == 'all'").set_index("setting")["verdict"]
    return [(f"{name}: {tests[name]}", ends(run, name, sides)) for name, sides in findings.settings(run).items()]


def margin(ax: Any) -> list[float]:
    """The ends of the margin that is drawn: upright at the end of the curves, across where runs end."""
    zone: Any = next(each for each in (*ax.collections, *ax.patches) if each.get_label() == plots.MARGIN)
    if zone in ax.collections:
        ((_, low), (_, high)) = zone.get_segments()[0]
        return [low, high]
    return [zone.get_x(), zone.get_x() + zone.get_width()]


@pytest.mark.parametrize("draw", [unseeded.bands, unseeded.final])
def test_every_panel_says_its_verdict_and_draws_the_margin(run, told, draw):
    axes = draw(run).axes
    assert len(axes) == 2 * len(told)
    for column, (title, of) in enumerate(told):
        assert axes[column].get_title().startswith(title)
        for ax, (measure, end) in zip((axes[column], axes[column + len(told)]), of.items(), strict=True):
            assert f"final {measure}: {end.verdict}" in ax.get_title()
            assert margin(ax) == pytest.approx([end.mean - end.margin, end.mean + end.margin])


def test_a_band_ends_at_the_quantiles_of_the_runs(run):
    ax = unseeded.bands(run).axes[1]
    runs = next(of for name, of in findings.settings(run).items() if name.startswith("like"))["scratch"]["loss"]
    lines = [line for line in ax.lines if line.get_color() == SIDES["scratch"]["color"]]
    drawn = sorted(float(np.asarray(line.get_ydata())[-1]) for line in lines)
    ordered = np.sort(runs.to_numpy()[:, -1])
    assert len(drawn) == 5
    below = [float(np.mean(ordered <= each)) for each in drawn]
    assert below == pytest.approx(findings.QUANTILES, abs=0.02)
    assert ordered[0] < drawn[0] < drawn[-1] < ordered[-1], "not the lowest and the highest"


def test_ends_are_a_cumulative_curve_over_all_runs(run, told):
    axes = unseeded.final(run).axes
    ours: Any = next(line for line in axes[0].lines if line.get_label() == "Keras")
    assert np.array_equal(np.sort(told[0][1]["loss"].values["keras"]), ours.get_xdata()[1:])
    assert np.array_equal(ours.get_ydata(), np.arange(61) / 60)


def test_the_finding_is_one_sentence_of_all_settings(run):
    run.tables["unseeded_tests"].loc[run.tables["unseeded_tests"]["outcome"] == "all", "verdict"] = [
        "different",
        "equivalent",
        "equivalent",
    ]
    title = unseeded.bands(run).get_suptitle()
    assert title == (
        "60 unseeded runs a side are different as published and equivalent like for like (glorot_uniform, uniform)"
    )


def test_runs_that_diverge_widen_the_band(run):
    runs: Any = findings.settings(run)["like for like, uniform"]["keras"]["loss"]
    assert np.isfinite(findings.spread(runs)).all()
    runs.iloc[:6, -1] = np.nan
    assert findings.spread(runs)[:, -1].tolist()[-1] == np.inf
    assert np.isfinite(findings.spread(runs)[:4]).all()
