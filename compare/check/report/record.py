"""Writes a check into a run's folder, like any other run: its report, its table, its figure."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd

from compare.check.report import values, words
from compare.check.report.verdict import Outcome
from compare.phrases import visible
from compare.runs import provenance, whole
from compare.runs.record import Run
from compare.runs.recorder import recording
from compare.show.afterwards import NOT_EARLY, Afterwards, Early

MAPPED = ["file", "line", "function", "name", "quantity", "factor", "right"]
COLUMNS = ["what", "step", "layer", "tensor", "max_abs", "tolerance", "ratio", "passed"]


def record_check(
    report: Outcome,
    out: Path,
    subject: str,
    command: str,
    config: Mapping[str, Any] | None = None,
    begun: datetime | None = None,
    drawn: bool = True,
    early: Early = NOT_EARLY,
) -> Path:
    """Write manifest.json, check.csv, code_map.csv, report.txt, report.html and the figure; return the run's folder.

    `config` are the settings of the check, where it was asked for by a command; `begun` is when it began, in UTC. The
    figure takes as long as all else; one of many checks, not `drawn`, goes without. `early` may have drawn it by now.

    Raises
    ------
    InputError
        If the folder cannot be written to.
    """
    with recording(out, "check", begun=begun) as recorder:
        table = pd.DataFrame(values.rows(report), columns=COLUMNS)
        recorder.table("check.csv", table)
        recorder.table("code_map.csv", pd.DataFrame(values.code_map(report), columns=MAPPED))
        whole.write_text(recorder.folder / "report.txt", visible(words.text(report)) + "\n")
        recorder.manifest = manifest(report, subject, command) | ({"config": config} if config else {})
    Afterwards(recorder.finished).present(early.beside, drawn, early)
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
