"""Performs a job: its parts in turn, then the record; and then shows what was recorded."""

from pathlib import Path
from typing import Any

from compare.commands.options import Telling
from compare.experiments.part import Found, Status
from compare.experiments.parts import Job
from compare.runs import provenance, record
from compare.runs.recorder import Recorder
from compare.show.terminal.progress import progress
from compare.sides.quiet_keras import load_keras
from compare.work.companion import Companion


def perform(job: Job, recorder: Recorder, beside: Companion, telling: Telling) -> int:
    """Perform a job into the recorder's folder, and return the exit status; `beside` takes a part of the work."""
    recorder.begin(job.config, job.data)
    with progress(telling.quiet) as stage:
        for part in job.parts:
            part.begin(beside)
        if any(part.here for part in job.parts):
            with stage("loading TensorFlow", 1):
                load_keras()
        from compare.show import afterwards  # noqa: F401  # once, for both processes

        beside.renew()
        found: list[Found] = []
        for part in job.parts:
            with stage(part.title, part.size) as advance:
                found.append(part.run(advance))
            for name, table in found[-1].tables.items():
                recorder.table(name, table)
    status = _status(found)
    recorder.manifest = _manifest(job, found, status == Status.YES)
    return status


def present(folder: Path, beside: Companion, telling: Telling, events: Path | None = None) -> None:
    """Draw a finished run, write its page, and tell what was found; `events` is a folder for TensorBoard's files."""
    from compare.show.afterwards import Afterwards
    from compare.show.figures import tensorboard
    from compare.show.terminal import summary

    after = Afterwards(folder)
    with after.each("reading it back"):
        run = record.read(folder)
        with progress(telling.quiet) as stage:
            with stage("drawing", 1):
                after.present(run, beside)
            if events is not None:
                with stage("TensorBoard", 1), after.each("TensorBoard"):
                    tensorboard.write(run, events)
        with after.each("telling"):
            summary.tell(run, folder, quiet=telling.quiet, as_json=telling.as_json)


def _status(found: list[Found]) -> Status:
    statuses = {part.status for part in found}
    return next((each for each in (Status.NO, Status.UNDECIDABLE) if each in statuses), Status.YES)


def _manifest(job: Job, found: list[Found], passed: bool) -> dict[str, Any]:
    failures = [failure for part in found for failure in part.failures]
    manifest = {**job.manifest, "code": provenance.code(), "env": provenance.environment()}
    verdicts: dict[str, Any] = {"passed": passed}
    for part in found:
        manifest |= part.manifest
        verdicts |= part.verdicts
    return manifest | {
        "failures": [failure.record() for failure in failures],
        "missing": sum(len(failure.shard) for failure in failures),
        "verdicts": verdicts,
    }
