"""Options that several commands have."""

import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypeVar

from cyclopts import Parameter

from compare.errors import InputError
from compare.phrases import complain

Settings = TypeVar("Settings")

Flag = Annotated[bool, Parameter(negative="")]
Json = Annotated[bool, Parameter(name="--json", negative="")]


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Telling:
    """How a command tells what it found.

    Attributes
    ----------
    as_json
        Print the verdict and the report's path as JSON.
    quiet
        Print the verdict and the report's path alone.
    """

    as_json: Json = False
    quiet: Flag = False

    def note(self, notes: Iterable[str]) -> None:
        """Tell what was found out and may be otherwise, a line each, on stderr; quiet: nothing."""
        for note in () if self.quiet else notes:
            complain(note)


def print_annotations(report: Mapping[str, Any], subject: Path) -> None:
    """Print a check's wrong lines on stderr as GitHub shows them beside a change; `subject` is its file."""
    from compare.show.terminal.annotations import github

    for line in github(report, subject):
        print(line, file=sys.stderr)


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Working:
    """Where a job's runs are trained and recorded.

    Attributes
    ----------
    workers
        Processes that train the unseeded replicates, or the sweep's cells; 1 for this one. Default: one for every 500
        runs a side, at most one a core; below 500, from 100 on, this one and one beside it.
    scheduler
        Address of a Dask scheduler whose workers train them instead, as tcp://HOST:8786.
    resume
        Go on with an interrupted run, with its settings: its folder, *.partial.
    out
        The folder for the run's folder.
    at_any_cost
        Begin however much memory and time it is estimated to take.
    """

    workers: int | None = None
    scheduler: str | None = None
    resume: Path | None = None
    out: Path = Path("results")
    at_any_cost: Flag = False

    def settings(self, given: Settings, kind: str) -> Settings:
        """Return the settings of the run to go on with, or those given.

        Raises
        ------
        InputError
            If both are there, or there is no such run.
        """
        if self.resume is None:
            return given
        if given != type(given)():
            raise InputError(
                f"`resume` takes the settings of the run. Received: {self.resume} and others; leave them out"
            )
        from compare.runs.recorder import interrupted

        return interrupted(self.resume, kind, type(given))
