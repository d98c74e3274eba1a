"""The main job from end to end, small: files, tables, figures, exit status."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from compare.agreement import tolerance
from compare.commands.app import main
from compare.show.figures import drawing
from compare.sides import sides
from scratch_nn import Network

SMALL = ["--epochs", "4", "--pairs", "2", "--replicates", "12", "--layers", "5", "3"]
FIGURES = {"loss", "accuracy", "gap", "unseeded", "final", "article"}
TABLES = {
    "trajectories.parquet": ["replicate", "epoch", "loss", "accuracy", "side", "protocol", "dtype", "drawn_by"],
    "noise_floor.parquet": ["replicate", "epoch", "loss", "accuracy", "protocol", "dtype", "drawn_by"],
    "unseeded.parquet": ["replicate", "epoch", "loss", "accuracy", "side", "initializer", "protocol", "dtype"],
    "article.parquet": ["replicate", "epoch", "loss", "accuracy", "network", "side"],
}


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A whole small run: its exit status and its folder."""
    out = tmp_path_factory.mktemp("results")
    status = main(["run", *SMALL, "--out", str(out)])
    (folder,) = out.iterdir()
    return status, folder


def test_parity_holds(finished):
    assert finished[0] == 0


def test_the_manifest_tells_what_ran(finished):
    manifest = json.loads((finished[1] / "manifest.json").read_text())
    assert manifest["status"] == "complete"
    assert manifest["command"] == ("keras-parity run --layers 5 3 --epochs 4 --pairs 2 --replicates 12"), (
        "the command that repeats it"
    )
    assert manifest["verdicts"]["passed"] is True
    assert manifest["data"]["name"] == "iris"
    assert manifest["seeds"] == {"seed": 0, "matched_pairs": [0, 1]}
    for name, expected in manifest["files"].items():
        assert hashlib.sha256((finished[1] / name).read_bytes()).hexdigest() == expected
    pictures = {f"{name}.{ending}" for name in FIGURES for ending in ("png", "svg")}
    assert {path.name for path in finished[1].iterdir()} == {
        "manifest.json",
        "report.html",
        *pictures,
        *manifest["files"],
    }
    assert not pictures & set(manifest["files"]), "numbers alone are vouched for"


@pytest.mark.parametrize("name", TABLES)
def test_the_tables_read_with_pandas_alone(finished, name):
    frame = pd.read_parquet(finished[1] / name)
    assert sorted(frame.columns) == sorted(TABLES[name])
    assert np.isfinite(frame["loss"]).all()
    assert frame["accuracy"].between(0, 1).all()


def test_every_figure_is_there_as_png_and_svg_and_is_not_blank(finished):
    for name in FIGURES:
        with Image.open(finished[1] / f"{name}.png") as picture:
            assert picture.width >= 1500
            assert len(picture.convert("RGB").getcolors(1 << 24) or []) > 50
        assert (finished[1] / f"{name}.svg").read_text().lstrip().startswith("<?xml")


