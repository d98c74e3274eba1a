"""The commands `list` and `show`: past runs, one run, or what changed between two."""

import json
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter
from rich.console import Console

from compare import history, record
from compare.errors import InputError
from compare.findings import Column, Table
from compare.progress import width

Json = Annotated[bool, Parameter(name="--json", negative="")]


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
    found = [
        entry
        for entry in history.entries(out)
        if kind in (None, entry.kind)
        and data in (None, *entry.data.split(", "), entry.data)
        and (verdict is None or verdict.casefold() in entry.verdict.casefold())
    ]
    found = sorted(found[-newest:] if newest else found, key=lambda entry: getattr(entry, sort))
    if as_json:
        print(json.dumps(history.as_dicts(found), indent=2))
        return 0
    columns = (Column("run", "{:d}"), *map(Column, ("started (UTC)", "kind", "data", "verdict")))
    rows: list[tuple[Any, ...]] = [
        (
            entry.number,
            entry.started[:16].replace("T", " "),
            entry.kind,
            entry.data,
            entry.verdict if entry.status == "complete" else f"{entry.status}: {entry.verdict}",
        )
        for entry in found
    ]
    _print(Table(f"Runs in {out}", columns, rows))
    return 0


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
    folder = history.find(run, out)
    if cell is not None:
        from compare.sweep_command import draw_cell

        return draw_cell(record.read(folder), cell, out, as_json)
    if other is None:
        found = record.read(folder)
        if as_json:
            print(json.dumps(found.manifest, indent=2))
        else:
            _show(found)
        return 0
    names = folder, history.find(other, out)
    changed = history.changes(*map(history.manifest_of, names))
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
        _print(Table("What changed", columns, rows, grouped=True))
    else:
        print("Nothing changed: the same settings, data, versions and verdicts.")
    return 0


def _show(run: record.Run) -> None:
    from compare import summary

    console = Console(width=width())
    console.print(f"{run.manifest['command']}\n", style="bold", highlight=False, soft_wrap=True)
    if run.manifest["kind"] == "run":
        summary.tell(run, run.folder, console)
    elif run.manifest["kind"] == "check":
        print((run.folder / "report.txt").read_text(encoding="utf-8"), end="")
    elif run.manifest["kind"] == "sweep":
        from compare.sweep_command import tell

        tell(run, run.folder, console)
    else:
        console.print(f"Plots and report: {run.folder}", soft_wrap=True)


def _told(value: Any) -> str:
    return "-" if value is None else " ".join(map(str, value)) if isinstance(value, list) else str(value)


def _print(table: Table) -> None:
    from compare.summary import shown

    Console(width=width()).print(shown(table))
