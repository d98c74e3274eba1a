"""What a recorded run found, told on a terminal, from its tables alone."""

import json
from collections.abc import Callable
from pathlib import Path

from rich.console import Console

from compare.runs import findings
from compare.runs.record import REPORT, Run
from compare.show.terminal import sweep
from compare.show.terminal.tables import console, shown


def tell(run: Run, folder: Path, *, quiet: bool = False, as_json: bool = False) -> None:
    """Print a run's tables, its verdict and where its report is; quiet: without the tables; or all as JSON."""
    verdict, report, terminal = findings.verdict(run), folder / REPORT, console()
    if as_json:
        told = {"verdict": verdict.words, **run.manifest["verdicts"], "run": str(folder), "report": str(report)}
        print(json.dumps(told, indent=2))
        return
    if not quiet:
        TABLES.get(run.manifest["kind"], _tables)(run, terminal)
    terminal.print(f"Verdict: {verdict.words}", style="bold", soft_wrap=True)
    if not quiet:
        terminal.print(f"Plots and numbers: {folder}", soft_wrap=True)
        if run.manifest["kind"] == "sweep":
            terminal.print(f"One cell: keras-parity show {folder} --cell 0", soft_wrap=True)
    terminal.print(f"Report: {report}", soft_wrap=True)


def _tables(run: Run, terminal: Console) -> None:
    if "parity" in run.tables or "article_parity" in run.tables:
        terminal.print(shown(findings.verdicts(run)))
    if "article_table" in run.tables:
        terminal.print(shown(findings.published(run)))
        terminal.print(shown(findings.depth(run)))
        step = run.manifest["verdicts"]["article"]["first_wrong_step"]
        terminal.print(
            f"The article's network is not in parity with Keras: its update is wrong from step {step + 1} on "
            f"(step {step} is right)."
            if step is not None
            else "The article's bug was not found!"
        )
    if "unseeded_tests" in run.tables:
        terminal.print(shown(findings.unseeded(run)))
    terminal.print()


TABLES: dict[str, Callable[[Run, Console], None]] = {"run": _tables, "sweep": sweep.tables}
