import numpy as np
import pytest

from compare.show.figures import drawing
from compare.show.gaps import gaps
from tests.compare.runs.made_run import made_run


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return made_run(tmp_path_factory.mktemp("runs"), parts=("matched",))


@pytest.mark.parametrize(("measure", "marker"), [("loss", "None"), ("accuracy", "o")])
def test_curves_are_of_the_pair_that_is_named_and_accuracies_are_dots(run, measure, marker):
    ax = drawing.figures(run)[measure]().axes[0]
    found = gaps(run, protocol="article", dtype="float64", drawn_by="scratch")
    assert f"pair {found.nearest + 1} of 2 (seed {found.nearest}), nearest to its tolerance" in ax.get_title()
    of = run.tables["trajectories"].query(
        f"protocol == 'article' and dtype == 'float64' and drawn_by == 'scratch' and replicate == {found.nearest}"
    )
    drawn = {line.get_label(): line for line in ax.lines}
    assert np.array_equal(drawn["Keras"].get_ydata(), of[of["side"] == "keras"][measure])
    assert {line.get_marker() for line in drawn.values()} == {marker}


@pytest.mark.parametrize("name", ["gap", "loss"])
def test_what_could_be_decided_in_part_is_no_whole_finding(run, name):
    words = "as far as it could be decided"
    draw = drawing.figures(run)[name]
    assert words not in draw().get_suptitle()
    decided = run.tables["pairs"]["decided"].copy()
    try:
        run.tables["pairs"].loc[run.tables["pairs"].index[-1], "decided"] = 3
        assert words in draw().get_suptitle()
    finally:
        run.tables["pairs"]["decided"] = decided
