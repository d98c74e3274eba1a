"""Writes a check into a run's folder, like any other run: its report, its table, its figure."""

from pathlib import Path
from typing import Any

import pandas as pd

from compare.check.report import values, words
from compare.check.report.verdict import Outcome
from compare.runs import provenance
from compare.runs.record import Run
from compare.runs.recorder import recording

MAPPED = ["file", "line", "function", "name", "quantity", "factor", "right"]
COLUMNS = ["what", "step", "layer", "tensor", "max_abs", "tolerance", "ratio", "passed"]


def record_check(report: Outcome, out: Path, subject: str, command: str) -> Path:
    """Write manifest.json, check.csv, code_map.csv, report.txt, report.html and the figure; return the run's folder.

    Raises
    ------
    InputError
        If the folder cannot be written to.
    """
    # With Matplotlib, for which a check that is not recorded need not wait.
    from compare.show.figures.drawing import draw
    from compare.show.page import page

    with recording(out, "check") as recorder:
        table = pd.DataFrame(values.rows(report), columns=COLUMNS)
        recorder.table("check.csv", table)
        recorder.table("code_map.csv", pd.DataFrame(values.code_map(report), columns=MAPPED))
        (recorder.folder / "report.txt").write_text(words.text(report) + "\n", encoding="utf-8")
        recorder.manifest = manifest(report, subject, command)
        recorder.finish()
        found = recorder.read()
        draw(found, recorder.folder)
        page.write(found, recorder.folder)
    return recorder.finished


def as_run(report: Outcome, subject: str = "this network") -> Run:
    """A check that was not recorded, as the run that it would have been."""
    table = pd.DataFrame(values.rows(report), columns=COLUMNS)
    mapped = pd.DataFrame(values.code_map(report), columns=MAPPED)
    told = {**manifest(report, subject, "check_parity(...)"), "files": {}}
    return Run(Path(), told, {"check": table, "code_map": mapped})


def manifest(report: Outcome, subject: str, command: str) -> dict[str, Any]:
    """What a check's folder says of it."""
    data = report.data
    return {
        "kind": "check",
        "command": command,
        "subject": subject,
        "data": {"name": data.name, "n": data.n, "sha256": data.sha256},
        "code": provenance.code(),
        "env": provenance.environment(),
        "report": values.to_json(report),
        "sources": values.sources(report),
        "verdicts": {"passed": report.passed, "verdict": report.verdict},
    }
