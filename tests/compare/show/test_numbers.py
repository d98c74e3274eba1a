"""Table, page and picture tell the recorded numbers: the largest gap, and the one that decides with its tolerance."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compare.agreement import parity, tolerance
from compare.experiments.experiment import Experiment
from compare.experiments.matched import run_matched
from compare.experiments.pair import trajectory
from compare.runs import findings
from compare.runs.record import Run
from compare.show.figures import drawing
from compare.show.gaps import gaps, largest
from compare.show.page import matched

N = 150
CASE = {"protocol": "keras", "dtype": "float64"}
MANIFEST = {
    "kind": "run",
    "data": {"name": "iris", "n": N},
    "protocols": {"keras": {"name": "keras", "epochs": 1, "batch_size": 32}},
    "seeds": {"matched_pairs": [0, 1, 2]},
    "tolerances": {"bar": {"float64": 1e-13}, "floor_factor": 10.0, "probe": 1e-3},
    "verdicts": {"matched": {"passed": True, "undecidable": 0, "in_part": 0, "decided": 1.0}},
}


@st.composite
def runs(draw):
    """A run's matched tables: both sides anything from equal to far apart, the tolerance anything."""
    pairs, epochs = draw(st.integers(1, 3)), draw(st.integers(1, 6))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    size = 10.0 ** rng.uniform(-18, draw(st.sampled_from([-12, -4])), (2, pairs, epochs))
    ours = np.exp(rng.normal(size=(pairs, epochs)))
    theirs, floor = ours + size[0] * rng.integers(-1, 2, (pairs, epochs)), size[1]
    right = rng.integers(0, N, (2, pairs, epochs)) / N
    trajectories, floors, rows = [], [], []
    for k in range(pairs):
        case = {**CASE, "drawn_by": "scratch"}
        for side, loss, accuracy in (("scratch", ours[k], right[0, k]), ("keras", theirs[k], right[1, k])):
            trajectories.append(trajectory(loss, accuracy, side=side, **case).assign(replicate=k))
        floors.append(trajectory(floor[k], floor[k], **case).assign(replicate=k))
        allowed, least = tolerance.of_loss(floor[k], ours[k], "float64"), tolerance.least_of_loss(ours[k], "float64")
        upto = tolerance.judged_upto(allowed, ours[k], parity.gap(ours[k], theirs[k]), "float64")
        if upto:
            judged = parity.judge(ours[k][:upto], theirs[k][:upto], allowed[:upto], least[:upto])
            rows.append({**case, "replicate": k, "what": "loss", **judged._asdict()})
    columns = [*CASE, "drawn_by", "replicate", "what", *parity.Difference._fields]
    pair = {**CASE, "verdict": "parity", "decided": epochs, "epochs": epochs}
    tables = {
        "trajectories": pd.concat(trajectories),
        "noise_floor": pd.concat(floors),
        "parity": pd.DataFrame(rows, columns=columns),
        "pairs": pd.DataFrame([pair] * pairs),
    }
    return Run(Path("0001-run"), MANIFEST, tables), ours, theirs, floor


@settings(max_examples=15, deadline=None)
@given(runs())
def test_what_is_told_is_what_was_recorded(made):
    run, ours, theirs, floor = made
    gap = np.abs(ours - theirs)
    allowed = np.maximum(
        10 * 4 * 2**-52 * np.maximum.accumulate(np.maximum(1, ours), axis=1), 10 * np.maximum.accumulate(floor, axis=1)
    )
    # Judged is up to the first epoch of which too much is tolerated to tell anything.
    blind = (allowed > 1e-3 * np.maximum(1, ours)) & (gap > 10 * 4 * 2**-52 * np.maximum(1, ours))
    judged = np.cumsum(blind, axis=1) == 0
    most = float(gap[judged].max(initial=0))
    shares = np.where(judged, gap / allowed, 0)
    nearest = int(np.argmax(shares.max(axis=1)))

    for row in findings.verdicts(run).rows:
        place = np.unravel_index(np.argmax(shares), shares.shape)
        assert row[4:7] == (most, gap[place], allowed[place])
    section = matched.section(run)
    assert section is not None
    assert f"{most:.1e} in float64" in section.agree[0].words or "Undecidable" in section.agree[0].words
    (view,) = section.views
    assert f"pair {nearest + 1} of {len(gap)} " in view.title
    assert ("zone" in dict(view.charts[-1].paths)) == (not judged[nearest].all())
    cells = {name: of[0].texts for _, name, of in view.reading.rows if of[0] is not None}
    assert cells["gap"] == ["0" if each == 0 else f"{each:.1e}" for each in gap[nearest]]
    assert cells["tolerance"] == [f"{each:.1e}" for each in allowed[nearest]]
    (ax,) = drawing.figures(run)["gap"]().axes
    drawn = {line.get_label(): np.asarray(line.get_ydata()) for line in ax.lines}
    smallest = ax.get_ylim()[0]
    unjudged = [patch for patch in ax.patches if patch.get_label() == "moved too far to judge"]
    assert len(unjudged) == (not judged[nearest].all())
    assert np.array_equal(drawn["its tolerance"], allowed[nearest])
    assert np.array_equal(drawn["pair nearest to its tolerance"], np.maximum(gap[nearest], smallest))
    assert np.array_equal(drawn["largest gap of all pairs"], np.maximum(gap.max(axis=0), smallest))


def test_what_is_tolerated_is_read_from_the_record_as_it_was_applied(iris):
    found = run_matched(Experiment(epochs=6, pairs=2, layers=(5, 3)), iris)
    tables = {"trajectories": found.trajectories, "noise_floor": found.floor}
    run = Run(Path("0001-run"), {"data": {"n": iris.n}}, tables)
    loss = found.parity.query("what == 'loss'")
    for (protocol, dtype, drawn_by), rows in loss.groupby(["protocol", "dtype", "drawn_by"]):
        read = gaps(run, protocol=str(protocol), dtype=str(dtype), drawn_by=str(drawn_by))
        places = rows["replicate"].to_numpy(), rows["step"].to_numpy()
        assert np.array_equal(read.tolerated[places], rows["tolerance"])
        assert np.array_equal(read.gap[places], rows["nearest"])
        assert np.array_equal(read.gap.max(axis=1), rows["largest"])
    for measure in ("loss", "accuracy"):
        for dtype, rows in found.parity[found.parity["what"] == measure].groupby("dtype"):
            assert largest(run, measure, str(dtype)) == rows["largest"].max()


def test_a_gap_that_is_largest_is_not_told_for_the_one_that_decides():
    judged = parity.judge([1.0, 1000.0], [1.0 + 2e-6, 1000.0 + 1e-5], [1e-5, 1e-2], 1e-5)
    assert judged.largest == pytest.approx(1e-5)
    assert judged.nearest == pytest.approx(2e-6)
