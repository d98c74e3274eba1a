"""The subjects of a class that is checked at once: what the check of each found, in a row."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from compare.phrases import listed
from compare.runs.verdict import Verdict

NOT_CHECKED = "not checked"
WITHOUT = (NOT_CHECKED, "cannot be driven")  # verdicts that say nothing of the training


@dataclass(frozen=True)
class Submission:
    """One subject of a class.

    Attributes
    ----------
    number : int
        Its place in the class, from 1.
    subject : str
        FILE.py:NAME, as it was given.
    verdict : str
        That of its check; "not checked" where there was none.
    passed : bool
    headline : str
    file, line, function, source : str, int or None, str, str
        The first guilty line.
    cause : str
        What explains a verdict that is not parity.
    seconds : float or None
    run : str
        The name of its run's folder, in that of the class; "" for none.
    """

    number: int
    subject: str
    verdict: str
    passed: bool
    headline: str
    file: str
    line: int | None
    function: str
    source: str
    cause: str
    seconds: float | None
    run: str


def submission(number: int, subject: str, report: Mapping[str, Any], seconds: float, run: str = "") -> Submission:
    """Return the row of a check, from its report in plain values."""
    guilty = next(iter(report["guilty"]), None)
    count = len(report["warnings"])
    warned = f", with {count} warning{'s' * (count > 1)}" if count else ""
    return Submission(
        number,
        subject,
        f"{report['verdict']}{warned if report['verdict'].startswith('parity') else ''}",
        report["passed"],
        report["headline"],
        "" if guilty is None else guilty["file"],
        None if guilty is None else guilty["first"],
        "" if guilty is None else guilty["function"],
        "" if guilty is None else guilty["source"],
        "" if report["passed"] else _cause(report),
        seconds,
        run,
    )


def not_checked(number: int, subject: str, why: str) -> Submission:
    """Return the row of a subject that was not checked."""
    return Submission(number, subject, NOT_CHECKED, False, f"NOT CHECKED: {why}", "", None, "", "", why, None, "")


def _cause(report: Mapping[str, Any]) -> str:
    """What explains that a check did not pass, in few words."""
    explanations = [[cause["name"] for cause in each["causes"]] for each in report["diagnosis"]]
    explanations += [names for training in report["trainings"] for names in training["causes"]]
    known = report["refusal"] or report["kind"] or next((listed(names) for names in explanations if names), "")
    warned = "" if report["divergence"] else listed([each["words"] for each in report["warnings"]])
    return known or warned or "unknown"


def class_verdict(rows: Iterable[Submission]) -> Verdict:
    """Return the verdict on a class: how many are in parity, and what the others are."""
    rows = list(rows)
    passed = sum(row.passed for row in rows)
    counts = Counter(row.verdict for row in rows if not row.passed)
    told = [f"{passed} of {len(rows)} in parity", *(f"{count} {verdict}" for verdict, count in counts.most_common())]
    unknown = counts.keys() <= {*WITHOUT}
    return Verdict("no" if not unknown else "open" if counts else "yes", "; ".join(told))
