"""The matched runs' section: for each case the curves of one pair, its gap over its noise floor, all verdicts."""

from itertools import product

import numpy as np

from compare.agreement import parity
from compare.runs import findings
from compare.runs.record import Run
from compare.runs.verdict import in_part
from compare.show.figures import style
from compare.show.gaps import gaps, largest, of, which
from compare.show.page.bands import curve
from compare.show.page.chart import Curve, chart
from compare.show.page.parts import FORMS, Answer, Listing, Reading, Section, Series, State, View, texts

GAP = "{:.1e}"


def section(run: Run) -> Section | None:
    """Return the section, if the run has matched pairs."""
    if "parity" not in run.tables:
        return None
    judged, table = run.tables["parity"], run.tables["trajectories"]
    loss = judged[judged["what"] == "loss"]
    passed, matched = bool(judged["passed"].all()), run.manifest["verdicts"]["matched"]
    out, count, pairs = loss[~loss["passed"]], matched["undecidable"], run.tables["pairs"]
    dtypes = sorted(table["dtype"].unique(), reverse=True)  # float64 first: it tells most
    most = ", ".join(f"{largest(run, 'loss', dtype):.1e} in {dtype}" for dtype in sorted(dtypes))
    same = judged[judged["what"] == "accuracy"]["nearest"].max() == 0  # of no accuracy, NaN
    accuracy = "; the accuracy is the same at every epoch" if same else ""
    some = f", as far as it could be decided ({told})" if (told := in_part(pairs)) else ""
    words = (
        f"No: {len(out)} of {len(loss)} pairs leave the tolerance in their loss, the largest gap being {most}."
        if not passed
        else f"Undecidable: rounding alone moves {count} of {len(pairs)} pairs too far to tell."
        if count
        else f"Yes{some}: all {len(loss)} pairs stay within tolerance. The largest gap of the loss is {most}{accuracy}."
    )
    state: State = "no" if not passed else "open" if count else "yes"
    if matched["decided"] < 1:
        words += f" Of all epochs {matched['decided']:.0%} could be decided; after those, the loss is not finite or "
        words += "rounding grows too far."
    by_floor = int((judged["judged_by"] == "noise floor").sum())
    floor = run.tables["noise_floor"].groupby("dtype")["loss"].max()
    sure = [
        Answer(
            "note",
            "Against rounding alone",
            "The same runs, only rounded differently, drift by up to "
            + ", ".join(f"{of:.1e} in {dtype}" for dtype, of in floor.items())
            + " (measured: the noise floor). "
            + f"{run.manifest['tolerances']['floor_factor']:g} times that is tolerated, and at least "
            + " and ".join(f"{least:.0e} in {dtype}" for dtype, least in run.manifest["tolerances"]["bar"].items())
            + f", times the value where it is over 1. The floor decided {by_floor or 'none'} of {len(judged)} "
            + "comparisons.",
        ),
        Answer(
            "note",
            "It would have shown",
            "A pair that amplifies rounding counts only if the same run at a learning rate "
            f"{run.manifest['tolerances']['probe']:.1%} off would have been called different.",
        ),
    ]
    cases = product(table["protocol"].unique(), dtypes, table["drawn_by"].unique())
    listing = findings.verdicts(run, ["parity"])
    return Section(
        name="matched",
        title="Matched: the same start, the same batches",
        lead="Both sides get the same initial weights and see the same batches in the same order. "
        "Two correct implementations then differ by rounding alone.",
        agree=[Answer(state, "From equal weights, on equal batches", words)],
        sure=sure,
        keys=[(f"line {side}", style.NAMES[side]) for side in style.SIDES]
        + [
            ("line gap", "gap"),
            ("band floor", "noise floor"),
            ("line bar", "tolerance"),
            ("line other", "other pairs"),
            *([("zone", "moved too far to judge")] if matched["decided"] < 1 else []),
        ],
        views=[_view(run, *case) for case in cases],
        listings=[
            Listing(listing, [_state(row[-1]) for row in listing.rows]),
            *([Listing(findings.speed(run))] if run.manifest.get("speed") else []),
        ],
    )


def _state(verdict: str) -> State:
    return "no" if "FAIL" in verdict else "open" if "decided" in verdict or "undecidable" in verdict else "yes"


def _view(run: Run, protocol: str, dtype: str, drawn_by: str) -> View:
    case = {"protocol": protocol, "dtype": dtype, "drawn_by": drawn_by}
    runs, found = of(run.tables["trajectories"], case), gaps(run, **case)
    wide = runs.pivot_table(["loss", "accuracy"], "replicate", ["side", "epoch"], dropna=False)
    measures, nearest = findings.measures(runs), found.nearest
    values = {measure: {side: wide[measure][side].to_numpy()[nearest] for side in style.SIDES} for measure in measures}
    floor, tolerated = found.floor[nearest], found.tolerated[nearest]
    epochs = np.arange(len(floor))
    smallest = float(np.finfo(dtype).eps) / 30  # where a gap of zero is drawn
    shown = np.maximum(found.gap, smallest)
    finite = np.concatenate([each[np.isfinite(each)] for each in (shown, tolerated)])
    top = finite.max() * 3
    lines = [Curve("line other", epochs, other) for k, other in enumerate(shown) if k != nearest]
    upto, last = found.judged[nearest], len(epochs) - 1
    unjudged = [Curve("zone", [upto, last], [top, top], [smallest, smallest])] if upto <= last else []
    charts = [
        *(
            chart(
                measure,
                "epoch",
                [each for side, of_side in sides.items() for each in curve(side, measure, epochs, of_side)],
                log=measure == "loss",
            )
            for measure, sides in values.items()
        ),
        chart(
            "|scratch - Keras|, loss",
            "epoch",
            [
                *unjudged,
                Curve("band floor", epochs, np.maximum(floor, smallest), np.full(len(epochs), smallest)),
                *lines,
                Curve("line bar", epochs, tolerated),
                *(Curve(f"{look} gap", epochs, shown[nearest]) for look in ("faint", "dots")),
            ],
            log=True,
            ylim=(smallest, top),
        ),
    ]
    none = [None] * (len(measures) - 1)
    rows: list[tuple[str, str, list[Series | None]]] = [
        (
            f"line {side}",
            style.NAMES[side],
            [Series(texts(values[measure][side], FORMS[measure])) for measure in values],
        )
        for side in style.SIDES
    ]
    rows += [
        (
            "line gap",
            "gap",
            [Series(texts(parity.gap(side["scratch"], side["keras"]), GAP)) for side in values.values()],
        ),
        ("band floor", "noise floor", [Series(texts(floor, GAP)), *none]),
        ("line bar", "tolerance", [Series(texts(tolerated, GAP)), *none]),
    ]
    title = f"{protocol} protocol, {dtype}, {style.STARTS[drawn_by]}: {which(run, found)}"
    choice = {
        "protocol": protocol,
        "dtype": dtype,
        "initial weights": style.STARTS[drawn_by].removeprefix("weights from "),
    }
    return View(title, choice, charts, Reading("epoch", len(epochs) - 1, measures, rows))
