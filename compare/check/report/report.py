"""A check's report: the outcome as text for a terminal, as JSON for machines, as rows for a table, as a page."""

from dataclasses import dataclass
from typing import Any, Self

from compare.check.introduction import Introduction
from compare.check.report import values, words
from compare.check.report.record import as_run
from compare.check.report.verdict import Found, Outcome, conclude
from compare.data.dataset import Dataset
from compare.runs.record import framed


@dataclass(frozen=True)
class Report(Outcome):
    """What a check found, and how it is told: `str(report)` is the text."""

    @classmethod
    def of(cls, met: Introduction, data: Dataset, found: Found, strict: bool) -> Self:
        """Come to a verdict, and report it."""
        return cls(**vars(conclude(met, data, found, strict)))

    @property
    def headline(self) -> str:
        """The verdict in one line."""
        return words.headline(self)

    def __str__(self) -> str:
        return words.text(self)

    def __repr__(self) -> str:
        return f"<Report: {self.headline}>"

    def _repr_html_(self) -> str:
        """The check's page, for a notebook."""
        from compare.show.page import page  # with Matplotlib and Jinja, for which nothing else need wait

        return framed(page.html(as_run(self)))

    def to_json(self) -> dict[str, Any]:
        """The report as plain values."""
        return values.to_json(self)

    def rows(self) -> list[dict[str, Any]]:
        """The comparisons, one a row: what, step, layer, tensor, max_abs, tolerance, passed."""
        return values.rows(self)
