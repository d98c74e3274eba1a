"""The command `sweep`: the parity matrix from the shell; recorded, drawn and judged."""

import json
from dataclasses import asdict, fields
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter
from rich.console import Console

from compare import provenance, record, summary
from compare.companion import Companion, companion
from compare.data import load
from compare.errors import InputError
from compare.findings import Column, Table
from compare.place import Place, usual_place
from compare.progress import progress, width
from compare.summary import Style, style

Many = Parameter(consume_multiple=True, negative="")
WRONG = ("no parity", "different", "missing")
SHOWN = 20  # cells of these that the terminal lists


def sweep(
    *,
    data: Annotated[tuple[str, ...] | None, Many] = None,
    layers: Annotated[tuple[str, ...] | None, Many] = None,
    initializers: Annotated[tuple[Literal["glorot_uniform", "uniform"], ...] | None, Many] = None,
    batch_sizes: Annotated[tuple[int, ...] | None, Many] = None,
    learning_rates: Annotated[tuple[float, ...] | None, Many] = None,
    dtypes: Annotated[tuple[Literal["float32", "float64"], ...] | None, Many] = None,
    seeds: Annotated[tuple[int, ...] | None, Many] = None,
    modes: Annotated[tuple[Literal["matched", "unseeded"], ...] | None, Many] = None,
    epochs: int | None = None,
    replicates: int | None = None,
    standardise: bool | None = None,
    workers: int | None = None,
    scheduler: str | None = None,
    resume: Path | None = None,
    out: Path = Path("results"),
    as_json: Annotated[bool, Parameter(name="--json", negative="")] = False,
    quiet: Annotated[bool, Parameter(negative="")] = False,
) -> int:
    """Ask of every cell of a grid of settings whether the sides agree: one table, one heat map.

    Examples: `keras-parity sweep --workers 2`, `keras-parity sweep --data digits --layers 32 32-16 --modes matched`.

    Parameters
    ----------
    data
        Data sets: iris, wine, breast_cancer, digits, or paths of CSV files. Default: iris wine breast_cancer.
    layers
        Stacks of hidden units, joined by dashes. Default: 6-10-8 16.
    initializers
        Who draws the weights. Default: both.
    batch_sizes
        Batch sizes, 0 for the whole data set. Default: 0 32.
    learning_rates
        SGD's step sizes. Default: 0.01 0.1.
    dtypes
        Default: both; unseeded cells have the first.
    seeds
        Where the randomness comes from. Default: 0 1; unseeded cells have the first.
    modes
        matched, unseeded. Default: both.
    epochs
        Epochs of every run. Default: 20.
    replicates
        Unseeded runs a side. Default: 300.
    standardise
        Bring every feature to zero mean and unit variance. Default: yes.
    workers
        Processes that run the cells. Default: one for every 500 runs, at most one a core.
    scheduler
        Address of a Dask scheduler whose workers run them instead, as tcp://HOST:8786.
    resume
        Go on with an interrupted sweep, with its settings: its folder, *.partial.
    out
        The folder for the run's folder.
    as_json
        Print the verdict and the report's path as JSON.
    quiet
        Print the verdict and the report's path alone.
    """
    from compare.grid import Sweep  # not for --help: it takes a second
    from compare.sweep import shards

    names = {field.name for field in fields(Sweep)}
    given = {name: value for name, value in locals().items() if name in names and value is not None}
    if resume is not None:
        if given:
            raise InputError(
                f"`resume` takes the settings of the run. Received: {', '.join(given)} too; leave them out"
            )
        given = record.interrupted(resume, "sweep")
    settings = Sweep(**given)
    datasets = {name: load(name, standardise=settings.standardise) for name in settings.data}
    runs = sum(map(len, shards(settings, datasets)))
    place = usual_place(runs, workers, scheduler)
    with record.recording(out, "sweep", resume) as recorder, companion(place.companion) as beside:
        return _perform(settings, datasets, recorder, place, beside, runs, style(quiet, as_json))


