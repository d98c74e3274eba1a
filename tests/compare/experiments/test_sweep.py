"""The grid has every cell once; a cell's numbers and verdict do not depend on the rest of the grid."""

import json
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from compare.agreement import tolerance
from compare.commands.app import main
from compare.data.dataset import load
from compare.errors import InputError
from compare.experiments import sweep
from compare.experiments.grid import Sweep
from compare.experiments.sweep import matrix_verdict, run_sweep, shards
from compare.runs import record
from compare.runs.record import read
from compare.show.terminal.summary import tell
from compare.sides import sides
from scratch_nn import Network

SMALL = Sweep(data=("iris",), layers=("4",), batch_sizes=(0, 64), learning_rates=(0.1,), epochs=2, replicates=6)
OPTIONS = ["--data", "iris", "--layers", "4", "--batch-sizes", "64", "--learning-rates", "0.1"]
OPTIONS += ["--epochs", "2", "--replicates", "6"]


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A small sweep from the command line: exit status and folder."""
    out = tmp_path_factory.mktemp("results")
    return main(["sweep", *OPTIONS, "--out", str(out)]), next(out.iterdir())


def test_the_default_grid_has_200_cells_and_each_once():
    cells = Sweep().cells()
    assert len(cells) >= 200
    assert [cell.cell for cell in cells] == list(range(len(cells)))
    assert len({(cell.mode, *cell.graph, cell.initializer, cell.learning_rate, cell.seed) for cell in cells}) == len(
        cells
    )
    assert {cell.mode for cell in cells} == {"matched", "unseeded"}


def test_cells_of_a_graph_lie_side_by_side():
    graphs = [cell.graph for cell in Sweep().cells()]
    assert sum(a != b for a, b in pairwise(graphs)) == len(set(graphs)) - 1


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"layers": ("6-x",)}, "`layers` must be hidden units joined by dashes, as 6-10-8. Received: 6-x"),
        ({"layers": ("0",)}, "`layers` must be hidden units"),
        ({"batch_sizes": (-1,)}, "`batch_sizes` must be positive integers, or 0 for full batch. Received: -1"),
        ({"seeds": ()}, "`seeds` must be at least one value, each given once. Received: nothing"),
        ({"data": ("iris", "iris")}, "`data` must be at least one value, each given once. Received: iris iris"),
        ({"optimizer": "adam(learning_rate=0.1)"}, "`optimizer` must leave its learning rate to `learning_rates`. Rec"),
        ({"loss": "hinge"}, "`loss` must be one of"),
        ({"learning_rates": (0.0,)}, "`learning_rate` must be a positive number. Received: 0.0"),
        ({"dtypes": ("float16",)}, "`dtypes` must be any of float32, float64. Received: float16"),
    ],
)
def test_a_bad_grid_is_refused_in_one_line(settings, told):
    with pytest.raises(InputError) as caught:
        Sweep(**settings)
    assert str(caught.value).startswith(told)
    assert "\n" not in str(caught.value)


def test_correct_sides_are_in_parity_everywhere(finished):
    status, folder = finished
    table = read(folder).tables["sweep"]
    assert status == 0
    assert len(table) == 2 * 2 * 2 + 2
    assert (table.loc[table["mode"] == "matched", "verdict"] == "parity").all()
    assert (
        table.loc[table["mode"] == "matched", "nearest"] <= table.loc[table["mode"] == "matched", "tolerance"]
    ).all()


def test_every_cell_has_its_trajectories(finished):
    run = read(finished[1])
    counts = run.tables["trajectories"].groupby(["cell", "side"]).size().unstack()
    cells: Any = run.tables["sweep"]
    for row in cells.itertuples():
        expected = 2 * (6 if row.mode == "unseeded" else 1)
        assert counts.loc[row.cell].tolist() == [expected, expected]
    assert np.isfinite(run.tables["trajectories"]["loss"]).all()


def test_a_sweep_may_be_told_in_two_lines_or_as_json(finished, capsys):
    run = record.read(finished[1])
    for how in ("quiet", "json"):
        tell(run, finished[1], quiet=how == "quiet", as_json=how == "json")
        printed = capsys.readouterr().out
        if how == "quiet":
            assert [line.split(":")[0] for line in printed.splitlines()] == ["Verdict", "Report"]
        else:
            told = json.loads(printed)
            assert told["state"] == run.manifest["verdicts"]["state"]
            assert told["report"] == str(finished[1] / "report.html")


def test_a_sweep_is_shown_again(finished, capsys):
    assert main(["show", str(finished[1])]) == 0
    printed = capsys.readouterr().out
    assert "Parity matrix: 10 cells" in printed
    assert "matched: 8 of 8 cells in parity" in printed


def test_the_heat_map_is_drawn(finished):
    with Image.open(finished[1] / "heat_map.png") as picture:
        assert len(picture.convert("RGB").getcolors(1 << 24) or []) > 50
    assert (finished[1] / "heat_map.svg").read_text().lstrip().startswith("<?xml")


def test_a_cells_numbers_do_not_depend_on_the_rest_of_the_grid(finished):
    alone = Sweep(**{**vars(SMALL), "batch_sizes": (64,), "dtypes": ("float32",), "initializers": ("uniform",)})
    one = run_sweep(alone, {"iris": load("iris", standardise=True)})
    whole = read(finished[1])
    names = ["mode", "batch_size", "dtype", "initializer", "learning_rate", "seed"]
    both: Any = one.table.merge(whole.tables["sweep"], on=names, suffixes=("", "_whole"))
    assert len(both) == len(one.table) == 3
    for row in both.itertuples():
        pair = [
            frame[frame["cell"] == cell].drop(columns="cell").reset_index(drop=True)
            for frame, cell in ((one.trajectories, row.cell), (whole.tables["trajectories"], row.cell_whole))
        ]
        pd.testing.assert_frame_equal(pair[0], pair[1], check_exact=True)
        assert row.verdict == row.verdict_whole


def test_a_fault_shows_in_every_matched_cell(monkeypatch):
    class Fault(Network):
        def update(self):
            self.gradient *= 1.01
            super().update()

    monkeypatch.setattr(sides, "Network", Fault)
    faulty = Sweep(**{**vars(SMALL), "modes": ("matched",), "dtypes": ("float64",), "batch_sizes": (0,)})
    found = run_sweep(faulty, {"iris": load("iris", standardise=True)})
    assert (found.table["verdict"] == "no parity").all()
    assert matrix_verdict(found.table)[0] == "no"


def test_cells_that_fail_are_missing_and_the_rest_completes(monkeypatch):
    whole = sweep.matched_table

    def broken(cells, *arguments):
        if cells[0].batch_size:
            raise ArithmeticError("broken")
        return whole(cells, *arguments)

    monkeypatch.setattr(sweep, "matched_table", broken)
    small = Sweep(**{**vars(SMALL), "modes": ("matched",), "dtypes": ("float64",)})
    found = run_sweep(small, {"iris": load("iris", standardise=True)})
    assert found.table.groupby("batch_size")["verdict"].unique().map(list).to_dict() == {0: ["parity"], 64: ["missing"]}
    assert len(found.failures) == 1
    assert matrix_verdict(found.table)[0] == "open"


@pytest.mark.parametrize(
    ("verdicts", "state", "told"),
    [
        (["equivalent"] * 100, "yes", "100 equivalent"),
        (["equivalent"] * 95 + ["different"] * 5, "yes", "no more than chance explains"),
        (["equivalent"] * 80 + ["different"] * 20, "no", "more than chance explains"),
        (["equivalent"] * 99 + ["inconclusive"], "open", "1 inconclusive"),
        (["equivalent"] * 99 + ["missing"], "open", "1 missing"),
        (["different"], "no", "more than chance explains"),
    ],
)
def test_a_few_different_cells_are_chance(verdicts, state, told):
    found = matrix_verdict(pd.DataFrame({"mode": "unseeded", "verdict": verdicts}))
    assert found[0] == state
    assert told in found[1]


@pytest.mark.parametrize(
    ("verdicts", "state", "told"),
    [
        (["parity"] * 3, "yes", "3 of 3 cells in parity"),
        (["parity", "parity in part"], "yes", "1 of 2 cells in parity, 1 more as far as it could be decided"),
        (["parity", "parity in part", "undecidable"], "open", "1 more as far as it could be decided, 1 undecidable"),
        (["parity in part", "no parity"], "no", "0 of 2 cells in parity, 1 more"),
    ],
)
def test_matched_cells_are_told_by_how_far_they_were_decided(verdicts, state, told):
    found = matrix_verdict(pd.DataFrame({"mode": "matched", "verdict": verdicts}))
    assert found[0] == state
    assert told in found[1]


def test_a_cell_half_of_whose_epochs_are_decided_is_in_parity_in_part(monkeypatch):
    monkeypatch.setattr(tolerance, "judged_upto", lambda *_: 1)
    part = Sweep(**{**vars(SMALL), "modes": ("matched",), "batch_sizes": (64,)})
    found = run_sweep(part, {"iris": load("iris", standardise=True)})
    assert set(found.table["verdict"]) == {"parity in part"}
    assert set(found.table["decided"]) == {0.5}


def test_a_cell_opens_its_trajectories(finished, tmp_path, capsys):
    folder = finished[1]
    for cell in (0, 5):
        assert main(["show", str(folder), "--cell", str(cell), "--out", str(tmp_path), "--json"]) == 0
        told = json.loads(capsys.readouterr().out)
        assert told["cell"] == cell
        with Image.open(told["trajectories"]) as picture:
            assert len(picture.convert("RGB").getcolors(1 << 24) or []) > 50
    assert main(["show", str(folder), "--cell", "999"]) == 2
    assert "`cell` must be from 0 to 9. Received: 999" in capsys.readouterr().err


def test_shards_do_not_share_a_name():
    names = [shard.name for shard in shards(SMALL, {"iris": load("iris")})]
    assert len(set(names)) == len(names)


def test_a_cell_that_nothing_can_be_told_of_is_undecidable_in_matrix_page_and_status(tmp_path, capsys):
    grid = ["--data", "iris", "--layers", "5", "--batch-sizes", "32", "--learning-rates", "0.01", "1e30"]
    rest = ["--initializers", "uniform", "--dtypes", "float32", "--seeds", "0", "--modes", "matched", "--epochs", "2"]
    assert main(["sweep", *grid, *rest, "--out", str(tmp_path)]) == 3
    (folder,) = tmp_path.iterdir()
    table = read(folder).tables["sweep"]
    assert table["verdict"].tolist() == ["parity", "undecidable"]
    assert table["decided"].tolist() == [1.0, 0.0]
    out = capsys.readouterr().out
    assert "Verdict: matched: 1 of 2 cells in parity, 1 undecidable" in out
    assert "cell 1: undecidable; matched, iris" in out
    assert "1 parity, 1 undecidable" in (folder / "report.html").read_text(encoding="utf-8")


def test_every_cell_may_have_another_objective(tmp_path, capsys):
    options = [
        "--data",
        "breast_cancer",
        "diabetes",
        "--layers",
        "4",
        "--batch-sizes",
        "64",
        "--learning-rates",
        "0.01",
    ]
    options += ["--epochs", "2", "--dtypes", "float64", "--seeds", "0", "--modes", "matched"]
    options += ["--loss", "mse", "--optimizer", "adam(beta_1=0.8)", "--l1", "0.001", "--no-bias"]
    assert main(["sweep", *options, "--out", str(tmp_path)]) == 0
    assert "4 of 4 cells in parity" in " ".join(capsys.readouterr().out.split())
    assert main(["sweep", *OPTIONS, "--optimizer", "nadam", "--out", str(tmp_path)]) == 2
    assert "the scratch network has no such optimizer. Received: nadam" in capsys.readouterr().err
