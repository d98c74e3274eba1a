"""What a run found, as tables for a terminal, from its recorded tables alone."""

from pathlib import Path

import pandas as pd
from rich.console import Console
from rich.table import Table

from compare.record import Run


def print_run(run: Run, folder: Path, console: Console) -> None:
    """Print the verdict table, the article table, the unseeded verdicts and where the plots are."""
    if "parity" in run.tables or "article_parity" in run.tables:
        console.print(verdict_table(run))
    if "article_table" in run.tables:
        console.print(article_table(run.tables["article_table"]))
        console.print(depth_table(run.tables["article"]))
        step = run.manifest["verdicts"]["article"]["first_wrong_step"]
        console.print(
            f"The article's network is not in parity with Keras: its update is wrong from step {step} on "
            f"(steps count from 0; step 0 is right)."
            if step is not None
            else "The article's bug was not found!"
        )
    if "unseeded_tests" in run.tables:
        console.print(unseeded_table(run.tables["unseeded_tests"]))
    passed = run.manifest["verdicts"]["passed"]
    console.print(f"\nVerdict: {'parity holds' if passed else 'parity does NOT hold'}", style="bold")
    console.print(f"Plots and numbers: {folder}", soft_wrap=True)


def verdict_table(run: Run) -> Table:
    """What, protocol, dtype, largest difference, tolerance, pass or fail."""
    table = Table(title="Parity", title_justify="left")
    for name in ("what", "protocol", "dtype"):
        table.add_column(name)
    for name in ("pairs", "largest difference", "tolerance"):
        table.add_column(name, justify="right")
    table.add_column("verdict")
    if "parity" in run.tables:
        frame = run.tables["parity"].assign(
            excess=lambda rows: rows["max_abs"] / rows["tolerance"].clip(1e-300)
        )
        for (what, protocol, dtype), rows in frame.groupby(["what", "protocol", "dtype"], sort=False):
            worst = rows.loc[rows["excess"].idxmax()]
            judged = ", by its noise floor" if worst["judged_by"] == "noise floor" else ""
            table.add_row(
                what,
                protocol,
                dtype,
                str(rows.groupby(["drawn_by", "replicate"]).ngroups),
                f"{worst['max_abs']:.1e}",
                f"{worst['tolerance']:.0e}",
                ("pass" if rows["passed"].all() else "FAIL") + judged,
            )
    for row in run.tables.get("article_parity", pd.DataFrame()).itertuples():
        verdict = "pass" if row.passed else "FAIL"
        if not row.expected:
            verdict = "FAIL: not found" if row.passed else "differs, as it must"
        table.add_row(
            row.what, "article", row.dtype, "", f"{row.max_abs:.1e}", f"{row.tolerance:.0e}", verdict
        )
    return table


def article_table(frame: pd.DataFrame) -> Table:
    """The ten published rows beside what is measured here."""
    table = Table(title="The article, reproduced: loss (accuracy)", title_justify="left")
    table.add_column("epoch", justify="right")
    names = {
        "published": "published",
        "article": "its recipe, here",
        "without_the_bug": "without the bug",
        "keras": "Keras",
    }
    for title in names.values():
        table.add_column(title, justify="right")
    table.add_column("recipe - published", justify="right")
    for _, row in frame.iterrows():
        cells = [f"{row[f'{name}_loss']:.6f} ({row[f'{name}_accuracy']:.4f})" for name in names]
        table.add_row(f"{row['epoch']:.0f}", *cells, f"{row['article_loss'] - row['published_loss']:.0e}")
    return table


def depth_table(frame: pd.DataFrame) -> Table:
    """The depth experiment: with and without the 10-unit layer, at the last published epoch."""
    table = Table(
        title='"Leaving the 10-unit layer out lowers accuracy": measured at epoch 180', title_justify="left"
    )
    for name in ("network", "6-8-10-3", "6-8-3"):
        table.add_column(name, justify="right" if name != "network" else "left")
    at = frame[frame["epoch"] == 180].set_index("network")["accuracy"]
    for name in ("article", "without the bug"):
        table.add_row(name, f"{at[name]:.4f}", f"{at[f'{name} 6-8-3']:.4f}")
    return table


def unseeded_table(frame: pd.DataFrame) -> Table:
    """Each setting's verdict, and each outcome's difference with its interval and margin."""
    table = Table(title="Unseeded: scratch less Keras", title_justify="left")
    for name in ("setting", "outcome"):
        table.add_column(name)
    for name in ("difference", "90 % interval", "margin"):
        table.add_column(name, justify="right")
    table.add_column("verdict")
    for setting, rows in frame.groupby("setting", sort=False):
        for row in rows.itertuples():
            if row.outcome == "all":
                table.add_section()
                table.add_row(f"[bold]{setting}[/bold]", "", "", "", "", f"[bold]{row.verdict}[/bold]")
            elif pd.notna(row.difference):
                interval = f"{row.low:.4f} to {row.high:.4f}"
                kept = row.verdict != "different" or row.p_adjusted <= row.alpha
                verdict = row.verdict if kept else "inconclusive (corrected)"
                table.add_row(
                    "", row.outcome, f"{row.difference:.4f}", interval, f"{row.margin:.4f}", verdict
                )
            elif row.verdict == "different":
                table.add_row("", row.outcome, f"p = {row.p_adjusted:.2g}", "", "", row.verdict)
    return table
