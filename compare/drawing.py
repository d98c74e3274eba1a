"""A run's figures, from its recorded tables alone: reduces them to arrays, arranges the axes, and says the finding."""

from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray

from compare import parity, plots
from compare.record import Run

STYLE = Path(__file__).with_name("keras_parity.mplstyle")
DRAWN_BY = {"scratch": "U(-1, 1) start", "keras": "Glorot start"}
MEASURES = {"loss": "loss (cross-entropy, nats)", "accuracy": "accuracy (share of samples)"}


def draw(run: Run, folder: Path) -> list[Path]:
    """Draw every figure that the run's tables allow, as PNG and SVG, into a folder; return the PNGs' paths."""
    figures: dict[str, Figure] = {}
    with mpl.rc_context(fname=STYLE):
        if "parity" in run.tables:
            figures |= {measure: _curves(run, measure) for measure in MEASURES}
            figures["gap"] = _gaps(run)
        if "unseeded" in run.tables:
            figures["unseeded"] = _bands(run)
            figures["final"] = _final(run)
        if "article" in run.tables:
            figures["article"] = _article(run)
        for name, figure in figures.items():
            figure.savefig(folder / f"{name}.png")
            figure.savefig(folder / f"{name}.svg", metadata={"Date": None})
    return [folder / f"{name}.png" for name in figures]


def _figure(rows: int, columns: int, height: float, **settings: Any) -> tuple[Figure, NDArray[Any]]:
    figure = Figure(figsize=(1.2 + 4.4 * columns, height))
    return figure, figure.subplots(rows, columns, squeeze=False, **settings)


def _protocol(run: Run, name: str) -> str:
    protocol = run.manifest["protocols"][name]
    batches = "full batch" if protocol["batch_size"] is None else f"shuffled batches of {protocol['batch_size']}"
    return f"{name} protocol: {protocol['epochs']} epochs, {batches}"


def _curves(run: Run, measure: str) -> Figure:
    """Both sides' first pair, in the widest dtype, for each protocol and start."""
    table, judged = run.tables["trajectories"], run.tables["parity"]
    dtype = sorted(table["dtype"].unique())[-1]
    first = table[(table["dtype"] == dtype) & (table["replicate"] == 0)]
    judged = judged[(judged["what"] == measure) & (judged["dtype"] == dtype)]
    protocols = list(first["protocol"].unique())
    figure, axes = _figure(1, len(protocols), 3.9, sharey=True)
    for ax, protocol in zip(axes[0], protocols, strict=True):
        for drawn_by, name in DRAWN_BY.items():
            part = first[(first["protocol"] == protocol) & (first["drawn_by"] == drawn_by)]
            values = {side: part.loc[part["side"] == side, measure].to_numpy() for side in plots.SIDES}
            epochs = np.arange(len(values["keras"]))
            plots.curves(ax, epochs, values, label=drawn_by == "scratch")
            middle = len(epochs) // (3 if drawn_by == "scratch" else 2)
            ax.annotate(name, (epochs[middle], values["keras"][middle]), xytext=(0, 9), textcoords="offset points", fontsize=9)
        ax.set(title=_protocol(run, protocol), xlabel="epoch")
        if measure == "loss":
            ax.set_yscale("log")
    axes[0, 0].set_ylabel(MEASURES[measure])
    axes[0, -1].legend(loc="best")
    worst = judged["max_abs"].max()
    same = f"the same {measure} at every epoch" if judged["passed"].all() else f"{measure} differs"
    figure.suptitle(
        f"Scratch and Keras on {run.manifest['data']['name']}: {same} (largest gap {worst:.1e}, {dtype})",
        x=0.01,
        ha="left",
        fontsize=11,
    )
    return figure


def _gaps(run: Run) -> Figure:
    """Every pair's loss gap, over the noise floor, for each dtype and protocol."""
    table, floors, judged = run.tables["trajectories"], run.tables["noise_floor"], run.tables["parity"]
    dtypes, protocols = list(table["dtype"].unique()), list(table["protocol"].unique())
    figure, axes = _figure(len(dtypes), len(protocols), 0.9 + 2.9 * len(dtypes), sharey="row")
    for (row, dtype), (column, protocol) in ((a, b) for a in enumerate(dtypes) for b in enumerate(protocols)):
        ax, epsilon = axes[row, column], float(np.finfo(dtype).eps)
        part = table[(table["dtype"] == dtype) & (table["protocol"] == protocol)]
        wide = part.pivot_table("loss", ["drawn_by", "replicate"], ["side", "epoch"], dropna=False)
        gap = parity.gap(wide["scratch"], wide["keras"])
        floor = floors[(floors["dtype"] == dtype) & (floors["protocol"] == protocol)].groupby("epoch")["loss"].max()
        plots.gaps(ax, gap, floor.to_numpy(), epsilon, parity.BARS[dtype], smallest=epsilon / 30)
        ax.set_title(f"{dtype}, {_protocol(run, protocol)}")
        ax.set_xlabel("epoch" if row == len(dtypes) - 1 else "")
        ax.set_ylabel("|scratch - Keras|, loss (nats)" if column == 0 else "")
    axes[0, -1].legend(loc="upper right", bbox_to_anchor=(1, 0.93), ncols=2)
    judged = judged[judged["what"] == "loss"]
    inside = f"{judged['passed'].sum()} of {len(judged)} pairs within tolerance"
    figure.suptitle(f"The gap is rounding: {inside}" if judged["passed"].all() else f"Only {inside}", x=0.01, ha="left")
    return figure


