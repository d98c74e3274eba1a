"""The commands `list` and `show`: past runs, one run, or what changed between two."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from compare.commands.options import Json
from compare.errors import InputError
from compare.phrases import visible
from compare.show.terminal.lines import say

if TYPE_CHECKING:
    from compare.runs.record import Run


def list_runs(
    *,
    out: Path = Path("results"),
    kind: str | None = None,
    data: str | None = None,
    verdict: str | None = None,
    sort: Literal["number", "started", "kind", "data", "verdict"] = "number",
    newest: int | None = None,
    as_json: Json = False,
) -> int:
    """List past runs, from their manifests.

    Examples: `keras-parity list --kind run --data wine`, `keras-parity list --verdict different --sort data`.

    Parameters
    ----------
    out
        The folder of runs.
    kind
        Only runs of this command: run, check, sweep, report.
    data
        Only runs on this data set.
    verdict
        Only runs whose verdict has these words in it.
    sort
        number, started, kind, data or verdict.
    newest
        Only that many, the newest.
    as_json
        Print JSON.
    """
    if newest is not None and newest < 1:
        raise InputError(f"`newest` must be a positive integer. Received: {newest}")
    from compare.runs import history

    found = [
        entry
        for entry in history.entries(out)
        if kind in (None, entry.kind)
        and data in (None, *entry.data.split(", "), entry.data)
        and (verdict is None or verdict.casefold() in entry.verdict.casefold())
    ]
    found = sorted(found[-newest:] if newest else found, key=lambda entry: getattr(entry, sort))
    if as_json:
        print(json.dumps([asdict(entry) for entry in found], indent=2))
        return 0
    rows = [("run", "started (UTC)", "kind", "data", "verdict")] + [
        (
            str(entry.number),
            entry.started[:16].replace("T", " "),
            entry.kind,
            entry.data,
            entry.verdict if entry.status == "complete" else f"{entry.status}: {entry.verdict}",
        )
        for entry in found
    ]
    _print_aligned([tuple(map(visible, row)) for row in rows])
    return 0


def _print_aligned(rows: list[tuple[str, ...]]) -> None:
    """Print a line a row, in columns: a table for thousands of rows, which a library takes seconds to lay out."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def show(
    run: str,
    other: str | None = None,
    /,
    *,
    cell: int | None = None,
    out: Path = Path("results"),
    as_json: Json = False,
) -> int:
    """Show a past run, or what changed from one to another: settings, data, versions, verdicts.

    Examples: `keras-parity show 3`, `keras-parity show 3 results/0007-run-20261123T101502Z`,
    `keras-parity show 4 --cell 17`.

    Parameters
    ----------
    run
        The run's folder, or its number.
    other
        Another one.
    cell
        A sweep's cell, by its number: its trajectories are drawn into a folder of their own.
    out
        The folder of runs.
    as_json
        Print JSON: the run's manifest, or the changes.
    """
    from compare.runs import history, manifests, record
    from compare.runs.findings import Column, Table
    from compare.show.terminal.tables import print_table

    folder = history.find(run, out)
    if cell is not None:
        return _draw_cell(record.read(folder), cell, out, as_json)
    if other is None:
        found = record.read(folder)
        if as_json:
            print(json.dumps(found.manifest, indent=2))
            return 0
        return _show(found)
    names = folder, history.find(other, out)
    changed = history.changes(*(manifests.read(name)[0] for name in names))
    if as_json:
        told = {
            section: [dict(zip(("what", "one", "other"), each, strict=True)) for each in values]
            for section, values in changed.items()
        }
        print(json.dumps(told, indent=2))
        return 0
    rows: list[tuple[Any, ...]] = [
        (section, what, _told(one), _told(two)) for section, values in changed.items() for what, one, two in values
    ]
    columns = tuple(Column(name) for name in ("", "what", names[0].name, names[1].name))
    if rows:
        print_table(Table("What changed", columns, rows, grouped=True))
    else:
        say("Nothing changed: the same settings, data, versions and verdicts.")
    return 0


def _draw_cell(run: Run, cell: int, out: Path, as_json: bool) -> int:
    """Draw a cell's trajectories into a folder of their own, and print what the sweep says of it.

    Raises
    ------
    InputError
        If the run is no sweep, or has no such cell.
    """
    if run.manifest["kind"] != "sweep":
        raise InputError(f"`cell` is a sweep's. Received: {run.folder}, a {run.manifest['kind']}; leave it out")
    table = run.tables["sweep"]
    found = table[table["cell"] == cell]
    if found.empty:
        raise InputError(f"`cell` must be from 0 to {table['cell'].max()}. Received: {cell}")
    from compare.runs.recorder import recording
    from compare.show.afterwards import Afterwards
    from compare.show.figures import heat_map
    from compare.show.figures.drawing import save

    with recording(out, "cell") as recorder:
        recorder.manifest = {
            "kind": "report",
            "command": f"keras-parity show {run.folder} --cell {cell}",
            "run": run.manifest,
        }
    told = {name: value for name, value in json.loads(found.to_json(orient="records"))[0].items() if value is not None}
    told |= {"trajectories": str(recorder.finished / "cell.png")}
    after = Afterwards(recorder.finished, again=run.folder)
    with after.each("drawing"):
        save(heat_map.draw_cell(run, cell), recorder.finished / "cell")
    if as_json:
        print(json.dumps(told, indent=2))
    else:
        say("\n".join(f"{name}: {value}" for name, value in told.items()))
    return 2 if after.failed else 0


def _show(run: Run) -> int:
    from compare.show.afterwards import Afterwards
    from compare.show.terminal import summary

    say(f"{run.manifest['command']}\n", "bold")
    after = Afterwards(run.folder)
    with after.each("telling"):
        if run.manifest["kind"] == "check":
            say((run.folder / "report.txt").read_text(encoding="utf-8").rstrip("\n"))
        elif run.manifest["kind"] in summary.TABLES:
            summary.tell(run, run.folder)
        else:
            say(f"Plots and report: {run.folder}")
    return 2 if after.failed else 0


def _told(value: Any) -> str:
    return "-" if value is None else " ".join(map(str, value)) if isinstance(value, list) else str(value)
