"""A run's one verdict, from its manifest: without pandas, so that thousands of runs are listed at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Verdict:
    """A run's verdict: how it went, in a word that decides its looks, and what to say.

    Attributes
    ----------
    state : {"yes", "no", "open"}
    words : str
    """

    state: Literal["yes", "no", "open"]
    words: str


# The setting whose sides are unequal on purpose: other weights, batches and epochs, as each is used.
ON_PURPOSE = "as published"
STATES: dict[str, Literal["yes", "no", "open"]] = {
    "equivalent": "yes",
    "equivalent in mean": "yes",
    "different": "no",
    "inconclusive": "open",
}


def verdict(manifest: Mapping[str, Any], tables: Mapping[str, pd.DataFrame]) -> Verdict:
    """Return the run's one verdict: of the matched runs and the article, or of the unseeded runs if alone.

    Of those, the setting that is unequal on purpose does not count. The manifest tells it all; of older runs the tables
    tell some of it.
    """
    found, missing = _verdict(manifest, tables), manifest.get("missing", 0)
    if not missing:
        return found
    return replace(found, words=f"{found.words}, without {missing} replicates that failed (manifest.json tells how)")


def _verdict(manifest: Mapping[str, Any], tables: Mapping[str, pd.DataFrame]) -> Verdict:
    found = manifest["verdicts"]
    if manifest.get("kind") == "check":
        told = manifest["report"]
        return Verdict("yes" if found["passed"] else "open" if told["refusal"] else "no", told["headline"])
    if manifest.get("kind") in ("sweep", "class"):
        return Verdict(found["state"], found["words"])
    if "matched" in found or "article" in found:
        matched = found.get("matched", {})
        if found["passed"]:
            some = _recorded(matched, "in_part_words", "pairs", tables, in_part)
            return Verdict("yes", f"parity holds, as far as it could be decided: {some}" if some else "parity holds")
        count = matched.get("undecidable", 0)
        wrong = _recorded(matched, "out", "parity", tables, out_of_tolerance)
        if count and found.get("article", {"passed": True})["passed"] and not wrong:
            return Verdict("open", f"undecidable: rounding alone moves {count} matched runs too far to tell")
        return Verdict("no", "parity does NOT hold")
    alike = {each for name, each in found.get("unseeded", {}).items() if name != ON_PURPOSE}
    for each in ("different", "inconclusive", "equivalent in mean", "equivalent"):
        if each in alike:
            return Verdict(STATES[each], f"like for like, the two sides are {each}")
    return Verdict("open", "nothing was compared")


def _recorded(
    verdict: dict[str, Any],
    key: str,
    table: str,
    tables: Mapping[str, pd.DataFrame],
    count: Callable[[pd.DataFrame], Any],
) -> Any:
    """What a verdict holds; older runs tell it by a table, which is not read where runs are listed."""
    if key in verdict:
        return verdict[key]
    return count(tables[table]) if table in tables else None


def out_of_tolerance(judged: pd.DataFrame) -> int:
    """How many comparisons are out of tolerance."""
    return int((~judged["passed"]).sum())


def in_part(pairs: pd.DataFrame) -> str:
    """How much was decided of the pairs that are in parity in part; nothing where there are none."""
    some = pairs[pairs["verdict"] == "parity in part"]
    if some.empty:
        return ""
    return f"{some['decided'].sum()} of {some['epochs'].sum()} epochs in {len(some)} of {len(pairs)} matched runs"