def _unseeded(run: Run) -> list[tuple[str, str, dict[str, pd.DataFrame]]]:
    """Each setting with its verdict and, by side, its runs as (replicates x epochs) columns loss and accuracy."""
    table, tests = run.tables["unseeded"], run.tables["unseeded_tests"]
    found = []
    for name, setting in run.manifest["settings"].items():
        sides = {}
        for side in plots.SIDES:
            initializer, protocol = setting[side]
            of_side = table[(table["side"] == side) & (table["initializer"] == initializer)]
            sides[side] = of_side[of_side["protocol"] == protocol].pivot(
                index="replicate", columns="epoch", values=list(MEASURES)
            )
        verdict = tests.loc[(tests["setting"] == name) & (tests["outcome"] == "all"), "verdict"].item()
        found.append((name, verdict, sides))
    return found


def _bands(run: Run) -> Figure:
    """Median and range of every setting's replicates, against the weight updates made."""
    settings = _unseeded(run)
    figure, axes = _figure(len(MEASURES), len(settings), 5.8, sharey="row")
    for column, (name, verdict, sides) in enumerate(settings):
        for row, measure in enumerate(MEASURES):
            ax = axes[row, column]
            for side, runs in sides.items():
                low, median, high = runs[measure].quantile([0, 0.5, 1]).to_numpy()
                updates = np.arange(len(median)) * _steps(run, run.manifest["settings"][name][side][1])
                plots.band(ax, updates, low, median, high, side)
            ax.set_ylabel(MEASURES[measure] if column == 0 else "")
        axes[0, column].set_yscale("log")
        axes[0, column].set_title(f"{name}: {verdict}")
        axes[1, column].set_xlabel("weight updates")
    axes[1, -1].legend(loc="lower right")
    replicates = len(settings[0][2]["keras"])
    figure.suptitle(f"Unseeded runs, {replicates} a side", x=0.01, ha="left", fontsize=11)
    return figure


def _steps(run: Run, protocol: str) -> int:
    n, batch_size = run.manifest["data"]["n"], run.manifest["protocols"][protocol]["batch_size"]
    return 1 if batch_size is None else -(-n // batch_size)


def _final(run: Run) -> Figure:
    """Final loss and accuracy of every setting's replicates."""
    settings = _unseeded(run)
    figure, axes = _figure(len(MEASURES), len(settings), 5.8, sharex="row", sharey="row")
    for row, measure in enumerate(MEASURES):
        ends = [{side: runs[measure].iloc[:, -1].to_numpy() for side, runs in sides.items()} for _, _, sides in settings]
        pooled = np.concatenate([end for setting in ends for end in setting.values()])
        bins = np.linspace(*_range(pooled, measure), 31)
        for column, end in enumerate(ends):
            ax = axes[row, column]
            medians = {side: float(np.median(values)) for side, values in end.items()}
            plots.distributions(ax, {side: np.clip(v, bins[0], bins[-1]) for side, v in end.items()}, bins, medians)
            ax.set_xlabel(f"final {MEASURES[measure]}")
            ax.set_ylabel("runs" if column == 0 else "")
            ax.legend(loc="upper right" if measure == "loss" else "upper left")
    for column, (name, verdict, _) in enumerate(settings):
        axes[0, column].set_title(f"{name}: {verdict}")
    figure.suptitle("Where unseeded runs end", x=0.01, ha="left", fontsize=11)
    return figure


def _range(pooled: NDArray[np.floating], measure: str) -> tuple[float, float]:
    """The axis: all accuracies; losses up to their 99.5th percentile, the last bin holding what lies beyond."""
    finite = pooled[np.isfinite(pooled)]
    if measure == "accuracy" or not finite.size:
        return 0.0, 1.0
    return float(finite.min()), float(np.quantile(finite, 0.995)) + 1e-9


def _article(run: Run) -> Figure:
    """The published points over the curves of the reproduced article."""
    table, rows = run.tables["article"], run.tables["article_table"]
    figure, axes = _figure(1, len(MEASURES), 3.9)
    for ax, measure in zip(axes[0], MEASURES, strict=True):
        runs = {name: part.sort_values("epoch")[measure].to_numpy() for name, part in table.groupby("network")}
        epochs = np.arange(len(runs["keras"]))
        plots.article(ax, epochs, runs, rows["epoch"].to_numpy(), rows[f"published_{measure}"].to_numpy())
        ax.set(xlabel="epoch", ylabel=MEASURES[measure])
    axes[0, 0].set_yscale("log")
    axes[0, 1].legend(loc="lower right")
    worst = parity.gap(rows["published_loss"], rows["article_loss"]).max()
    figure.suptitle(
        f"The article's rows come back to {worst:.0e}, and only with its bug; without it the network is Keras's",
        x=0.01,
        ha="left",
        fontsize=11,
    )
    return figure
