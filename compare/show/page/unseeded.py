"""The unseeded runs' section: each setting's curves as median and range, where they end, and every test."""

from typing import Any

import numpy as np
import pandas as pd

from compare.runs import findings
from compare.runs.record import Run
from compare.show.figures import style
from compare.show.page.bands import Sides, curves
from compare.show.page.chart import histogram
from compare.show.page.parts import FORMS, Answer, Listing, Reading, Section, State, View


def section(run: Run) -> Section | None:
    """Return the section, if the run has unseeded replicates."""
    if "unseeded_tests" not in run.tables:
        return None
    tests = run.tables["unseeded_tests"]
    verdicts = run.manifest["verdicts"]["unseeded"]
    sides = findings.settings(run)
    replicates = len(next(iter(sides.values()))["keras"])
    listing = findings.unseeded(run, every_test=True)
    return Section(
        name="unseeded",
        title="Unseeded: every run left to chance",
        lead="Each replicate draws its own weights and batch orders, as users' runs do. What is compared is how the "
        "runs of one side are distributed against those of the other.",
        agree=[_answer(name, verdict, tests) for name, verdict in verdicts.items()],
        sure=[Answer("note", f"{replicates} runs a side", _power(tests))],
        keys=[(f"line {side}", f"{style.NAMES[side]}: median, and range of all runs") for side in style.SIDES],
        views=[_view(run, name, verdicts[name], of_setting) for name, of_setting in sides.items()],
        listings=[
            Listing(listing, [_state(row[-1]) for row in listing.rows], [_in_margins(row) for row in listing.rows])
        ],
    )


def _answer(name: str, verdict: str, tests: pd.DataFrame) -> Answer:
    of_setting = tests[tests["setting"] == name]
    outcomes = of_setting[of_setting["difference"].notna()]
    words = {
        "equivalent": "Equivalent: no outcome differs by more than its margin, and no test finds a difference.",
        "different": "Different, in "
        + _listed(of_setting[(of_setting["outcome"] != "all") & (of_setting["verdict"] == "different")]["outcome"])
        + ".",
        "inconclusive": "Inconclusive: no difference found, but not shown to be equivalent in "
        + _listed(outcomes[outcomes["verdict"] != "equivalent"]["outcome"])
        + ".",
    }[verdict]
    diverged = of_setting[["diverged_scratch", "diverged_keras"]].iloc[0]
    if diverged.any():
        words += f" Diverged: {diverged.iloc[0]:.0f} runs of scratch, {diverged.iloc[1]:.0f} of Keras."
    return Answer(findings.STATES[verdict], f"Unseeded, {name}", words)


def _listed(outcomes: pd.Series) -> str:
    return ", ".join(str(each).replace("_", " ") for each in outcomes) or "how often runs diverge"


def _power(tests: pd.DataFrame) -> str:
    alike = tests[tests["setting"] != "as published"]
    power, needed = alike["power"].min(), alike.loc[alike["outcome"] == "all", "replicates_80"].max()
    words = (
        "Sides that differ by a margin are called equivalent in at most 5% of cases, and equal ones different in at "
        "most 5%, all tests together. "
    )
    if pd.notna(power):
        words += (
            f"Equal sides would be shown to be equivalent with a probability of {power:.0%} in the neediest outcome"
        )
        words += f"; {needed:.0f} runs a side make it 80%." if pd.notna(needed) else "."
    return words


def _state(verdict: str) -> State | None:
    word = verdict.split()[0]
    return findings.STATES.get(word, "note")


def _in_margins(row: tuple[Any, ...]) -> tuple[float, float, float] | None:
    _, _, difference, interval, margin, _ = row
    if not margin or interval is None:
        return None
    low, high = interval
    return low / margin, difference / margin, high / margin


def _view(run: Run, name: str, verdict: str, sides: Sides) -> View:
    settings = run.manifest["settings"][name]
    steps = {side: findings.steps(run, settings[side][1]) for side in sides}
    charts, rows, last, columns = curves(sides, steps, "weight updates")
    for measure in FORMS:
        ends = {side: runs[measure].to_numpy()[:, -1] for side, runs in sides.items()}
        charts.append(histogram(f"final {measure}: runs", f"final {measure}", ends, _bins(ends)))
    sources = [f"{style.NAMES[side]}: {' weights, '.join(settings[side])} protocol" for side in sides]
    title = f"{name}: {verdict} ({'; '.join(sources)})"
    return View(title, {"setting": name}, charts, Reading("weight updates", last, columns, rows))


def _bins(ends: dict[str, np.ndarray]) -> np.ndarray:
    """Common bins up to the 99.5th percentile: a few runs far out must not flatten the rest."""
    pooled = np.concatenate(list(ends.values()))
    finite = pooled[np.isfinite(pooled)]
    low, high = (finite.min(), np.quantile(finite, 0.995)) if finite.size else (0.0, 1.0)
    return np.linspace(low, high if high > low else low + 1.0, 31)