def test_the_tables_are_printed(finished, tmp_path, capsys):
    assert main(["run", *SMALL, "--only", "article", "matched", "--dtype", "float64", "--out", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    for told in ("largest difference", "0.921774 (0.4000)", "differs, as it must", "from step 2 on", "parity holds"):
        assert told in printed
    assert str(next(tmp_path.iterdir())) in printed


def test_a_fault_on_one_side_ends_with_status_1_and_is_recorded(tmp_path, monkeypatch, capsys):
    class Fault(Network):
        def update(self):
            self.gradient *= 1.01
            super().update()

    monkeypatch.setattr(sides, "Network", Fault)
    status = main(["run", *SMALL, "--only", "matched", "--dtype", "float64", "--out", str(tmp_path)])
    assert status == 1
    printed = capsys.readouterr().out
    assert "FAIL" in printed
    assert "does NOT hold" in printed
    manifest = json.loads((next(tmp_path.iterdir()) / "manifest.json").read_text())
    assert manifest["status"] == "complete"
    assert manifest["verdicts"]["passed"] is False


def test_a_csv_file_runs_like_a_named_data_set_whatever_it_is_called(tmp_path, iris, capsys):
    path = tmp_path / "$\\frac$ <b> [x] \x1b[1m \udcff.csv"
    frame = pd.DataFrame(iris.X, columns=["a", "b", "c", "d"]).assign(kind=iris.y)
    frame.to_csv(path)
    out = tmp_path / "x[/x]\udcff"
    arguments = ["--only", "matched", "--dtype", "float64", "--protocol", "keras", "--out", str(out)]
    assert main(["run", *SMALL, "--data", str(path), *arguments]) == 0
    printed = capsys.readouterr()
    assert "failed" not in printed.err
    assert r"x[/x]\udcff" in printed.out
    (folder,) = out.iterdir()
    assert {"manifest.json", "report.html", "loss.png", "accuracy.png", "gap.png"} <= {p.name for p in folder.iterdir()}
    assert r"$\frac$ &lt;b&gt; [x] \x1b[1m \udcff.csv" in (folder / "report.html").read_text(encoding="utf-8")


def test_plain_fit_gives_the_same_numbers(tmp_path, finished):
    arguments = ["--only", "matched", "--dtype", "float32", "--protocol", "keras", "--out", str(tmp_path)]
    assert main(["run", *SMALL, "--keras-fit", *arguments]) == 0
    plain = pd.read_parquet(next(tmp_path.iterdir()) / "trajectories.parquet")
    compiled = pd.read_parquet(finished[1] / "trajectories.parquet")
    compiled = compiled[(compiled["dtype"] == "float32") & (compiled["protocol"] == "keras")]
    pd.testing.assert_frame_equal(plain, compiled.reset_index(drop=True), check_exact=True)


def test_nothing_is_left_behind_when_a_run_breaks_off(tmp_path, monkeypatch):
    def broken(*_):
        raise RuntimeError("broken")

    monkeypatch.setattr("compare.experiments.article.run_article", broken)
    with pytest.raises(RuntimeError, match="broken"):
        main(["run", *SMALL, "--out", str(tmp_path / "results")])
    assert not (tmp_path / "results").exists()


def test_quiet_and_json_tell_the_verdict_and_the_report(finished, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(drawing, "figures", lambda *_: {})  # `test_report.py` sees to the figures
    assert main(["report", str(finished[1]), "--out", str(tmp_path), "--quiet"]) == 0
    quiet = capsys.readouterr()
    (folder,) = tmp_path.iterdir()
    assert quiet.out.splitlines() == ["Verdict: parity holds", f"Report: {folder / 'report.html'}"]
    assert quiet.err == ""
    assert main(["report", str(finished[1]), "--out", str(tmp_path / "again"), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["passed"] is True
    assert Path(told["report"]).is_file()


def test_a_run_that_is_decided_in_part_says_so_wherever_its_verdict_is_told(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(tolerance, "judged_upto", lambda *_: 1)
    options = ["--only", "matched", "--protocol", "keras", "--dtype", "float64", "--epochs", "2", "--pairs", "1"]
    assert main(["run", *options, "--layers", "5", "3", "--out", str(tmp_path), "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    words = "parity holds, as far as it could be decided: 2 of 4 epochs in 2 of 2 matched runs"
    assert words in json.dumps(printed)
    (folder,) = tmp_path.iterdir()
    told = json.loads((folder / "manifest.json").read_text())["verdicts"]["matched"]
    counts = {"undecidable": 0, "in_part": 2, "decided": 0.5, "out": 0}
    assert told == {"passed": True, "in_part_words": words.rpartition(": ")[2], **counts}
    assert main(["list", "--out", str(tmp_path), "--json"]) == 0
    (listed,) = json.loads(capsys.readouterr().out)
    assert (listed["status"], listed["verdict"]) == ("complete", words)
    assert main(["show", str(folder)]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert words in out
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "Yes, as far as it could be decided (2 of 4 epochs in 2 of 2 matched runs)" in page
    assert "2 in part, 2 of 4 epochs decided" in page


def test_a_run_that_nothing_can_be_told_of_ends_with_status_3(tmp_path, capsys):
    options = ["--only", "matched", "--protocol", "keras", "--dtype", "float32", "--learning-rate", "1e30"]
    small = ["--epochs", "2", "--pairs", "1", "--layers", "5", "3"]
    assert main(["run", *options, *small, "--out", str(tmp_path)]) == 3
    (folder,) = tmp_path.iterdir()
    told = json.loads((folder / "manifest.json").read_text())["verdicts"]
    assert (told["passed"], told["matched"]["passed"]) == (False, False)
    assert told["matched"]["undecidable"] > 0
    assert "too far to tell" in capsys.readouterr().out
    assert "Undecidable: rounding alone moves" in (folder / "report.html").read_text(encoding="utf-8")


def test_of_values_there_is_no_accuracy_to_show(tmp_path, capsys):
    options = ["--data", "diabetes", "--standardise", "--layers", "4", "1", "--dtype", "float64", "--replicates", "4"]
    assert main(["run", "--quick", *options, "--pairs", "1", "--out", str(tmp_path)]) == 0
    assert "accuracy" not in capsys.readouterr().out
    (folder,) = tmp_path.iterdir()
    for name in ("trajectories.parquet", "unseeded.parquet"):
        assert pd.read_parquet(folder / name)["accuracy"].isna().all()
    assert set(pd.read_csv(folder / "parity.csv")["what"]) == {"loss", "weights", "fit = compiled"}
    assert {path.stem for path in folder.glob("*.png")} == FIGURES - {"accuracy", "article"}
    assert "final accuracy" not in (folder / "report.html").read_text(encoding="utf-8")
