"""A sweep's section: the matrix of verdicts, and the trajectories of its cells, those that do not agree first."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

import pandas as pd

from compare.runs import findings, verdict
from compare.runs.findings import COLUMNS, ROWS, cell_in_words, said
from compare.runs.record import Run
from compare.show.figures import style
from compare.show.page.bands import curves
from compare.show.page.parts import Answer, Listing, Matrix, MatrixCell, Reading, Section, State, View

MATCHED: dict[str, State] = {"parity": "yes", "parity in part": "open", "no parity": "no", "undecidable": "open"}
STATES: dict[str, State] = {**MATCHED, "missing": "open", **verdict.STATES}
OPENED = 200  # cells whose trajectories are in the page; more would make it too large to send


def section(run: Run) -> Section | None:
    """Return the section, if the run is a sweep."""
    if run.manifest.get("kind") != "sweep":
        return None
    table = run.tables["sweep"]
    looks = table["verdict"].map(STATES).map({"no": 0, "open": 1, "yes": 2})
    first = table.assign(looks=looks).sort_values("looks", kind="stable")["cell"][:OPENED]
    runs = dict(iter(run.tables["trajectories"].groupby("cell")))
    opened = [cell for cell in first.tolist() if cell in runs]
    settings = {row.cell: row for row in _rows(table)}
    modes = [mode for mode in COLUMNS if (table["mode"] == mode).any()]
    left = f" The page holds the trajectories of {len(opened)} cells." if len(opened) < len(table) else ""
    return Section(
        name="sweep",
        title=f"The parity matrix: {len(table)} cells",
        lead="Each cell asks one question of one combination of settings: matched, whether both sides stay together; "
        f"unseeded, whether they are equivalent. Choose a cell to see its trajectories.{left}",
        agree=[_answer(mode, table[table["mode"] == mode], run.manifest["verdicts"]["state"]) for mode in modes],
        sure=_sure(table),
        keys=[(f"line {side}", style.NAMES[side]) for side in style.SIDES],
        views=[_view(settings[cell], runs[cell]) for cell in opened],
        listings=[_listing(table[table["mode"] == mode], mode) for mode in modes],
        matrices=[_matrix(table[table["mode"] == mode], mode, opened) for mode in modes],
    )


def _answer(mode: str, table: pd.DataFrame, overall: str) -> Answer:
    counts = table["verdict"].value_counts()
    states = ["yes" if verdict == "parity in part" else STATES[verdict] for verdict in counts.index]
    state: State = "no" if "no" in states else "open" if "open" in states else "yes"
    if mode == "unseeded" and state == "no" and overall != "no":
        state = "open"  # no more of them than chance explains
    words = ", ".join(f"{count} {verdict}" for verdict, count in counts.items())
    return Answer(state, f"{mode.capitalize()}, {len(table)} cells", f"{words}.")


def _sure(table: pd.DataFrame) -> list[Answer]:
    found = []
    matched = table[table["mode"] == "matched"]
    if len(matched):
        by_floor = int((matched["judged_by"] == "noise floor").sum())
        words = "What is tolerated of a matched cell goes with how far rounding alone moves it: "
        words += f"{by_floor or 'none'} of {len(matched)} drift by more than the least that is taken for granted."
        found.append(Answer("note", "Against rounding alone", words))
    unseeded = table[table["mode"] == "unseeded"]
    if len(unseeded):
        runs = unseeded[["replicates_scratch", "replicates_keras"]].min().min()
        needed = unseeded["replicates_80_in_mean"].max()
        words = "Of unseeded cells with equal sides at most 5% are called different, by chance; only more counts. "
        words += f"There are {runs:.0f} runs a side"
        words += (
            f"; {needed:.0f} are enough to show equal sides to be equivalent in mean with a probability of 80%."
            if pd.notna(needed)
            else "."
        )
        found.append(Answer("note", "How many runs", words))
    return found


def _rows(table: pd.DataFrame) -> Iterable[Any]:
    return table.itertuples()


def _view(cell: Any, runs: pd.DataFrame) -> View:
    sides = {
        side: runs[runs["side"] == side].pivot(index="replicate", columns="epoch", values=["loss", "accuracy"])
        for side in style.SIDES
    }
    charts, rows, last, columns = curves(sides, dict.fromkeys(sides, 1), "epoch")
    verdict = cell.verdict + (f", {cell.decided:.0%} of epochs decided" if cell.verdict == "parity in part" else "")
    title = f"cell {cell.cell}, {cell.mode}: {verdict} ({cell_in_words(cell)})"
    choice = {"cell": f"{cell.cell}, {cell.mode}: {verdict} ({cell_in_words(cell)})"}
    return View(title, choice, charts, Reading("epoch", last, columns, rows))


def _matrix(table: pd.DataFrame, mode: str, opened: list[int]) -> Matrix:
    names = COLUMNS[mode]
    above = list(dict.fromkeys(table[list(names)].itertuples(index=False, name=None)))
    header = []
    for depth, name in enumerate(names, 1):
        spans = Counter(place[:depth] for place in above)  # in order: the sweep's own
        header.append([(said(name, place[-1]), span) for place, span in spans.items()])
    places = {cell: nth for nth, cell in enumerate(opened)}
    rows = []
    for row, of_row in table.groupby(list(ROWS), sort=False):
        cells = {
            tuple(getattr(cell, name) for name in names): MatrixCell(
                f"cell {cell.cell}: {cell.verdict}", STATES[cell.verdict], places.get(cell.cell)
            )
            for cell in _rows(of_row)
        }
        rows.append((", ".join(map(str, row)), [cells.get(place) for place in above]))
    return Matrix(f"{mode.capitalize()}: verdicts", header, rows)


def _listing(table: pd.DataFrame, mode: str) -> Listing:
    decisive = {
        "matched": {"decided": "{:.0%}", "largest": findings.SMALL, "nearest": findings.SMALL, "tolerance": "{:.0e}"},
        "unseeded": {"final_loss_difference": findings.NUMBER, "final_loss_margin": findings.NUMBER},
    }[mode]
    forms = {"cell": "{:d}", **dict.fromkeys((*ROWS, *COLUMNS["matched"]), "{}"), **decisive, "verdict": "{}"}
    forms |= {"batch_size": "{:d}", "learning_rate": "{:g}", "seed": "{:d}"}
    rows: list[tuple[Any, ...]] = [
        tuple(None if pd.isna(value) else value for value in row)
        for row in table[list(forms)].itertuples(index=False, name=None)
    ]
    columns = tuple(findings.Column(name.replace("_", " "), form) for name, form in forms.items())
    return Listing(
        findings.Table(f"{mode.capitalize()} cells", columns, rows), [STATES[row[-1]] for row in rows], folded=True
    )
