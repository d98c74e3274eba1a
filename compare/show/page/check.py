"""A check's section: where the network departs from Keras, why, what to change; each situation as tensors by steps."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from compare.phrases import gathered
from compare.runs.findings import SMALL, Column, Table
from compare.runs.record import Run
from compare.show.figures.check_map import from_one
from compare.show.figures.style import EDGES
from compare.show.page.chart import cells
from compare.show.page.parts import Answer, Line, Listing, Reading, Section, Series, Source, State, View, texts

AROUND = 3  # lines of a file shown before and after what ran
COLUMNS = {"max_abs": "largest difference", "tolerance": "largest tolerance", "ratio": "most, in its tolerance"}


def section(run: Run) -> Section | None:
    """Return the section, if the run is a check."""
    if run.manifest.get("kind") != "check":
        return None
    report, table = run.manifest["report"], run.tables.get("check")
    shown = [] if table is None or table.empty else [of for _, of in from_one(table).groupby("what", sort=False)]
    first = report["divergence"]
    listings = [_situations(shown), _trainings(report["trainings"])]
    return Section(
        name="check",
        title="Step by step, from equal weights",
        lead="Before every step the network gets Keras's weights, so that nothing accumulates: each cell is one step's "
        "own deviation, in units of what rounding may do to that tensor. Where free-running is said, it is left alone.",
        agree=[Answer(_state(report), run.manifest["subject"], _verdict(report)), *_causes(report)],
        sure=_sure(report),
        keys=[(f"cell r{k}", _bin(k)) for k in range(len(EDGES) - 1)] + [("mark", "first beyond the tolerance")],
        sources=_sources(run),
        views=[_view(of, first) for of in sorted(shown, key=lambda of: bool(of["passed"].all()))],
        listings=[listing for listing in listings if listing.table.rows],
    )


def _state(report: dict[str, Any]) -> State:
    if report["refusal"] is not None:
        return "open"
    return "yes" if report["passed"] else "no"


def _verdict(report: dict[str, Any]) -> str:
    if report["refusal"] is not None:
        return f"Cannot be told: {report['refusal']}."
    if report["passed"]:
        count = len(report["warnings"])
        but = f" {count} warning{'s' * (count > 1)}: see below." if count else ""
        return ("Yes, bit for bit." if report["bit_equal"] else "Yes, to rounding, in every step that decides.") + but
    at = report["divergence"]
    if at is None:
        return f"No: {report['verdict']}{', and warnings are failures here' if report['strict'] else ''}."
    place = f"step {at['step'] + 1} of \N{LEFT DOUBLE QUOTATION MARK}{at['situation']}\N{RIGHT DOUBLE QUOTATION MARK}"
    if at["error"] is not None:
        return f"No. First at {place}: {at['error']}."
    layer = "" if at["layer"] is None else f" of layer {at['layer'] + 1}"
    words = f"No. First at {place}, in {at['phase']}{layer}"
    if at["value"] is not None and at["expected"] is not None:
        words += f": {at['value']:.6g} where Keras has {at['expected']:.6g}"
    return words + "."


def _sources(run: Run) -> list[Source]:
    """The lines that go wrong; and the network's own files, each line with the quantities that it makes."""
    table = run.tables.get("code_map")
    guilty = [*run.manifest["report"]["guilty"], *run.manifest["report"]["warned"]]
    mapped: dict[tuple[str, int], list[tuple[str, str]]] = {}
    for row in table.to_dict("records") if table is not None else ():
        factor = "" if row["factor"] == 1 else f"{row['factor']:.4g} \N{MULTIPLICATION SIGN} "
        mapped.setdefault((row["file"], row["line"]), []).append((row["name"], f"{factor}{row['quantity']}"))
    says: dict[tuple[str, int], list[str]] = {}
    for each in guilty:
        says.setdefault((each["file"], each["first"]), []).append(f"{each['source']}: {each['says']}.")
    found = []
    for file, text in run.manifest.get("sources", {}).items():
        lines = []
        for number, line in enumerate(text.splitlines(), 1):
            makes = mapped.get((file, number), [])
            wrong = says.get((file, number), [])
            told = " ".join(wrong) or "; ".join(f"{name}: {quantity}" for name, quantity in makes)
            lines.append(
                Line(number, line, "; ".join(gathered([quantity for _, quantity in makes])), told, bool(wrong))
            )
        ran = [line.number for line in lines if line.makes or line.guilty]
        out = [line.number for line in lines if line.guilty]
        if out:
            found.append(Source(f"{file}: the lines that go wrong", _near(lines, out)))
        if ran:
            every = range(ran[0], ran[-1] + 1)
            found.append(Source(f"{file}, line by line", _near(lines, every), folded=bool(guilty)))
    return sorted(found, key=lambda source: source.folded)


def _near(lines: list[Line], numbers: Sequence[int]) -> list[Line]:
    """The lines with these numbers, and what is around each."""
    shown = {number + away for number in numbers for away in range(-AROUND, AROUND + 1)}
    return [line for line in lines if line.number in shown]


