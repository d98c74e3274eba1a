"""The figures of unseeded runs: how they go, where they end, and the margin that decides whether sides are alike."""

from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from compare.runs import findings
from compare.runs.record import Run
from compare.show.ends import End, ends, span
from compare.show.figures import panels, plots
from compare.show.figures.style import LABELS

Settings = dict[str, dict[str, pd.DataFrame]]


def bands(run: Run) -> Figure:
    """Draw median, quartiles, 5 and 95 % of every setting's runs over the updates made, and the margin at their end."""
    settings, measures, verdicts = findings.settings(run), findings.measures(run.tables["unseeded"]), _verdicts(run)
    figure, axes = panels.panelled(len(measures), len(settings), sharex="col", sharey="row")
    for (column, (name, sides)), (row, measure) in product(enumerate(settings.items()), enumerate(measures)):
        ax, end, last = axes[row, column], ends(run, name, sides)[measure], 0
        if measure == "loss":
            panels.log(ax)
        for side, runs in sides.items():
            each = findings.steps(run, run.manifest["settings"][name][side][1])
            updates = np.arange(runs[measure].shape[1]) * each
            plots.band(ax, updates, findings.spread(runs[measure]), side)
            last = max(last, int(updates[-1]))
        if end.tested:
            plots.ending(ax, last * 1.05, end)
        ax.set_title(f"{_title(name, verdicts) if row == 0 else ''}\nfinal {measure}: {end.verdict}".strip())
        ax.set_ylabel(LABELS[measure] if column == 0 else "")
        ax.set_xlabel("weight updates" if row == len(measures) - 1 else "")
    return panels.finish(figure, _finding(run, settings), ncols=2)


def final(run: Run) -> Figure:
    """Draw where every setting's runs end: what share of them ends below each value."""
    settings, measures, verdicts = findings.settings(run), findings.measures(run.tables["unseeded"]), _verdicts(run)
    figure, axes = panels.panelled(len(measures), len(settings), sharex="row", sharey=True)
    found = {name: ends(run, name, sides) for name, sides in settings.items()}
    for (column, name), (row, measure) in product(enumerate(settings), enumerate(measures)):
        ax, end = axes[row, column], found[name][measure]
        plots.distributions(ax, end)
        ax.set_xlim(span(np.concatenate([values for of in found.values() for values in of[measure].values.values()])))
        ax.set_title(f"{_title(name, verdicts) if row == 0 else ''}\nfinal {measure}: {_ended(end)}".strip())
        ax.set_ylabel("share of runs that end below" if column == 0 else "")
        ax.set_xlabel(f"final {LABELS[measure]}")
    return panels.finish(figure, f"Where they end: {_finding(run, settings)}", ncols=2)


def _title(name: str, verdicts: dict[str, str]) -> str:
    return f"{name}: {verdicts[name]}"


def _ended(end: End) -> str:
    """The verdict on the means, and how far they are apart."""
    apart = f"\nmeans {abs(end.difference):.3f} apart, margin {end.margin:.3f}" if end.tested else ""
    return f"{end.verdict}{apart}"


def _verdicts(run: Run) -> dict[str, str]:
    tests: Any = run.tables["unseeded_tests"]
    return dict(tests[tests["outcome"] == "all"].set_index("setting")["verdict"])


def _finding(run: Run, settings: Settings) -> str:
    """Say in one sentence how many runs a side are what, in which settings."""
    told: dict[str, list[str]] = {}
    for name, verdict in _verdicts(run).items():
        what, _, start = name.partition(", ")
        told.setdefault(f"{verdict} {what}", []).extend([start] if start else [])
    words = [f"{of} ({', '.join(starts)})" if starts else of for of, starts in told.items()]
    runs = min(len(of_side) for sides in settings.values() for of_side in sides.values())
    return f"{runs} unseeded runs a side are {' and '.join(words)}"
