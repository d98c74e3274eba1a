"""A run's figures, from its recorded tables alone: reduces them to arrays, arranges the axes, and says the finding."""

import io
import textwrap
from collections.abc import Callable
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator, StrMethodFormatter
from numpy.typing import NDArray

from compare.agreement import parity
from compare.recipe.protocol import MEASURES, Protocol
from compare.runs import findings, whole
from compare.runs.record import Run
from compare.show.figures import plots, style
from compare.show.figures.check_map import draw_check
from compare.show.figures.style import LABELS, STARTS, STYLE
from compare.show.gaps import gaps, largest
from compare.work.companion import ALONE, Companion, Shared


def figures(run: Run) -> dict[str, Callable[[], Figure]]:
    """Return, by name, every figure that the run's tables allow, not drawn yet."""
    found: dict[str, Callable[[], Figure]] = {}
    if "parity" in run.tables:
        found |= {measure: partial(_curves, run, measure) for measure in findings.measures(run.tables["trajectories"])}
        found["gap"] = partial(_gaps, run)
    if "unseeded" in run.tables:
        found["unseeded"] = partial(_bands, run)
        found["final"] = partial(_final, run)
    if "article" in run.tables:
        found["article"] = partial(_article, run)
    if len(run.tables.get("check", ())):
        found["check"] = partial(_check, run)
    if "sweep" in run.tables:
        from compare.show.figures import heat_map

        found["heat_map"] = partial(heat_map.draw, run)
    return found


class Drawn(NamedTuple):
    """A figure that was drawn, or why it was not: a failure is a value too, so that the others are drawn."""

    name: str
    failure: str = ""


def begin_drawing(run: Run, folder: Path, beside: Companion = ALONE) -> Shared[Drawn]:
    """Let a companion begin to draw every figure, as PNG and SVG; the `results` say what came of each."""
    return beside.share(draw_one, [(run, folder, name) for name in figures(run)])


def draw_one(run: Run, folder: Path, name: str) -> Drawn:
    """Draw one figure."""
    try:
        with mpl.rc_context(fname=STYLE):
            save(figures(run)[name](), folder / name)
    except Exception as error:  # whatever it is: a run's numbers and its other figures do not go with it
        return Drawn(name, f"{type(error).__name__}: {error}")
    return Drawn(name)


def save(figure: Figure, path: Path) -> None:
    """Write PNG and SVG, without their endings in `path`; laid out once, where `savefig` draws each file twice."""
    png, svg = io.BytesIO(), io.StringIO()
    with mpl.rc_context(fname=STYLE):
        figure.set_dpi(mpl.rcParams["savefig.dpi"])
        FigureCanvasAgg(figure).print_png(png, pil_kwargs={"compress_level": 4})
        figure.set_layout_engine("none")
        FigureCanvasSVG(figure).print_svg(svg, metadata={"Date": None})
    whole.write(path.with_name(f"{path.name}.png"), png.getvalue())
    whole.write_text(path.with_name(f"{path.name}.svg"), svg.getvalue())


def _check(run: Run) -> Figure:
    return draw_check(run.tables["check"], "\n".join(textwrap.wrap(run.manifest["report"]["headline"], 110)))


def _figure(rows: int, columns: int, **settings: Any) -> tuple[Figure, NDArray[Any]]:
    figure = Figure(figsize=(0.8 + 4.4 * columns, 1.1 + 2.6 * rows))
    return figure, figure.subplots(rows, columns, squeeze=False, **settings)


def _finish(figure: Figure, labelled: Axes, finding: str) -> Figure:
    """Put one legend below the panels, and the finding above them."""
    handles, labels = labelled.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=4)
    figure.suptitle(finding, x=0.01, ha="left", fontsize=11)
    return figure


def _log(ax: Axes) -> None:
    """A log axis whose ticks read 0.2, 0.5, 1, 2, 5."""
    ax.set_yscale("log")
    ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    ax.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    ax.yaxis.set_minor_locator(NullLocator())


def _protocol(run: Run, name: str) -> str:
    protocol = run.manifest["protocols"][name]
    return f"{name} protocol: {Protocol(**protocol)}"


def _curves(run: Run, measure: str) -> Figure:
    """Both sides' first pair, in the widest dtype, for each start and protocol."""
    table, judged = run.tables["trajectories"], run.tables["parity"]
    dtype = sorted(table["dtype"].unique())[-1]
    first = table[(table["dtype"] == dtype) & (table["replicate"] == 0)]
    judged = judged[(judged["what"] == measure) & (judged["dtype"] == dtype)]
    protocols = list(first["protocol"].unique())
    figure, axes = _figure(len(STARTS), len(protocols), sharex="col", sharey=True)
    for (row, start), (column, protocol) in product(enumerate(STARTS), enumerate(protocols)):
        ax = axes[row, column]
        part = first[(first["protocol"] == protocol) & (first["drawn_by"] == start)]
        values = {side: part.loc[part["side"] == side, measure].to_numpy() for side in style.SIDES}
        plots.curves(ax, np.arange(len(values["keras"])), values)
        ax.set_title(f"{_protocol(run, protocol)}\n{STARTS[start]}")
        ax.set_xlabel("epoch" if row == len(STARTS) - 1 else "")
        ax.set_ylabel(LABELS[measure] if column == 0 else "")
        if measure == "loss":
            _log(ax)
    most = largest(run, measure, dtype)
    found = f"the same {measure} at every epoch" if judged["passed"].all() else f"{measure} differs"
    gap = f"largest gap {most:.1e}" if most else "not one bit apart"
    return _finish(figure, axes[0, 0], f"Scratch and Keras on {run.manifest['data']['name']}: {found} ({gap}, {dtype})")