def _causes(report: dict[str, Any]) -> list[Answer]:
    found = []
    for each in report["guilty"][:1]:
        about = f"{each['file']}, line {each['first']}: {each['source']}"
        more = len(report["guilty"]) - 1
        others = f" {more} more line{'s' * (more > 1)}: see below." if more else ""
        found.append(Answer("no", about, f"{_sentence(each['says'])}{others}"))
    for index, explanation in enumerate(report["diagnosis"]):
        for cause in explanation["causes"]:
            about = f"{'Or' if index else 'The likely cause'}: {cause['name']}"
            found.append(Answer("note", about, f"{_sentence(cause['words'])} To do: {cause['change']}."))
    for warned in report["warnings"]:
        change = "" if warned["change"] is None else f" To do: {warned['change']}."
        about = f"A warning, in {warned['situation']}: {warned['cause'] or 'of a cause unknown'}"
        found.append(Answer("note", about, _sentence(warned["words"]) + change))
    if report["divergence"] is not None and not report["diagnosis"]:
        found.append(Answer("open", "The cause is unknown", "No known fault, nor two together, gives these numbers."))
    return found


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:]}."


def _sure(report: dict[str, Any]) -> list[Answer]:
    found = [Answer("note", "What was driven", _sentence(report["driven"]))]
    if report["passed"] and not report["bit_equal"]:
        words = f"No weight of any step is off by more than {report['largest_ratio']:.2%} of what rounding may do."
        found.append(Answer("note", "Against rounding alone", words))
    for explanation in report["diagnosis"][:1]:
        words = (
            f"Computed from the same weights and batches, the cause gives the network's own numbers to rounding in "
            f"{explanation['confirmed_steps']} steps of {explanation['situations']} situations."
        )
        found.append(Answer("note", "The cause is confirmed", words))
    if report.get("inferred"):
        adapter = f" To say so yourself: {report['adapter']}" if report["adapter"] else ""
        found.append(Answer("note", "Inferred", _sentence(report["inferred"]) + adapter))
    return found + [Answer("note", "Note", _sentence(note)) for note in report["notes"]]


def _bin(k: int) -> str:
    low, high = EDGES[k], EDGES[k + 1]
    if k == 0:
        return f"up to {high:g} of the tolerance"
    return f"over {low:g}" if k == len(EDGES) - 2 else f"{low:g} to {high:g}"


def _view(table: pd.DataFrame, first: dict[str, Any] | None) -> View:
    what = str(table["what"].iloc[0])
    rows_of, names = pd.factorize(table["label"])
    labels, steps = list(names), int(table["step"].max())
    wide = {name: np.full((len(labels), steps), np.nan) for name in COLUMNS}
    for name, values in wide.items():  # a pivot of pandas takes as long as all the rest of a page
        values[rows_of, table["step"].to_numpy() - 1] = table[name]
    # Below the lowest edge is nothing: a ratio of 0 is in the first bin.
    bins = np.digitize(wide["ratio"], EDGES[1:-1], right=True)
    looks = np.where(~np.isnan(wide["ratio"]), np.char.add("cell r", bins.astype(str)), "")
    mark = None
    if first is not None and first["situation"] == what:
        label = first["tensor"] if first["layer"] is None else f"{first['tensor']} {first['layer'] + 1}"
        mark = (labels.index(label), first["step"] + 1) if label in labels else None
    wrong = table.loc[~table["passed"], "step"].nunique()
    rows: list[tuple[str, str, list[Series | None]]] = [
        ("", label, [Series(texts(wide[name][row], SMALL)) for name in COLUMNS]) for row, label in enumerate(labels)
    ]
    said = f"{wrong} of {steps} steps beyond the tolerance" if wrong else f"all {steps} steps within the tolerance"
    reading = Reading("step", steps, tuple(COLUMNS.values()), rows, first=1)
    return View(f"{what}: {said}", {"situation": what}, [cells("deviation", "step", labels, looks, mark)], reading)


def _situations(shown: list[pd.DataFrame]) -> Listing:
    rows: list[tuple[Any, ...]] = []
    for of in shown:
        out = of[~of["passed"]]
        first = None if out.empty else int(out["step"].min())
        verdict = "pass" if out.empty else "FAIL"
        counts = of["step"].nunique(), out["step"].nunique()
        rows.append((of["what"].iloc[0], *counts, first, of["ratio"].max(), verdict))
    columns = ("situation", "{}"), ("steps", "{:d}"), ("steps wrong", "{:d}"), ("first wrong step", "{:d}")
    table = Table(
        "Situations",
        (*(Column(*each) for each in columns), Column("largest, in tolerances", SMALL), Column("verdict")),
        rows,
    )
    return Listing(table, ["yes" if row[-1] == "pass" else "no" for row in rows])


def _trainings(trainings: list[dict[str, Any]]) -> Listing:
    rows: list[tuple[Any, ...]] = []
    states: list[State | None] = []
    for training in trainings:
        wrong = [name for name in ("history", "weights") if training[f"wrong_{name}"]]
        verdict = f"{' and '.join(wrong)} wrong" if wrong else training["error"] or "pass"
        judged = training["controlled"]
        states.append(("no" if wrong or training["error"] else "yes") if judged else "note")
        series = (None if of is None else ", ".join(map(_loss, of)) for of in _histories(training))
        rows.append((training["name"], *series, verdict if judged else "not judged: its batches cannot be controlled"))
    names = ("training", "loss, as it says", "loss, Keras", "verdict")
    return Listing(Table("Its own training loop", tuple(map(Column, names)), rows), states)


def _loss(value: float | None) -> str:
    return "not finite" if value is None else f"{value:.6g}"


def _histories(training: dict[str, Any]) -> tuple[list[float | None] | None, list[float | None] | None]:
    return training["history"], training["keras"]
