"""What a recorded run found, told on a terminal, from its tables alone."""

import json
from collections.abc import Callable
from pathlib import Path

from compare.runs import findings
from compare.runs.record import REPORT, Run
from compare.runs.verdict import verdict
from compare.show.terminal import submissions, sweep
from compare.show.terminal.lines import say
from compare.show.terminal.tables import print_table


def tell(run: Run, folder: Path, *, quiet: bool = False, as_json: bool = False) -> None:
    """Print a run's tables, its verdict and where its report is; quiet: without the tables; or all as JSON."""
    found, report = verdict(run.manifest, run.tables), folder / REPORT
    if as_json:
        told = {"verdict": found.words, **run.manifest["verdicts"], "run": str(folder), "report": str(report)}
        print(json.dumps(told, indent=2))
        return
    if not quiet:
        TABLES.get(run.manifest["kind"], _tables)(run)
    say(f"Verdict: {found.words}", "bold")
    if not quiet:
        say(f"Plots and numbers: {folder}")
        if run.manifest["kind"] == "sweep":
            say(f"One cell: keras-parity show {folder} --cell 0")
    if report.is_file():
        say(f"Report: {report}")


def _tables(run: Run) -> None:
    if "parity" in run.tables or "article_parity" in run.tables:
        print_table(findings.verdicts(run))
    if "article_table" in run.tables:
        print_table(findings.published(run))
        print_table(findings.depth(run))
        step = run.manifest["verdicts"]["article"]["first_wrong_step"]
        say(
            f"The article's network is not in parity with Keras: its update is wrong from step {step + 1} on "
            f"(step {step} is right)."
            if step is not None
            else "The article's bug was not found!"
        )
    if "unseeded_tests" in run.tables:
        print_table(findings.unseeded(run))
    say("")


TABLES: dict[str, Callable[[Run], None]] = {"run": _tables, "sweep": sweep.tables, "class": submissions.tables}