def _gaps(run: Run) -> Figure:
    """For each dtype and protocol the pair whose gap is nearest to its tolerance, and all pairs' largest gaps."""
    table, judged = run.tables["trajectories"], run.tables["parity"]
    dtypes, protocols = list(table["dtype"].unique()), list(table["protocol"].unique())
    figure, axes = _figure(len(dtypes), len(protocols), sharex="col", sharey="row")
    for (row, dtype), (column, protocol) in product(enumerate(dtypes), enumerate(protocols)):
        ax, epsilon = axes[row, column], float(np.finfo(dtype).eps)
        plots.gaps(ax, gaps(run, dtype=dtype, protocol=protocol), epsilon, smallest=epsilon / 30)
        ax.set_title(f"{dtype}, {_protocol(run, protocol)}")
        ax.set_xlabel("epoch" if row == len(dtypes) - 1 else "")
        ax.set_ylabel("|scratch - Keras|, loss" if column == 0 else "")
    judged = judged[judged["what"] == "loss"]
    inside = f"{judged['passed'].sum()} of {len(judged)} pairs within tolerance"
    return _finish(figure, axes[0, 0], f"The gap is rounding: {inside}" if judged["passed"].all() else f"Only {inside}")


def _unseeded(run: Run) -> list[tuple[str, str, dict[str, pd.DataFrame]]]:
    """Each setting with its verdict and, by side, its runs as (replicates x epochs) columns loss and accuracy."""
    tests = run.tables["unseeded_tests"]
    verdicts = tests[tests["outcome"] == "all"].set_index("setting")["verdict"]
    return [(name, verdicts[name], sides) for name, sides in findings.settings(run).items()]


def _bands(run: Run) -> Figure:
    """Median and range of every setting's replicates, against the weight updates made."""
    settings, measures = _unseeded(run), findings.measures(run.tables["unseeded"])
    figure, axes = _figure(len(measures), len(settings), sharex="col", sharey="row")
    for (row, measure), (column, (name, verdict, sides)) in product(enumerate(measures), enumerate(settings)):
        ax = axes[row, column]
        for side, runs in sides.items():
            low, median, high = runs[measure].quantile([0, 0.5, 1]).to_numpy()
            updates = np.arange(runs[measure].shape[1]) * findings.steps(run, run.manifest["settings"][name][side][1])
            plots.band(ax, updates, low, median, high, side)
        ax.set_ylabel(LABELS[measure] if column == 0 else "")
        if measure == "loss":
            _log(ax)
            ax.set_title(f"{name}: {verdict}")
        if measure == measures[-1]:
            ax.set_xlabel("weight updates")
    return _finish(figure, axes[0, 0], f"Unseeded runs, {len(settings[0][2]['keras'])} a side: {_findings(settings)}")


def _findings(settings: list[tuple[str, str, dict[str, pd.DataFrame]]]) -> str:
    return "; ".join(f"{name}, {verdict}" for name, verdict, _ in settings)


def _final(run: Run) -> Figure:
    """Final loss and accuracy of every setting's replicates."""
    settings, measures = _unseeded(run), findings.measures(run.tables["unseeded"])
    figure, axes = _figure(len(measures), len(settings), sharex="row", sharey="row")
    for row, measure in enumerate(measures):
        ends = [{side: runs[measure].to_numpy()[:, -1] for side, runs in sides.items()} for *_, sides in settings]
        bins = np.linspace(
            *_range(np.concatenate([end for sides in ends for end in sides.values()]), measure), 31
        ).tolist()
        for column, sides in enumerate(ends):
            ax = axes[row, column]
            medians = {side: float(np.median(values)) for side, values in sides.items()}
            plots.distributions(ax, {side: np.clip(v, bins[0], bins[-1]) for side, v in sides.items()}, bins, medians)
            title = "medians: " + ", ".join(f"{style.NAMES[side]} {median:.3f}" for side, median in medians.items())
            ax.set_title(f"{settings[column][0]}\n{title}" if row == 0 else title)
            ax.set_xlabel(f"final {LABELS[measure]}")
            ax.set_ylabel("runs" if column == 0 else "")
    return _finish(figure, axes[0, 0], f"Where unseeded runs end: {_findings(settings)}")


def _range(pooled: NDArray[np.floating], measure: str) -> tuple[float, float]:
    """The axis: all accuracies; losses up to their 99.5th percentile, the last bin holding what lies beyond."""
    finite = pooled[np.isfinite(pooled)]
    if measure == "accuracy" or not finite.size:
        return 0.0, 1.0
    return float(finite.min()), float(np.quantile(finite, 0.995)) + 1e-9


def _article(run: Run) -> Figure:
    """The published points over the curves of the reproduced article."""
    table, rows = run.tables["article"], run.tables["article_table"]
    figure, axes = _figure(1, len(MEASURES))
    for ax, measure in zip(axes[0], MEASURES, strict=True):
        runs = {str(name): part.sort_values("epoch")[measure].to_numpy() for name, part in table.groupby("network")}
        epochs = np.arange(len(runs["keras"]))
        plots.article(ax, epochs, runs, rows["epoch"].to_numpy(), rows[f"published_{measure}"].to_numpy())
        ax.set(xlabel="epoch", ylabel=LABELS[measure])
    _log(axes[0, 0])
    worst = parity.gap(rows["published_loss"], rows["article_loss"]).max()
    finding = f"The article's rows come back to {worst:.0e}, with its bug; without it the network trains as Keras does"
    return _finish(figure, axes[0, 0], finding)
