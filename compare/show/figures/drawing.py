"""A run's figures, from its recorded tables alone: reduces them to arrays, arranges the axes, and says the finding."""

import io
from collections.abc import Callable
from functools import partial
from itertools import product
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from compare.agreement import parity
from compare.recipe.protocol import MEASURES, Protocol
from compare.runs import findings, whole
from compare.runs.record import Run
from compare.show.figures import panels, plots, style, unseeded
from compare.show.figures.check_map import draw_check
from compare.show.figures.style import LABELS, STARTS, STYLE
from compare.show.gaps import gaps, largest, of, which


def figures(run: Run) -> dict[str, Callable[[], Figure]]:
    """Return, by name, every figure that the run's tables allow, not drawn yet."""
    found: dict[str, Callable[[], Figure]] = {}
    if "parity" in run.tables:
        found |= {measure: partial(_curves, run, measure) for measure in findings.measures(run.tables["trajectories"])}
        found["gap"] = partial(_gaps, run)
    if "unseeded" in run.tables:
        found["unseeded"] = partial(unseeded.bands, run)
        found["final"] = partial(unseeded.final, run)
    if "article" in run.tables:
        found["article"] = partial(_article, run)
    if len(run.tables.get("check", ())):
        found["check"] = partial(_check, run)
    if "sweep" in run.tables:
        from compare.show.figures import heat_map

        found["heat_map"] = partial(heat_map.draw, run)
    return found


def draw(run: Run, folder: Path, name: str) -> None:
    """Draw one of a run's `figures` into a folder, as PNG and SVG."""
    with mpl.rc_context(fname=STYLE):
        save(figures(run)[name](), folder / name)


def warm_up() -> None:
    """Draw a little of all that figures have, so that the first of them takes no longer than others."""
    with mpl.rc_context(fname=STYLE):
        figure, axes = panels.panelled(1, 1)
        axes[0, 0].plot([1, 2], label="a")
        axes[0, 0].set_title("a")
        for canvas, kind in ((FigureCanvasAgg, "png"), (FigureCanvasSVG, "svg")):
            canvas(panels.finish(figure, "a")).print_figure(io.BytesIO(), format=kind)


def save(figure: Figure, path: Path) -> None:
    """Write PNG and SVG, without their endings in `path`; laid out once, where `savefig` draws each file twice."""
    png, svg = io.BytesIO(), io.StringIO()
    with mpl.rc_context(fname=STYLE):
        figure.set_dpi(mpl.rcParams["savefig.dpi"])
        FigureCanvasAgg(figure).print_png(png, pil_kwargs={"compress_level": 3})
        figure.set_layout_engine("none")
        FigureCanvasSVG(figure).print_svg(svg, metadata={"Date": None})
    whole.write(path.with_name(f"{path.name}.png"), png.getvalue())
    whole.write_text(path.with_name(f"{path.name}.svg"), svg.getvalue())


def _check(run: Run) -> Figure:
    return draw_check(run.tables["check"], run.manifest["report"]["headline"])


def _protocol(run: Run, name: str) -> str:
    protocol = run.manifest["protocols"][name]
    return f"{name} protocol: {Protocol(**protocol)}"


def _as_far(pairs: pd.DataFrame) -> str:
    """Say so if not every epoch could be decided: rounding alone moves some runs too far to tell."""
    return ", as far as it could be decided" if (pairs["decided"] < pairs["epochs"]).any() else ""


def _curves(run: Run, measure: str) -> Figure:
    """For each start and protocol, in the widest dtype, both sides of the pair that is nearest to its tolerance."""
    table, judged = run.tables["trajectories"], run.tables["parity"]
    dtype = sorted(table["dtype"].unique())[-1]
    judged = judged[(judged["what"] == measure) & (judged["dtype"] == dtype)]
    protocols = list(table["protocol"].unique())
    figure, axes = panels.panelled(len(STARTS), len(protocols), sharex="col", sharey=True)
    for (row, start), (column, protocol) in product(enumerate(STARTS), enumerate(protocols)):
        ax = axes[row, column]
        case = {"protocol": protocol, "dtype": dtype, "drawn_by": start}
        found = gaps(run, **case)
        part = of(table, {**case, "replicate": found.pairs[found.nearest][1]})
        values = {side: part.loc[part["side"] == side, measure].to_numpy() for side in style.SIDES}
        plots.curves(ax, np.arange(len(values["keras"])), values, dots=measure == "accuracy")
        ax.set_title(f"{_protocol(run, protocol)}\n{STARTS[start]}\n{which(run, found)}")
        ax.set_xlabel("epoch" if row == len(STARTS) - 1 else "")
        ax.set_ylabel(LABELS[measure] if column == 0 else "")
        if measure == "loss":
            panels.log(ax)
    most = largest(run, measure, dtype)
    some = _as_far(of(run.tables["pairs"], {"dtype": dtype}))
    says = f"the same {measure} at every epoch{some}" if judged["passed"].all() else f"{measure} differs"
    gap = f"largest gap {most:.1e}" if most else "not one bit apart"
    data = run.manifest["data"]["name"]
    return panels.finish(figure, f"Scratch and Keras on {data}: {says} ({gap}, {dtype})")


def _gaps(run: Run) -> Figure:
    """For each dtype and protocol the pair whose gap is nearest to its tolerance, and all pairs' largest gaps."""
    table, judged = run.tables["trajectories"], run.tables["parity"]
    dtypes, protocols = list(table["dtype"].unique()), list(table["protocol"].unique())
    figure, axes = panels.panelled(len(dtypes), len(protocols), sharex="col", sharey="row")
    for (row, dtype), (column, protocol) in product(enumerate(dtypes), enumerate(protocols)):
        ax, epsilon = axes[row, column], float(np.finfo(dtype).eps)
        found = gaps(run, dtype=dtype, protocol=protocol)
        plots.gaps(ax, found, epsilon, smallest=epsilon / 30)
        drawn_by, _ = found.pairs[found.nearest]
        ax.set_title(f"{dtype}, {_protocol(run, protocol)}\n{STARTS[drawn_by]}\n{which(run, found)}")
        ax.set_xlabel("epoch" if row == len(dtypes) - 1 else "")
        ax.set_ylabel("|scratch - Keras|, loss" if column == 0 else "")
    judged = judged[judged["what"] == "loss"]
    inside = f"{judged['passed'].sum()} of {len(judged)} pairs within tolerance{_as_far(run.tables['pairs'])}"
    finding = f"The gap is rounding: {inside}" if judged["passed"].all() else f"Only {inside}"
    return panels.finish(figure, finding, ncols=3)


def _article(run: Run) -> Figure:
    """The published points over the curves of the reproduced article."""
    table, rows = run.tables["article"], run.tables["article_table"]
    figure, axes = panels.panelled(1, len(MEASURES))
    for ax, measure in zip(axes[0], MEASURES, strict=True):
        runs = {str(name): part.sort_values("epoch")[measure].to_numpy() for name, part in table.groupby("network")}
        epochs = np.arange(len(runs["keras"]))
        published = rows["epoch"].to_numpy(), rows[f"published_{measure}"].to_numpy()
        plots.article(ax, epochs, runs, *published, dots=measure == "accuracy")
        ax.set(xlabel="epoch", ylabel=LABELS[measure])
    panels.log(axes[0, 0])
    worst = parity.gap(rows["published_loss"], rows["article_loss"]).max()
    finding = f"The article's rows come back to {worst:.0e}, with its bug; without it the network trains as Keras does"
    return panels.finish(figure, finding)
