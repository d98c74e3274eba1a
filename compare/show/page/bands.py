"""Curves of many runs, as bands over weight updates."""

import numpy as np
import pandas as pd

from compare.runs import findings
from compare.show.figures import style
from compare.show.page.chart import Chart, Curve, chart
from compare.show.page.parts import FORMS, Series, texts

Sides = dict[str, pd.DataFrame]


def curves(
    sides: Sides, steps: dict[str, int], xlabel: str
) -> tuple[list[Chart], list[tuple[str, str, list[Series | None]]], int, tuple[str, ...]]:
    """Lay out each side's replicates as median and range, a single one as a line.

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
        quantiles = {measure: runs[measure].quantile([0, 0.5, 1]).to_numpy() for measure in measures}
        told = (
            ((1, "line", "median"), (0, "band", "lowest"), (2, "band", "highest"))
            if len(runs) > 1
            else ((1, "line", ""),)
        )
        for k, look, what in told:
            cells: list[Series | None] = [
                Series(texts(quantiles[measure][k], FORMS[measure]), steps[side]) for measure in measures
            ]
            rows.append(
                (f"{look} {side}", f"{style.NAMES[side]}, {what}" if len(runs) > 1 else style.NAMES[side], cells)
            )
        for measure, (low, median, high) in quantiles.items():
            at = np.arange(runs[measure].shape[1]) * steps[side]
            last = max(last, int(at[-1]))
            found[measure] += [Curve(f"band {side}", at, high, low)] if len(runs) > 1 else []
            found[measure].append(Curve(f"line {side}", at, median))
    for each in found.values():
        each.sort(key=lambda curve: curve.look)  # bands below, lines above
    charts = [chart(measure, xlabel, each, log=measure == "loss") for measure, each in found.items()]
    return charts, rows, last, tuple(measures)
