import os

import numpy as np
import pandas as pd
import pytest

from benchmarks import environment, measures
from benchmarks.__main__ import main
from benchmarks.measures import Measure
from benchmarks.output import markdown


def test_a_quick_run_measures_every_ratio_and_writes_tables_and_plots(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(environment, "missing_peers", lambda: ["pytorch", "jax_scan"])  # seconds to import
    assert main(["--quick", "--out", str(tmp_path)]) == 0
    table = pd.read_csv(tmp_path / "speed.csv")
    assert set(table["against"]) >= {
        "scikit-learn MLPClassifier",
        "the single network",
        "its matrix products and update alone",
        "plain SGD",
        "Keras fit",
        "Keras fit on arrays",
        "as many Keras fits",
    }
    assert (table["ours"].drop(table.index[table["unit"] == "MB"]) > 0).all()
    np.testing.assert_allclose(table["ratio"], table["ours"] / table["theirs"], rtol=1e-3)
    curves = pd.read_csv(tmp_path / "scaling.csv")
    assert list(curves["axis"].unique()) == [
        "epochs",
        "replicates",
        "width, scratch",
        "width, matrix products",
        "samples",
    ]
    assert (tmp_path / "speed.md").read_text(encoding="utf-8").strip() in capsys.readouterr().out
    assert {path.name for path in tmp_path.glob("*.png")} == {"ratios.png", "scaling.png"}


def test_a_missing_peer_and_a_missed_bar_are_told():
    row = Measure("step", "peer", "us", 3.0, 2.0, 1.5, 1.4, 1.0)
    text = markdown([row, row._replace(ratio=0.5)], [], {"machine": "one"}, ["pytorch"])
    assert "1 of 2 bars met" in text
    assert "Not installed, so not measured: pytorch." in text
    assert "| 1.5 | 1.4 | 1 | **missed** |" in text
    assert "| 0.5 | 1.4 | 1 | met |" in text


def test_threads_are_limited_for_every_library_and_only_inside():
    before, cores = dict(os.environ), os.sched_getaffinity(0)
    with environment.limited_threads(1):
        assert {os.environ[name] for name in environment.VARIABLES} == {"1"}
        assert len(os.sched_getaffinity(0)) == 1
    assert dict(os.environ) == before
    assert os.sched_getaffinity(0) == cores


def test_no_host_name_is_told():
    assert os.uname().nodename not in " ".join(environment.describe(1).values())


def test_matched_pairs_do_match():
    assert measures.matched_pairs(2, 3) < 1e-5


def test_a_bad_number_of_threads_is_told(capsys):
    with pytest.raises(SystemExit):
        main(["--threads", "0"])
    assert "--threads must be a positive integer. Received: 0" in capsys.readouterr().err
