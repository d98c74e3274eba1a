"""The parity matrix: the matched and the unseeded question, asked of every cell of a grid of settings."""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from dataclasses import asdict, dataclass
from itertools import product
from typing import Any, Literal

import numpy as np
import pandas as pd
from scipy import stats

from compare.agreement import parity
from compare.agreement.comparison import compare_runs
from compare.data.dataset import Dataset
from compare.errors import InputError
from compare.experiments.experiment import FEWEST
from compare.experiments.grid import DRAWERS, Cell, Sweep
from compare.experiments.judgement import judge_pairs
from compare.experiments.pair import Course, train_pair, trajectory
from compare.experiments.part import Advance, Found, Status
from compare.experiments.parts import Finished, Job, described
from compare.experiments.replicates import Procedure, replicate_table
from compare.phrases import visible
from compare.recipe.protocol import MEASURES
from compare.runs.provenance import command_line
from compare.sides.quiet_keras import load_keras
from compare.sides.sides import initial_weights
from compare.work import engine
from compare.work.companion import Companion
from compare.work.place import HERE, Place

KERAS_SHARD = 100  # replicates; the scratch side's are one stack
DECISIVE = ("largest", "nearest", "tolerance", "judged_by", "what")
ALPHA = 0.05  # how often an unseeded cell of equal sides may be called different


@dataclass(frozen=True)
class Swept:
    """What a sweep found.

    Attributes
    ----------
    table : DataFrame
        One row a cell: its settings, `verdict`, and what that rests on.
    trajectories : DataFrame
        cell, side, replicate, epoch, loss, accuracy.
    failures : list of engine.Failure
    """

    table: pd.DataFrame
    trajectories: pd.DataFrame
    failures: list[engine.Failure]


def shards(sweep: Sweep, datasets: dict[str, Dataset]) -> list[engine.Shard]:
    """Cut a sweep into shards: the matched cells of one graph; some replicates of one side of an unseeded cell."""
    groups: dict[tuple[Any, ...], list[Cell]] = {}
    for cell in sweep.cells():
        groups.setdefault((cell.mode, *cell.graph), []).append(cell)
    found: list[engine.Shard] = []
    for (mode, data, *_), cells in groups.items():
        dataset = datasets[data]
        if mode == "matched":
            name, group = f"matched-{cells[0].cell:05d}", (tuple(cells), dataset, sweep)
            found += engine.cut(name, matched_table, group, cells[0].sequence(""), len(cells), len(cells), heavy=True)
            continue
        for cell, side in product(cells, ("keras", "scratch")):
            size = KERAS_SHARD if side == "keras" else sweep.replicates
            name, one = f"unseeded-{cell.cell:05d}-{side}", (cell, side, dataset, sweep)
            found += engine.cut(name, unseeded_table, one, cell.sequence(side), sweep.replicates, size, heavy=True)
    return found


def matched_table(
    cells: tuple[Cell, ...], dataset: Dataset, sweep: Sweep, seeds: list[np.random.SeedSequence]
) -> pd.DataFrame:
    """Train both sides of matched cells that share a graph; each draws from its own seed, `seeds` are not needed.

    Returns
    -------
    DataFrame
        cell, side, replicate (0), epoch, loss, accuracy, and in every row of a cell its verdict, the share of
        epochs that was decided, and its decisive comparison: largest, nearest, tolerance, judged_by, what.
    """
    pairs = []
    for cell in cells:
        architecture, protocol = cell.architecture(dataset, sweep), cell.protocol(sweep.epochs)
        start = initial_weights(architecture, cell.seed, DRAWERS[cell.initializer])
        orders = protocol.orders(cell.sequence("orders"), dataset.n)
        pairs.append(train_pair(Course(architecture, dataset, protocol, orders, start)))
    judgements = judge_pairs(pairs, [cell.sequence("floor") for cell in cells])
    tables = []
    for cell, pair, found in zip(cells, pairs, judgements, strict=True):
        decisive = max(found.rows, key=_excess, default={})
        judged = {name: decisive.get(name) for name in DECISIVE}
        judged |= {"verdict": found.verdict, "decided": found.decided / sweep.epochs}
        for side, (loss, accuracy) in pair.trajectories.items():
            tables.append(trajectory(loss, accuracy, cell=cell.cell, side=side, **judged))
    return pd.concat(tables, ignore_index=True)


