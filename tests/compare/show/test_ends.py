import numpy as np
import pytest

from compare.runs import findings
from compare.show.ends import ends
from tests.compare.runs.made_run import made_run

LIKE = "like for like, uniform"


@pytest.fixture
def run(tmp_path):
    return made_run(tmp_path, parts=("unseeded",))


def test_what_was_tested_of_where_runs_end_is_told_of_the_ends_themselves(run):
    sides = findings.settings(run)[LIKE]
    for measure, end in ends(run, LIKE, sides).items():
        last = {side: runs[measure].to_numpy()[:, -1] for side, runs in sides.items()}
        assert end.mean == pytest.approx(last["keras"].mean())
        assert end.difference == pytest.approx(last["scratch"].mean() - last["keras"].mean())
        assert end.low < end.difference < end.high
        assert end.margin == pytest.approx(last["keras"].std(ddof=1) / 4)
        assert np.array_equal(end.values["scratch"], last["scratch"])
        assert end.tested


def test_a_run_that_diverged_is_the_worst_of_all_and_in_no_mean(run):
    sides = findings.settings(run)[LIKE]
    sides["keras"].loc[0, ("loss", 3)] = np.nan
    end = ends(run, LIKE, sides)["loss"]
    assert end.values["keras"][0] == np.inf
    assert end.mean == pytest.approx(sides["keras"]["loss"].to_numpy()[1:, -1].mean())


def test_without_an_interval_nothing_is_tested(run):
    run.tables["unseeded_tests"].loc[:, "low"] = -np.inf
    assert not ends(run, LIKE, findings.settings(run)[LIKE])["loss"].tested
