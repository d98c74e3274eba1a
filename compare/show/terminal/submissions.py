"""A class that was checked, told on a terminal: a table, and the verdict."""

from collections.abc import Sequence
from pathlib import Path

from compare.runs import findings
from compare.runs.record import REPORT, Run
from compare.runs.submissions import Submission, class_verdict
from compare.show.terminal.lines import say
from compare.show.terminal.tables import print_table


def tell(rows: Sequence[Submission], folder: Path | None, quiet: bool = False) -> None:
    """Print a row for each network, the verdict and where the page is; quiet: without the rows."""
    if not quiet:
        print_table(findings.submissions(map(vars, rows)))
    say(f"Verdict: {class_verdict(rows).words}", "bold")
    if folder is not None:
        say(f"Report: {folder / REPORT}")


def tables(run: Run) -> None:
    """Print the table of a recorded class."""
    print_table(findings.submissions(findings.records(run.tables["class"])))
