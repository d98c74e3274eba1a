"""A run's manifest, read by itself: so that a folder of thousands of runs is listed at once."""

from pathlib import Path
from typing import Any

import msgspec

from compare.errors import InputError
from compare.runs import schema, whole

SCHEMA_VERSION = 1
MANIFEST = "manifest.json"
WORK = "unfinished"  # in a partial folder: the plan of the run, its shards so far, and a lock


def read(folder: Path) -> tuple[dict[str, Any], schema.Ran]:
    """Read a manifest, and nothing else of the run: as it is written, and as it is declared.

    Raises
    ------
    InputError
        If it cannot be read, is not what it must be, or has another schema.
    """
    try:
        manifest = msgspec.json.decode(whole.read(folder / MANIFEST))
        version = manifest["schema_version"]
    except (OSError, msgspec.DecodeError, KeyError, TypeError, ValueError, RecursionError):
        raise damaged(folder, f"its {MANIFEST} cannot be read") from None
    if version != SCHEMA_VERSION:
        fix = "update keras-parity" if isinstance(version, int) and version > SCHEMA_VERSION else "run it again"
        raise InputError(f"`run` has schema {version}, expected {SCHEMA_VERSION}. Received: {folder}; {fix}")
    try:
        return manifest, schema.manifest(manifest)
    except InputError as error:
        raise damaged(folder, f"its {MANIFEST}: {error}") from None


def damaged(folder: Path, what: str) -> InputError:
    """Return what is raised for a run's folder that is not as it was written."""
    return InputError(f"`run` is damaged: {what}. Received: {folder}; run it again")
