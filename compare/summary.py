"""What a run found, told on a terminal, from its recorded tables alone."""

import json
from pathlib import Path
from typing import Literal

from rich.console import Console
from rich.table import Table as Shown

from compare import findings
from compare.record import Run

REPORT = "report.html"


Style = Literal["tables", "quiet", "json"]


def style(quiet: bool, as_json: bool) -> Style:
    """Return how to tell: as JSON if that is wanted, quiet or not."""
    return "json" if as_json else "quiet" if quiet else "tables"


def tell(run: Run, folder: Path, console: Console, how: Style = "tables") -> None:
    """Print a run's tables, its verdict and where its report is; quiet: without the tables; or all as JSON."""
    verdict, report = findings.verdict(run), folder / REPORT
    if how == "json":
        told = {"verdict": verdict.words, **run.manifest["verdicts"], "run": str(folder), "report": str(report)}
        print(json.dumps(told, indent=2))
        return
    if how == "tables":
        _print_tables(run, console)
    console.print(f"Verdict: {verdict.words}", style="bold", soft_wrap=True)
    if how == "tables":
        console.print(f"Plots and numbers: {folder}", soft_wrap=True)
    console.print(f"Report: {report}", soft_wrap=True)


def _print_tables(run: Run, console: Console) -> None:
    if "parity" in run.tables or "article_parity" in run.tables:
        console.print(shown(findings.verdicts(run)))
    if "article_table" in run.tables:
        console.print(shown(findings.published(run)))
        console.print(shown(findings.depth(run)))
        step = run.manifest["verdicts"]["article"]["first_wrong_step"]
        console.print(
            f"The article's network is not in parity with Keras: its update is wrong from step {step} on "
            f"(steps count from 0; step 0 is right)."
            if step is not None
            else "The article's bug was not found!"
        )
    if "unseeded_tests" in run.tables:
        console.print(shown(findings.unseeded(run)))
    console.print()


def shown(table: findings.Table) -> Shown:
    """A table for the terminal; a grouped one opens each group in bold and names it once."""
    found = Shown(title=table.title, title_justify="left")
    for column in table.columns:
        found.add_column(column.name, justify="right" if column.right else "left")
    group = None
    for row, texts in zip(table.rows, table.texts, strict=True):
        opens = table.grouped and row[0] != group
        if opens:
            found.add_section()
        found.add_row(*([""] if table.grouped and not opens else texts[:1]), *texts[1:], style="bold" if opens else "")
        group = row[0]
    return found
