"""A class's section: a row for each network, which opens the page of its own check."""

from collections import Counter
from typing import Any
from urllib.parse import quote

from compare.runs import findings
from compare.runs.record import REPORT, Run
from compare.runs.submissions import WITHOUT
from compare.show.page.parts import Answer, Listing, Section, State


def section(run: Run) -> Section | None:
    """Return the section, if the run is a class."""
    if run.manifest.get("kind") != "class":
        return None
    rows = findings.records(run.tables["class"])
    states: list[State | None] = [_state(row) for row in rows]
    listing = Listing(
        findings.submissions(rows),
        states,
        links=[f"{quote(row['run'])}/{REPORT}" if row["run"] else None for row in rows],
    )
    return Section(
        name="class",
        title="Network by network",
        lead="Each was checked in a process of its own, as one alone is. A row opens the page of its check, where "
        "every line of the network is told; the first line that makes a wrong number stands here.",
        agree=[
            *(_answer(rows, state) for state in ("yes", "no", "open") if state in states),
            *([_causes(rows)] if "no" in states else []),
        ],
        sure=[],
        listings=[listing],
    )


def _state(row: dict[str, Any]) -> State:
    return "yes" if row["passed"] else "open" if row["verdict"] in WITHOUT else "no"


def _answer(rows: list[dict[str, Any]], state: State) -> Answer:
    of = [row for row in rows if _state(row) == state]
    about = {"yes": "train as Keras does", "no": "do not", "open": "could not be told"}[state]
    counts = Counter(row["verdict"] for row in of)
    words = "; ".join(f"{count} {verdict}" for verdict, count in counts.most_common())
    return Answer(state, f"{len(of)} of {len(rows)} {about}", f"{words}.")


def _causes(rows: list[dict[str, Any]]) -> Answer:
    """The commonest causes: what a class has not understood."""
    most = Counter(row["cause"] for row in rows if _state(row) == "no").most_common(5)
    return Answer("note", "The commonest causes", f"{'; '.join(f'{cause} ({count})' for cause, count in most)}.")
