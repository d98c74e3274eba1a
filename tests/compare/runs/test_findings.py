from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from compare.runs import findings
from compare.runs.findings import Column, Table
from compare.runs.record import Run
from compare.runs.verdict import verdict


def run_with(verdicts, **tables):
    return Run(Path("0001-run"), {"verdicts": verdicts}, tables)


@pytest.mark.parametrize(
    ("verdicts", "state", "words"),
    [
        ({"passed": True, "article": {}}, "yes", "parity holds"),
        ({"passed": False, "article": {}}, "no", "parity does NOT hold"),
        ({"passed": True, "unseeded": {"as published": "different", "a": "equivalent"}}, "yes", "equivalent"),
        ({"passed": True, "unseeded": {"a": "equivalent", "b": "inconclusive"}}, "open", "inconclusive"),
        ({"passed": True, "unseeded": {"a": "different", "b": "inconclusive"}}, "no", "different"),
        ({"passed": True}, "open", "nothing was compared"),
    ],
)
def test_the_verdict_never_says_more_than_was_compared(verdicts, state, words):
    found = verdict({"verdicts": verdicts}, {})
    assert found.state == state
    assert words in found.words


def test_the_verdict_says_how_many_replicates_are_missing():
    run = Run(Path("0001-run"), {"kind": "run", "verdicts": {"unseeded": {"a": "equivalent"}}, "missing": 9}, {})
    assert "are equivalent, without 9 replicates that failed" in verdict(run.manifest, run.tables).words


def test_a_case_shows_its_worst_pair_in_units_of_the_tolerance():
    rows = {"what": "loss", "protocol": "keras", "dtype": "float64", "drawn_by": "scratch"}
    parity = pd.DataFrame(
        [
            {
                **rows,
                "replicate": 0,
                "largest": 9e-9,
                "nearest": 9e-9,
                "tolerance": 1e-8,
                "passed": True,
                "judged_by": "noise floor",
            },
            {
                **rows,
                "replicate": 1,
                "largest": 4e-13,
                "nearest": 2e-13,
                "tolerance": 1e-13,
                "passed": False,
                "judged_by": "bar",
            },
        ]
    )
    (row,) = findings.verdicts(run_with({}, parity=parity)).rows
    assert row == ("loss", "keras", "float64", 2, 9e-9, 2e-13, 1e-13, "FAIL")
    (row,) = findings.verdicts(run_with({}, parity=parity.assign(what="fit = compiled"))).rows
    assert row[0] == "Keras's own fit (up to 10 epochs), bit for bit"


@pytest.mark.parametrize(
    ("passed", "expected", "verdict"),
    [(True, True, "pass"), (False, True, "FAIL"), (False, False, "differs"), (True, False, "FAIL: not found")],
)
def test_what_must_differ_fails_if_it_does_not(passed, expected, verdict):
    row = {"what": "loss", "dtype": "float64", "largest": 0.1, "nearest": 0.1, "tolerance": 0.2}
    article = pd.DataFrame([{**row, "passed": passed, "expected": expected}])
    (found,) = findings.verdicts(run_with({}, article_parity=article)).rows
    assert found[-1].startswith(verdict)


def test_a_difference_that_the_correction_undoes_is_inconclusive():
    row = {"setting": "s", "outcome": "final_loss", "difference": 1.0, "low": 0.5, "high": 1.5, "margin": 0.7}
    row |= {"distance_bound": 0.2}
    tests = pd.DataFrame([{**row, "verdict": "different", "p_adjusted": p, "alpha": 0.05} for p in (0.01, 0.2)])
    verdicts = [each[-1] for each in findings.unseeded(run_with({}, unseeded_tests=tests)).rows]
    assert verdicts == ["different", "inconclusive (corrected)"]


def test_tests_of_whole_curves_are_told_where_they_differ_or_all():
    row = {"setting": "s", "outcome": "loss curve", "difference": np.nan, "p_adjusted": 0.5, "alpha": np.nan}
    tests = pd.DataFrame([{**row, "verdict": "no difference shown"}, {**row, "verdict": "different"}])
    run = run_with({}, unseeded_tests=tests)
    assert len(findings.unseeded(run).rows) == 1
    assert len(findings.unseeded(run, every_test=True).rows) == 2


def test_empty_and_zero_cells_are_shown_plainly():
    table = Table("t", (Column("name"), Column("gap", findings.SMALL)), [("a", 0.0), ("b", None), ("c", 2e-16)])
    assert table.texts == [["a", "0"], ["b", ""], ["c", "2.0e-16"]]


def test_speed_is_told_side_by_side():
    rows = [
        {"protocol": "keras", "dtype": "float64", "side": side, "microseconds": of}
        for side, of in (("scratch", 40.0), ("keras", 100.0))
    ]
    run = Run(Path("0001-run"), {"verdicts": {}, "speed": rows, "keras_training": "fit"}, {})
    assert findings.speed(run).rows == [("keras", "float64", 40.0, 100.0, 2.5)]