def _excess(row: dict[str, Any]) -> tuple[bool, float]:
    return not row["passed"], float(parity.excess(row["nearest"], row["tolerance"]))


def unseeded_table(
    cell: Cell, side: str, dataset: Dataset, sweep: Sweep, seeds: list[np.random.SeedSequence]
) -> pd.DataFrame:
    """Train replicates of one side of an unseeded cell: cell, side, replicate, epoch, loss, accuracy."""
    load_keras()  # by a worker's first shard, whatever it is: workers that grow much after that are restarted
    procedure = Procedure(side, cell.initializer, cell.protocol(sweep.epochs))
    table = replicate_table(cell.architecture(dataset, sweep), dataset, procedure, False, seeds)
    return table.assign(cell=cell.cell, side=side)


def run_sweep(
    sweep: Sweep,
    datasets: dict[str, Dataset],
    advance: Callable[[int], None] = lambda runs: None,
    finished: MutableMapping[str, pd.DataFrame] | None = None,
    place: Place = HERE,
    begun: engine.Begun | None = None,
) -> Swept:
    """Run every cell of the grid.

    Parameters
    ----------
    sweep : Sweep
    datasets : dict of str to Dataset
        By the names in `sweep.data`.
    advance : callable
        Called with the number of runs just finished, of `sum(map(len, shards(...)))`.
    finished, place
        As for `run_unseeded`.
    begun : engine.Begun, optional
        The same `shards`, which a companion has begun with.

    Returns
    -------
    Swept
    """
    finished = {} if finished is None else finished
    cut = shards(sweep, datasets)
    failures = engine.run(cut, finished, place, advance, begun)
    parts = [finished[shard.name] for shard in cut if shard.name in finished]
    if not parts:
        raise InputError(f"`data` must train somewhere. Every cell failed: {failures[-1].traceback.splitlines()[-1]}")
    joined = pd.concat(parts, ignore_index=True)
    by_cell: dict[Any, pd.DataFrame] = dict(iter(joined.groupby("cell")))
    rows = [
        asdict(cell) | {"data": visible(cell.data)} | _judged(cell, by_cell.get(cell.cell), sweep, datasets[cell.data])
        for cell in sweep.cells()
    ]
    columns = ["cell", "side", "replicate", "epoch", "loss", "accuracy"]
    return Swept(pd.DataFrame(rows), joined[columns], failures)


def _judged(cell: Cell, runs: pd.DataFrame | None, sweep: Sweep, dataset: Dataset) -> dict[str, Any]:
    """Return a cell's verdict and what it rests on; "missing" if its runs failed."""
    if runs is None:
        return {"verdict": "missing"}
    if cell.mode == "matched":
        return {name: runs[name].iloc[0] for name in ("verdict", "decided", *DECISIVE)}
    measured = (
        runs.loc[runs["side"] == side, measure].to_numpy(np.float64).reshape(-1, sweep.epochs)
        for side, measure in product(("scratch", "keras"), MEASURES)
    )
    scratch_loss, scratch_accuracy, keras_loss, keras_accuracy = measured
    left = {"replicates_scratch": len(scratch_loss), "replicates_keras": len(keras_loss)}
    if min(left.values()) < FEWEST:
        return {"verdict": "missing", **left}
    rng = np.random.default_rng(cell.sequence("permutation test"))
    sides = scratch_loss, scratch_accuracy, keras_loss, keras_accuracy
    architecture = cell.architecture(dataset, sweep)
    chance = dataset.chance_loss(architecture.loss, architecture.outputs)
    found = compare_runs(*sides, rng=rng, chance=chance, alpha=ALPHA, draws=0)
    loss = found.scalars["final_loss"]
    return {
        "verdict": found.verdict,
        "what": ", ".join(found.differing or found.undecided or found.apart),
        "final_loss_difference": loss.difference,
        "final_loss_margin": loss.margin,
        "replicates_80_in_mean": found.replicates_80_in_mean,
        **left,
    }


