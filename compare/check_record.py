"""Writes a check into a run's folder, like any other run: its report, its table, its figure."""

import textwrap
from pathlib import Path

import matplotlib as mpl
import pandas as pd

from compare import provenance
from compare.check_plots import draw_check
from compare.check_report import Report
from compare.drawing import STYLE
from compare.record import finished, recording

COLUMNS = ["what", "step", "layer", "tensor", "max_abs", "tolerance", "ratio", "passed"]


def record_check(report: Report, out: Path, subject: str) -> Path:
    """Write manifest.json, check.csv, report.txt and the figure; return the run's folder.

    Raises
    ------
    InputError
        If the folder cannot be written to.
    """
    with recording(out, "check") as recorder:
        table = pd.DataFrame(report.rows(), columns=COLUMNS)
        recorder.table("check.csv", table)
        (recorder.folder / "report.txt").write_text(f"{report}\n", encoding="utf-8")
        if len(table):
            with mpl.rc_context(fname=STYLE):
                figure = draw_check(table, "\n".join(textwrap.wrap(report.headline, 110)))
                figure.savefig(recorder.folder / "check.png")
                figure.savefig(recorder.folder / "check.svg", metadata={"Date": None})
        data = report.data
        recorder.manifest = {
            "kind": "check",
            "command": f"keras-parity check {subject}",
            "subject": subject,
            "data": {"name": data.name, "n": data.n, "sha256": data.sha256},
            "code": provenance.code(),
            "env": provenance.environment(),
            "report": report.to_json(),
            "verdicts": {"passed": report.passed, "verdict": report.verdict},
        }
    return finished(recorder)
