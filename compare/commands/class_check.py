"""A whole class at once: many networks, each checked by a worker as one alone is; told in one table."""

import glob
import json
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cyclopts import Parameter

from compare.check.settings import Settings
from compare.commands.options import Telling, print_annotations
from compare.commands.source import Asked, Source, checked_files
from compare.errors import InputError
from compare.phrases import parted

if TYPE_CHECKING:
    from compare.runs.class_folder import Reports
    from compare.runs.submissions import Submission
    from compare.work.engine import Failure
    from compare.work.place import Place

EFFORT = 0.25  # names one bug, and nearly always several: only what has no name is searched for longer
FEW = 3  # checks that take as long as a further worker takes to begin


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Together:
    """Where several networks are checked, and where their table goes.

    Attributes
    ----------
    workers
        Processes that check several networks. Default: one a core, and at most one for every three networks.
    scheduler
        Address of a Dask scheduler whose workers check them instead, as tcp://HOST:8786; they must see the same files.
    csv
        A file for a table of what was found: a row for each network.
    junit
        A file for the same as JUnit XML: a test case for each network.
    """

    workers: int | None = None
    scheduler: str | None = None
    csv: Path | None = None
    junit: Path | None = None

    def __post_init__(self) -> None:
        for name, file in (("csv", self.csv), ("junit", self.junit)):
            if file is not None and (file.is_dir() or not file.parent.is_dir()):
                raise InputError(f"`{name}` must be a file in a folder that is there. Received: {file}")

    def place(self, networks: int) -> "Place":
        """Where so many networks are checked."""
        from loky import cpu_count

        from compare.work.place import Place

        usual = max(1, min(cpu_count(), networks // FEW))
        return Place(usual if self.workers is None else self.workers, self.scheduler)

    def write(self, rows: "Sequence[Submission]", folder: Path | None) -> None:
        """Write the files that were asked for; `folder` is where the run's folders of the checks lie."""
        if self.csv is None and self.junit is None:
            return
        from compare.runs import junit, tables
        from compare.runs.class_folder import as_table

        if folder is not None:
            rows = [replace(row, run=str(folder / row.run)) if row.run else row for row in rows]
        if self.csv is not None:
            tables.write_csv(self.csv, as_table(rows))
        if self.junit is not None:
            junit.write(self.junit, rows)

    def write_one(self, subject: str, told: dict[str, Any], seconds: float) -> None:
        """Write the same of one network, from what is told of it as JSON."""
        from compare.runs.submissions import submission

        self.write([submission(1, subject, told, seconds, told["run"] or "")], None)


def expanded(subjects: Sequence[str]) -> list[str]:
    """Return what is to be checked, each once: of a pattern, as submissions/*/net.py, every file.

    Raises
    ------
    InputError
        If a pattern matches nothing.
    """
    found: dict[str, None] = {}
    for subject in subjects:
        pattern, name = parted(subject)
        if not glob.has_magic(pattern) or Path(pattern).exists():
            found[subject] = None
            continue
        files = sorted(glob.glob(pattern, recursive=True))
        if not files:
            raise InputError(f"`subject` must name files that are there. Received: {subject!r}, which matches none")
        found |= dict.fromkeys(f"{file}:{name}" if name else file for file in files)
    return list(found)


def check_class(
    given: Sequence[str],
    subjects: Sequence[str],
    source: Source,
    settings: Settings,
    telling: Telling,
    together: Together,
    out: Path | None,
    annotate: bool = False,
) -> int:
    """Check several networks and tell of all; return the exit status.

    What is finished when it is interrupted is recorded and told too.

    Parameters
    ----------
    given : sequence of str
        FILE.py, FILE.py:NAME, or a pattern of files.
    subjects : sequence of str
        What these are, `expanded`.
    source, settings, telling, together
    out : Path, optional
        Where the run's folder is made; None for none.
    annotate : bool
        Whether the wrong lines of each are printed as annotations too.
    """
    from compare.check.subject.loading import spelt

    targets = [spelt(subject, name_wanted=False) for subject in subjects]
    if ".py:" not in source.data:
        from compare.data.dataset import load

        load(source.data, index_column=source.index_column, values=True)  # says now what is wrong with it
    from compare.runs.class_folder import Reports, as_table
    from compare.runs.recorder import recording
    from compare.runs.submissions import class_verdict
    from compare.show.terminal.progress import progress
    from compare.work import engine

    place = together.place(len(subjects))
    engine.ready(place)
    settings = settings if settings.effort is not None else replace(settings, effort=EFFORT)
    asked = Asked(source, settings, out is not None, 1 if place.scheduler else place.workers)
    failures: list[Failure] = []
    stopped: BaseException | None = None
    with nullcontext() if out is None else recording(out, "class") as recorder:
        reports = Reports(subjects, None if recorder is None else recorder.folder)
        shards = [
            engine.Shard(reports.name(number), checked_files, (path.resolve(), name, subject, asked))
            for number, ((path, name), subject) in enumerate(zip(targets, subjects, strict=True), 1)
        ]
        try:
            with progress(telling.quiet) as stage, stage(f"{len(subjects)} networks", len(subjects)) as advance:
                failures = engine.run(shards, reports, place, advance)
        except BaseException as error:
            if not reports.told:
                raise
            stopped = error
        rows = reports.all({each.shard.name: each.traceback for each in failures})
        if reports.data is None:
            raise InputError(rows[0].cause)
        verdict = class_verdict(rows)
        if recorder is not None:
            recorder.table("class.csv", as_table(rows))
            recorder.manifest = _manifest(asked.command(*given), reports, failures) | {
                "missing": len(rows) - len(reports.told),
                "verdicts": {"passed": verdict.state == "yes", "state": verdict.state, "words": verdict.words},
            }
    folder = None if recorder is None else recorder.finished
    _tell(rows, reports, folder, telling)
    together.write(rows, folder)
    if annotate:
        for row in rows:
            print_annotations(_report(row, reports), Path(parted(row.subject)[0]))
    if stopped is not None:
        stopped.add_note("what is finished is told above" if folder is None else f"what is finished is kept: {folder}")
        raise stopped
    return 0 if all(row.passed for row in rows) else 1


def _manifest(command: str, reports: "Reports", failures: "Sequence[Failure]") -> dict[str, Any]:
    from compare.runs import provenance

    return {
        "kind": "class",
        "command": command,
        "subject": f"{len(reports.subjects)} networks",
        "data": reports.data,
        "code": provenance.code(),
        "env": provenance.environment(),
        "failures": [failure.record() for failure in failures],
    }


def _tell(rows: "Sequence[Submission]", reports: "Reports", folder: Path | None, telling: Telling) -> None:
    """Write the page, where there is a folder, and print the table, or JSON."""
    from compare.show.terminal import submissions

    if folder is not None:
        from compare.show.afterwards import Afterwards

        Afterwards(folder).present()
    if telling.as_json:
        print(json.dumps([_as_json(row, reports, folder) for row in rows], indent=2))
    else:
        submissions.tell(rows, folder, quiet=telling.quiet)


def _as_json(row: "Submission", reports: "Reports", folder: Path | None) -> dict[str, Any]:
    """What a check of this network alone would print, and which network it is; less of one that was not checked."""
    run = None if folder is None or not row.run else str(folder / row.run)
    return {"subject": row.subject, "seconds": row.seconds, **_report(row, reports), "run": run, "baseline": None}


def _report(row: "Submission", reports: "Reports") -> dict[str, Any]:
    """The report of a check in plain values; of a network that was not checked, as much as there is."""
    told = {"verdict": row.verdict, "passed": False, "headline": row.headline, "refusal": row.cause}
    nothing = {"strict": False, "guilty": [], "warned": [], "warnings": []}
    return reports.told.get(row.number, told | nothing)