def matrix_verdict(table: pd.DataFrame) -> tuple[Literal["yes", "no", "open"], str]:
    """Return a sweep's verdict, as `verdict.Verdict` has it, from its table.

    Equal sides are called different in a few unseeded cells by chance, in each with probability `ALPHA` at most: only
    more than that, by a binomial test, counts.
    """
    counts = {mode: of["verdict"].value_counts() for mode, of in table.groupby("mode")}
    told, bad, undecided = [], False, False
    if "matched" in counts:
        verdicts = counts["matched"]
        told.append(f"matched: {verdicts.get('parity', 0)} of {verdicts.sum()} cells in parity")
        words = {"parity in part": "more as far as it could be decided", "undecidable": "undecidable"}
        told[-1] += "".join(f", {verdicts[verdict]} {each}" for verdict, each in words.items() if verdict in verdicts)
        bad |= "no parity" in verdicts
        undecided |= "undecidable" in verdicts
    if "unseeded" in counts:
        verdicts = counts["unseeded"]
        told.append("unseeded: " + ", ".join(f"{count} {verdict}" for verdict, count in verdicts.items()))
        judged = int(verdicts.drop("missing", errors="ignore").sum())
        if different := int(verdicts.get("different", 0)):
            more = stats.binomtest(different, judged, ALPHA, alternative="greater").pvalue <= ALPHA
            told[-1] += f" of {judged}, {'more' if more else 'no more'} than chance explains"
            bad |= more
        undecided |= "inconclusive" in verdicts
    undecided |= bool((table["verdict"] == "missing").any())
    return "no" if bad else "open" if undecided else "yes", "; ".join(told)


class SweepPart:
    """A sweep as the one part of its job."""

    def __init__(
        self, sweep: Sweep, datasets: dict[str, Dataset], finished: MutableMapping[str, pd.DataFrame], place: Place
    ) -> None:
        self.sweep, self.datasets, self.finished, self.place = sweep, datasets, finished, place
        self.shards = shards(sweep, datasets)
        self.size, self.here = sum(map(len, self.shards)), place.here
        self.title = f"{len(sweep.cells())} cells"
        self._begun: engine.Begun | None = None

    def begin(self, beside: Companion) -> None:
        """Let a companion begin with the cells."""
        self._begun = engine.begin(self.shards, self.finished, beside)

    def run(self, advance: Advance, beside: Companion) -> Found:
        """Run what is left of the grid, and judge it."""
        swept = run_sweep(self.sweep, self.datasets, advance, self.finished, self.place, self._begun)
        state, words = matrix_verdict(swept.table)
        tables = {"sweep.csv": swept.table, "trajectories.parquet": swept.trajectories}
        undecidable = bool((swept.table["verdict"] == "undecidable").any())
        status = Status.NO if state == "no" else Status.UNDECIDABLE if undecidable else Status.YES
        return Found(status, {"state": state, "words": words}, tables, failures=swept.failures)


def sweep_job(sweep: Sweep, datasets: dict[str, Dataset], finished: Finished, place: Place) -> Job:
    """Return the job of the command `sweep`."""
    manifest = {
        "kind": "sweep",
        "command": command_line(("sweep",), asdict(sweep), asdict(Sweep())),
        "config": asdict(sweep),
        "data": [described(each) | {"name": name} for name, each in datasets.items()],
    }
    sums = {name: each.sha256 for name, each in datasets.items()}
    return Job([SweepPart(sweep, datasets, finished, place)], asdict(sweep), sums, manifest)
