"""Curves of runs: one as a line or as dots, many as bands over weight updates."""

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from compare.runs import findings
from compare.show.figures import style
from compare.show.page.chart import Chart, Curve, chart
from compare.show.page.parts import FORMS, Series, texts

Floats = NDArray[np.floating]
Sides = dict[str, pd.DataFrame]
# Of many runs: the look, the name, and between which of `findings.QUANTILES`.
TOLD = (("line", "median", 2, 2), ("inner", "quartiles", 1, 3), ("band", "5 to 95 %", 0, 4))


def curve(whose: str, measure: str, x: ArrayLike, y: ArrayLike) -> list[Curve]:
    """Lay out one run: a line, or for accuracies, which may alternate from epoch to epoch, dots on a faint line."""
    looks = ("faint", "dots") if measure == "accuracy" else ("line",)
    return [Curve(f"{look} {whose}", x, y) for look in looks]


def curves(
    sides: Sides, steps: dict[str, int], xlabel: str
) -> tuple[list[Chart], list[tuple[str, str, list[Series | None]]], int, tuple[str, ...]]:
    """Lay out each side's replicates as median, quartiles and 5 to 95 %, a single one as a line.

    Parameters
    ----------
    sides : dict of str to DataFrame
        By side, loss and accuracy, (replicates x epochs).
    steps : dict of str to int
        By side, how far apart on the x axis its epochs are.
    xlabel : str

    Returns
    -------
    charts, rows, last, columns
        The charts of loss and accuracy, and the parts of their `Reading`.
    """
    measures = [measure for measure in FORMS if any(measure in findings.measures(runs) for runs in sides.values())]
    found: dict[str, list[Curve]] = {measure: [] for measure in measures}
    rows: list[tuple[str, str, list[Series | None]]] = []
    last = 0
    for side, runs in sides.items():
        if runs.empty:
            continue
        many = len(runs) > 1
        spreads = {measure: findings.spread(runs[measure]) for measure in measures}
        for look, what, low, high in TOLD if many else TOLD[:1]:
            cells: list[Series | None] = [
                Series(_told(spreads[measure][low], spreads[measure][high], FORMS[measure]), steps[side])
                for measure in measures
            ]
            rows.append((f"{look} {side}", style.NAMES[side] + (f", {what}" if many else ""), cells))
        for measure, spread in spreads.items():
            at = np.arange(runs[measure].shape[1]) * steps[side]
            last = max(last, int(at[-1]))
            for look, _, low, high in TOLD[1:] if many else ():
                found[measure].append(Curve(f"{look} {side}", at, spread[high], spread[low]))
            found[measure] += [Curve(f"line {side}", at, spread[2])] if many else curve(side, measure, at, spread[2])
    for each in found.values():
        each.sort(key=lambda of: of.look.split()[0])  # bands below, lines above; dots of both sides as they come
    charts = [chart(measure, xlabel, each, log=measure == "loss") for measure, each in found.items()]
    return charts, rows, last, tuple(measures)


def _told(low: Floats, high: Floats, form: str) -> list[str]:
    """A quantile as the reading shows it, or from which to which."""
    if np.array_equal(low, high):
        return texts(low, form)
    return [f"{least} to {most}" for least, most in zip(texts(low, form), texts(high, form), strict=True)]