def _perform(
    settings: Any,
    datasets: dict[str, Any],
    recorder: record.Recorder,
    place: Place,
    beside: Companion,
    runs: int,
    how: Style,
) -> int:
    from compare import report
    from compare.drawing import draw
    from compare.engine import begin
    from compare.reference import load_keras
    from compare.sweep import judge, run_sweep, shards

    recorder.begin(asdict(settings), {name: each.sha256 for name, each in datasets.items()})
    begun = begin(shards(settings, datasets), recorder.shards, beside)
    with progress(quiet=how == "quiet") as stage:
        if place.here:
            with stage("loading TensorFlow", 1):
                load_keras()
        with stage(f"{len(settings.cells())} cells", runs) as advance:
            swept = run_sweep(settings, datasets, advance, recorder.shards, place, begun)
        state, words = judge(swept.table)
        recorder.table("sweep.csv", swept.table)
        recorder.table("trajectories.parquet", swept.trajectories)
        recorder.manifest = {
            "kind": "sweep",
            "command": provenance.command_line(("sweep",), asdict(settings), asdict(type(settings)())),
            "config": asdict(settings),
            "data": [{"name": name, "n": each.n, "sha256": each.sha256} for name, each in datasets.items()],
            "code": provenance.code(),
            "env": provenance.environment(),
            "failures": [failure.record() for failure in swept.failures],
            "missing": sum(len(failure.shard) for failure in swept.failures),
            "verdicts": {"passed": state != "no", "state": state, "words": words},
        }
        recorder.finish()
        with stage("drawing", 1):
            found = recorder.read()
            draw(found, recorder.folder)
            report.write(found, recorder.folder)
    tell(found, record.finished(recorder), Console(width=width()), how)
    return 1 if state == "no" else 0


def tell(run: record.Run, folder: Path, console: Console, how: Style = "tables") -> None:
    """Print a sweep's table, the cells to look at, its verdict and where the rest is; or less, as `summary.tell`."""
    if how != "tables":
        summary.tell(run, folder, console, how)
        return
    table = run.tables["sweep"]
    counts = table.pivot_table("cell", ["mode", "data", "layers"], "verdict", "count", fill_value=0, sort=False)
    columns = tuple(Column(str(name)) for name in counts.index.names) + tuple(
        Column(str(name), "{:d}") for name in counts.columns
    )
    rows = [(*names, *map(int, of)) for names, of in zip(counts.index, counts.to_numpy(), strict=True)]
    console.print(summary.shown(Table(f"Parity matrix: {len(table)} cells, by verdict", columns, rows)))
    bad: Any = table[table["verdict"].isin(WRONG)]
    for cell in bad.head(SHOWN).itertuples():
        console.print(f"cell {cell.cell}: {cell.verdict} ({cell.what}); {_setting(cell)}", soft_wrap=True)
    if len(bad) > SHOWN:
        console.print(f"... and {len(bad) - SHOWN} more: sweep.csv has all")
    console.print(f"\nVerdict: {run.manifest['verdicts']['words']}", style="bold")
    console.print(f"Heat map and numbers: {folder}\nOne cell: keras-parity show {folder} --cell 0", soft_wrap=True)
    console.print(f"Report: {folder / summary.REPORT}", soft_wrap=True)


def _setting(cell: Any) -> str:
    batches = f"batches of {cell.batch_size}" if cell.batch_size else "full batch"
    names = (cell.mode, cell.data, cell.layers, cell.initializer, batches, f"rate {cell.learning_rate:g}", cell.dtype)
    return ", ".join([*names, f"seed {cell.seed}"])


def draw_cell(run: record.Run, cell: int, out: Path, as_json: bool) -> int:
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
    from compare import heat_map
    from compare.drawing import save

    with record.recording(out, "cell") as recorder:
        save(heat_map.draw_cell(run, cell), recorder.folder / "cell")
        recorder.manifest = {
            "kind": "report",
            "command": f"keras-parity show {run.folder} --cell {cell}",
            "run": run.manifest,
        }
    told = {name: value for name, value in json.loads(found.to_json(orient="records"))[0].items() if value is not None}
    told |= {"trajectories": str(record.finished(recorder) / "cell.png")}
    print(json.dumps(told, indent=2) if as_json else "\n".join(f"{name}: {value}" for name, value in told.items()))
    return 0
