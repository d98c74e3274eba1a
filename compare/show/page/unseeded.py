"""The unseeded runs' section: each setting's curves as bands, where they end, and every test."""

from typing import Any

import pandas as pd

from compare.runs import findings
from compare.runs.record import Run
from compare.runs.verdict import ON_PURPOSE, STATES
from compare.show.ends import ends
from compare.show.figures import style
from compare.show.page.bands import Sides, curves
from compare.show.page.chart import distributions
from compare.show.page.parts import Answer, Listing, Reading, Section, State, View


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
        keys=[(f"line {side}", f"{style.NAMES[side]}: median, quartiles, 5 to 95 %") for side in style.SIDES]
        + [("zone", "margin of equivalence about Keras's mean"), ("span", "scratch's mean, 90 % interval")],
        views=[_view(run, name, verdicts[name], of_setting) for name, of_setting in sides.items()],
        listings=[Listing(listing, [_state(*row) for row in listing.rows], [_in_margins(row) for row in listing.rows])],
    )


def _answer(name: str, verdict: str, tests: pd.DataFrame) -> Answer:
    of_setting = tests[tests["setting"] == name].set_index("outcome")
    outcomes = of_setting[of_setting["difference"].notna()]
    differing = of_setting[(of_setting["verdict"] == "different") & (of_setting.index != "all")]
    apart = outcomes[outcomes["distance_bound"] > outcomes["distance_margin"]]
    words = {
        "equivalent": "Equivalent: every mean is shown to differ by less than its margin, and every outcome's "
        "distribution by no more than its own; no test finds a difference.",
        "equivalent in mean": "Equivalent in mean: every mean is shown to differ by less than its margin, and no test "
        f"finds a difference. That the distributions are alike is not shown for {_listed(apart.index)}: for that it "
        "takes more runs.",
        "different": f"Different, in {_listed(differing.index)}.",
        "inconclusive": "Inconclusive: no difference found, but not shown to be equivalent in "
        + _listed(outcomes.index[outcomes["verdict"] != "equivalent"])
        + ".",
    }[verdict]
    if name == ON_PURPOSE:
        words = f"Each side has the settings that it is published with, on purpose, so they may differ. {words}"
    return Answer(_looks(name, STATES[verdict]), f"Unseeded, {name}", f"{words} {_ends(of_setting)}")


def _looks(name: str, state: State) -> State:
    """Sides that are unequal on purpose are told, and not judged."""
    return "note" if name == ON_PURPOSE else state


def _ends(of_setting: pd.DataFrame) -> str:
    """Which side ends lower, how many runs fail, and how many never reach the threshold."""
    whole: Any = of_setting.loc["all"]
    words = (
        f"A run of scratch ends with a lower loss than one of Keras with probability {whole.improvement:.2f} "
        f"({whole.improvement_low:.2f} to {whole.improvement_high:.2f})."
    )
    counts = [
        f"{told}: {whole[f'{what}_scratch']:.0f} runs of scratch, {whole[f'{what}_keras']:.0f} of Keras"
        for what, told in (("failed", "Failed"), ("diverged", "of these diverged"))
        if whole[f"{what}_scratch"] or whole[f"{what}_keras"]
    ]
    if counts:
        words += f" {'; '.join(counts)}."
    if "epochs_to_threshold" in of_setting.index:
        words += (
            f" The loss of {whole.threshold:.2f} is never reached by {whole.censored_scratch:.0f} runs of scratch and "
            f"{whole.censored_keras:.0f} of Keras."
        )
    return words


def _listed(outcomes: pd.Index) -> str:
    return ", ".join(str(each).replace("_", " ").replace("failures", "how often runs fail") for each in outcomes)


def _power(tests: pd.DataFrame) -> str:
    whole = tests[tests["outcome"] == "all"]
    alike = whole[whole["setting"] != ON_PURPOSE]
    words = (
        "This is one draw: other runs may give another verdict. Sides that differ by a margin are called equivalent in "
        "at most 5% of cases, and equal ones different in at most 5%, all tests of all settings together. "
    )
    if not alike["power"].notna().all() or not len(alike):
        return words.strip()
    for name, what, runs in (
        ("power_in_mean", "equivalent, in mean at least,", "replicates_80_in_mean"),
        ("power", "equivalent as a whole", "replicates_80"),
    ):
        needed: Any = alike[runs].max()
        rows: Any = alike[["setting", name, f"{name}_low", f"{name}_high"]].itertuples(index=False)
        each = " and ".join(f'{p:.0%} ({low:.0%} to {high:.0%}) in "{setting}"' for setting, p, low, high in rows)
        words += f"Equal sides would be called {what} with a probability of {each}"
        together: Any = alike[name].prod()
        words += f", {together:.0%} in all together" if len(alike) > 1 else ""
        words += f"; {needed:.0f} runs a side are enough for 80% in each. " if pd.notna(needed) else ". "
    return words.strip()


def _state(name: str, *of_test: Any) -> State:
    word = of_test[-1].split()[0]
    return _looks(name, STATES.get(word, "note"))


def _in_margins(row: tuple[Any, ...]) -> tuple[float, float, float] | None:
    _, _, difference, interval, margin, _, _ = row
    if not margin or interval is None:
        return None
    low, high = interval
    return low / margin, difference / margin, high / margin


def _view(run: Run, name: str, verdict: str, sides: Sides) -> View:
    settings = run.manifest["settings"][name]
    steps = {side: findings.steps(run, settings[side][1]) for side in sides}
    charts, rows, last, columns = curves(sides, steps, "weight updates")
    for measure, end in ends(run, name, sides).items():
        charts.append(distributions(f"final {measure}: {end.verdict}", f"final {measure}, share of runs below", end))
    sources = [f"{style.NAMES[side]}: {' weights, '.join(settings[side])} protocol" for side in sides]
    title = f"{name}: {verdict} ({'; '.join(sources)})"
    return View(title, {"setting": name}, charts, Reading("weight update", last, columns, rows))
