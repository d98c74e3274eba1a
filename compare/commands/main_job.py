"""Performs a job: its parts in turn, then the record; and then shows what was recorded."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from compare.commands.options import Telling
from compare.experiments.part import Found, Status
from compare.experiments.parts import Job
from compare.runs import provenance, record
from compare.runs.recorder import Recorder
from compare.show.afterwards import Afterwards, prepare
from compare.show.terminal.progress import progress
from compare.sides.quiet_keras import load_keras
from compare.work.companion import Companion


def perform(job: Job, recorder: Recorder, beside: Companion, telling: Telling) -> tuple[int, Companion]:
    """Perform a job into the recorder's folder; `beside` takes a part of the work.

    Returns
    -------
    int
        The exit status.
    Companion
        A process that has what presents the run, or none.
    """
    recorder.begin(job.config, job.data)
    with progress(telling.quiet) as stage:
        for part in job.parts:
            part.begin(beside)
        beside.share(_import, [()])
        if any(part.here for part in job.parts):
            with stage("loading TensorFlow", 1):
                load_keras()
        free = beside.renew()
        status = _run(job, recorder, free, stage)
    if free is not beside:
        beside.dismiss()
    return status, free


def _run(job: Job, recorder: Recorder, free: Companion, stage: Callable[[str, int], Any]) -> Status:
    """Run a job's parts and keep what they find: in no function that loads Keras, which may stay (`freezing`)."""
    found: list[Found] = []
    for part in job.parts:
        with stage(part.title, part.size) as advance:
            found.append(part.run(advance, free))
        for name, table in found[-1].tables.items():
            recorder.table(name, table)
    status = _status(found)
    recorder.manifest = _manifest(job, found, status == Status.YES)
    return status


def _import() -> None:
    """Import what compares and presents, while another process waits for TensorFlow."""
    import scipy.stats  # noqa: F401

    prepare()


def present(folder: Path, beside: Companion, telling: Telling, events: Path | None = None) -> None:
    """Draw a finished run, write its page, and tell what was found; `events` is a folder for TensorBoard's files."""
    from compare.show.terminal import summary

    after = Afterwards(folder)
    with after.each("reading it back"):
        with progress(telling.quiet) as stage:
            with stage("drawing", 1):
                after.present(beside)
            run = record.read(folder)
            if events is not None:
                with stage("TensorBoard", 1), after.each("TensorBoard"):
                    from compare.show.figures import tensorboard

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
