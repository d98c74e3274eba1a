"""Writes a run's folder: whole or not at all."""

import datetime
import errno
import json
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import pandas as pd
from filelock import FileLock, Timeout

from compare.errors import InputError
from compare.phrases import all_visible
from compare.runs import schema, tables, whole
from compare.runs.manifests import MANIFEST, SCHEMA_VERSION, WORK
from compare.runs.provenance import versions
from compare.runs.record import sha256
from compare.runs.shards import Shards

Settings = TypeVar("Settings")

PLAN = "plan.json"
# What the system says where a folder has no room or must not be written to.
UNWRITABLE = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO, errno.EFBIG}


class Recorder:
    """Writes a run's files into its partial folder."""

    def __init__(self, folder: Path, kind: str, begun: datetime.datetime, resumed: bool = False) -> None:
        self.folder = folder
        self.kind = kind
        self.begun = begun
        self.resumed = resumed
        self.manifest: dict[str, Any] = {}
        self.shards = Shards(folder / WORK)

    @property
    def finished(self) -> Path:
        """The folder that the run has once it is complete."""
        return self.folder.with_suffix("")

    def begin(self, config: dict[str, Any], data: dict[str, str]) -> None:
        """Write down what the run is, so that it can go on if it is interrupted; one that goes on must be the same.

        `config` are the settings, which `interrupted` gives back; `data` the checksum of each data set.

        Raises
        ------
        InputError
            If the run that goes on had other data or other versions of the packages.
        """
        plan = {"schema_version": SCHEMA_VERSION, "kind": self.kind, "config": config, "data": data} | versions()
        path = self.folder / WORK / PLAN
        if path.exists():
            before = json.loads(path.read_text(encoding="utf-8"))
            for name, now in json.loads(json.dumps(plan)).items():
                if before.get(name) != now:
                    raise InputError(
                        f"`resume` must be a run with the {name} of now. Received: {self.folder}, "
                        f"with {before.get(name)}, now {now}; run it again"
                    )
        whole.write_text(path, json.dumps(plan, indent=2) + "\n")

    def table(self, name: str, frame: pd.DataFrame) -> None:
        """Write a table: `NAME.parquet`, or `NAME.csv`, as the name says."""
        tables.write(self.folder / name, frame)

    def finish(self, status: str = "complete") -> None:
        """Write the manifest, with the checksum of every file."""
        files = [path for path in sorted(self.folder.iterdir()) if path.is_file() and path.name != MANIFEST]
        told = {"schema_version": SCHEMA_VERSION, "status": status, **self._times(), **self.manifest}
        told["files"] = {path.name: sha256(path) for path in files}
        text = json.dumps(all_visible(told), indent=2, allow_nan=False) + "\n"
        whole.write_text(self.folder / MANIFEST, text)

    def _times(self) -> dict[str, Any]:
        """When the run began, and how long it took; of one that was resumed, only its last part is known."""
        took = (datetime.datetime.now(datetime.UTC) - self.begun).total_seconds()
        return {
            "begun": self.begun.isoformat(timespec="seconds"),
            **({} if self.resumed else {"seconds": round(took, 1)}),
        }


@contextmanager
def recording(
    out: Path, kind: str, resume: Path | None = None, begun: datetime.datetime | None = None
) -> Iterator[Recorder]:
    """Make a new run's folder: `<out>/<number>-<kind>-<UTC time>`, `.partial` until the block ends well.

    The block makes the numbers and nothing else: once it has ended they are safe, whatever becomes of pictures and of
    what is told. If it does not end well, the partial folder stays only if it has shards to go on with; a note on the
    exception says how.

    Parameters
    ----------
    out : Path
    kind : str
        The command that makes such runs.
    resume : Path, optional
        The partial folder of an interrupted run to go on with instead.
    begun : datetime, optional
        When the run began, in UTC, if that was before now.

    Raises
    ------
    InputError
        If the folder cannot be made or written to, or another process works in it.
    """
    made = [path for path in (out, *out.parents) if not path.exists()] if resume is None else []
    try:
        partial = _new_folder(out, kind) if resume is None else resume
        (partial / WORK).mkdir(exist_ok=True)
        lock = FileLock(partial / WORK / "lock", timeout=0)
        lock.acquire()
    except Timeout:
        raise InputError(
            f"`resume` must be a run that no process works on. Received: {resume}; let that one end, or end it"
        ) from None
    except OSError as error:
        raise _unwritable(out if resume is None else resume, error) from None
    recorder = Recorder(partial, kind, begun or datetime.datetime.now(datetime.UTC), resume is not None)
    try:
        yield recorder
        recorder.finish()
        partial.rename(recorder.finished)
    except BaseException as error:
        lock.release()
        if recorder.shards or resume is not None:
            error.add_note(f"what is finished is kept: keras-parity {kind} --resume {partial}")
        else:
            shutil.rmtree(partial, ignore_errors=True)
            for path in made:
                if path.is_dir() and not any(path.iterdir()):
                    path.rmdir()
        if isinstance(error, OSError) and error.errno in UNWRITABLE:
            refused = _unwritable(partial, error)
            refused.__notes__ = error.__notes__ if hasattr(error, "__notes__") else []
            raise refused from None
        raise
    lock.release()
    shutil.rmtree(recorder.finished / WORK, ignore_errors=True)


def _unwritable(folder: Path, error: OSError) -> InputError:
    return InputError(
        "`out` must be a folder that can be written to. "
        f"Received: {folder} ({error.strerror or error}); name another with --out, or make room"
    )


def interrupted(folder: Path, kind: str, settings: type[Settings]) -> Settings:
    """Return the settings of a run that was interrupted, which are of the type `settings`.

    Raises
    ------
    InputError
        If it is not one of this kind, or its plan is damaged.
    """
    what = "no such folder" if not folder.is_dir() else "finished" if (folder / MANIFEST).is_file() else "not a run"
    if folder.is_dir() and folder.suffix == ".partial":
        what = "nothing to go on with"
    try:
        values = json.loads(whole.read(folder / WORK / PLAN))
    except (OSError, ValueError, RecursionError):
        values = None
    if values is None or folder.suffix != ".partial":
        raise InputError(f"`resume` must be an interrupted run's folder, *.partial. Received: {folder} ({what})")
    try:
        plan: schema.Plan = schema.held(values, schema.Plan)
        if plan.kind == kind:
            return schema.held(plan.config, settings)
    except InputError as error:
        raise InputError(
            f"`resume` must have a plan that can be read. Received: {folder}, of whose {PLAN} {error}; run it again"
        ) from None
    raise InputError(
        f"`resume` must be an interrupted {kind}. Received: {folder}; use keras-parity {plan.kind} --resume"
    )


def folder_name(number: int, kind: str) -> str:
    """Return the name of a run's folder that begins now."""
    stamp = datetime.datetime.now(datetime.UTC).strftime("%Y%m%dT%H%M%SZ")
    return f"{number:04d}-{kind}-{stamp}"


def _new_folder(out: Path, kind: str) -> Path:
    """Make the next free number's folder; another run that takes it first makes us take the one after."""
    out.mkdir(parents=True, exist_ok=True)
    while True:
        numbers = [int(match[1]) for path in out.iterdir() if (match := re.match(r"(\d{4,})-", path.name))]
        partial = out / f"{folder_name(max(numbers, default=0) + 1, kind)}.partial"
        try:
            partial.mkdir()
            return partial
        except FileExistsError:
            continue
