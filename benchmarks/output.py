"""What a benchmark leaves: a table as CSV and Markdown, curves as CSV, and two plots."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes

from benchmarks.measures import Measure
from benchmarks.scaling import Point

LEAST = 1e-3  # where the logarithmic axis begins; memory may even shrink
MET, MISSED, BAR, CURVE = "#0072b2", "#d55e00", "#333333", "#0072b2"


def write(
    measures: Sequence[Measure],
    points: Sequence[Point],
    environment: Mapping[str, str],
    missing: Sequence[str],
    out: Path,
) -> None:
    """Write speed.csv, speed.md, scaling.csv, ratios.png and scaling.png."""
    out.mkdir(parents=True, exist_ok=True)
    table = pd.DataFrame(measures).assign(met=[measure.met for measure in measures])
    table.to_csv(out / "speed.csv", index=False, float_format="%.5g")
    pd.DataFrame(points).to_csv(out / "scaling.csv", index=False, float_format="%.5g")
    (out / "speed.md").write_text(markdown(measures, points, environment, missing), encoding="utf-8")
    figure, ax = plt.subplots(figsize=(9, 0.42 * len(measures) + 1), layout="constrained")
    draw_ratios(ax, measures)
    figure.savefig(out / "ratios.png", dpi=120)
    panels = list(dict.fromkeys(point.axis.partition(",")[0] for point in points))
    figure, axes = plt.subplots(1, len(panels), figsize=(3.2 * len(panels), 3.2), layout="constrained", squeeze=False)
    for ax, panel in zip(axes.flat, panels, strict=True):
        draw_scaling(ax, panel, [point for point in points if point.axis.partition(",")[0] == panel])
    figure.savefig(out / "scaling.png", dpi=120)
    plt.close("all")


def markdown(
    measures: Sequence[Measure], points: Sequence[Point], environment: Mapping[str, str], missing: Sequence[str]
) -> str:
    """The report: environment, ratios against their bars, curves."""
    met = sum(measure.met for measure in measures)
    return "\n".join(
        [
            "# Speed",
            "",
            *(f"- {name}: {value}" for name, value in environment.items()),
            "",
            f"{met} of {len(measures)} bars met. Times are the least of interleaved repeats; `ratio` is of those, "
            "`paired` the median of the repeats' own ratios.",
            *(f"Not installed, so not measured: {name}." for name in missing),
            "",
            "| what | against | ours | theirs | unit | ratio | paired | bar | |",
            "| --- | --- | ---: | ---: | --- | ---: | ---: | ---: | --- |",
            *(
                f"| {row.what} | {row.against} | {row.ours:,.4g} | {row.theirs:,.4g} | {row.unit} | {row.ratio:.3g} "
                f"| {row.paired:.3g} | {row.bar:.3g} | {'met' if row.met else '**missed**'} |"
                for row in measures
            ),
            "",
            "| along | size | cost | unit |",
            "| --- | ---: | ---: | --- |",
            *(f"| {point.axis} | {point.size:,} | {point.cost:,.4g} | {point.unit} |" for point in points),
            "",
        ]
    )


def draw_ratios(ax: Axes, measures: Sequence[Measure]) -> None:
    """Draw each ratio as a bar and its limit as a mark."""
    labels = [f"{row.what} / {row.against}" for row in measures]
    ax.barh(labels, [max(row.ratio, LEAST) for row in measures], color=[MET if row.met else MISSED for row in measures])
    ax.plot([row.bar for row in measures], labels, "|", color=BAR, markersize=16, markeredgewidth=2, label="bar")
    ax.set(xscale="log", xlim=(LEAST, None), xlabel="ratio (less is better)")
    ax.invert_yaxis()
    ax.legend(loc="lower left")


def draw_scaling(ax: Axes, panel: str, points: Sequence[Point]) -> None:
    """Draw cost against size, a line for each curve of this panel."""
    for axis, marker in zip(dict.fromkeys(point.axis for point in points), "os^", strict=False):
        curve = [point for point in points if point.axis == axis]
        label = axis.partition(", ")[2] or None
        sizes, costs = [point.size for point in curve], [point.cost for point in curve]
        ax.plot(sizes, costs, marker + "-", color=CURVE, alpha=1 if marker == "o" else 0.5, label=label)
    ax.set(xscale="log", yscale="log", xlabel=panel, ylabel=points[0].unit.replace("us", "µs"))
    low, high = ax.get_ylim()
    middle = (low * high) ** 0.5
    ax.set_ylim(min(low, middle / 10**0.5), max(high, middle * 10**0.5))  # a decade at least: noise should look small
    if len({point.axis for point in points}) > 1:
        ax.legend()
