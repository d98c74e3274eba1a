"""What a network is checked on, how it is loaded and driven; and the one check of a file, alone or in a class."""

import json
import math
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from cyclopts import Parameter

from compare.check.settings import Settings
from compare.commands.options import Flag
from compare.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

    from compare.check.observer import Observer
    from compare.check.report.report import Report


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Source:
    """What a network is checked on, and how it is loaded and driven.

    Attributes
    ----------
    data
        iris, wine, breast_cancer, digits, diabetes, or the path of a CSV file; used standardised and raw. Beside a
        reference of your own also FILE.py:NAME, arrays (X, y) or a function that returns them.
    reference
        FILE.py:NAME, a compiled Keras model of your own or a function that builds it; this runs that file too.
    index_column
        Whether a CSV file's first column is an index. By default it is one if it has no name, or if it is a running
        number.
    time_limit
        Seconds that the subject may take for one situation.
    memory_limit
        Gigabytes of memory that the subject, and all that it starts, may take. Default: four fifths of what is free, or
        of several subjects at a time each its share of that.
    definitions_only
        For files that train when imported: run the file's imports, functions, classes, constants and the subject's own
        statement only. What needs a name that is left out is left out too, and the report says what was.
    """

    data: str = "iris"
    reference: str | None = None
    index_column: bool | None = None
    time_limit: float = 60.0
    memory_limit: float | None = None
    definitions_only: Flag = False

    def __post_init__(self) -> None:
        if not 0 < self.time_limit < math.inf:
            raise InputError(f"`time_limit` must be a positive number of seconds. Received: {self.time_limit}")
        if self.memory_limit is not None and not 0.25 <= self.memory_limit <= 1e6:
            raise InputError(
                "`memory_limit` must be a number of gigabytes, from 0.25, with less no network is even loaded, to 1e6. "
                f"Received: {self.memory_limit}"
            )


@cache
def _loaded(target: tuple[Path, str], argument: str) -> Any:
    """What a file of the user's own calls so, once for a whole class; data may be a function that returns them."""
    from compare.check.subject.loading import load_target
    from compare.sides.quiet_keras import import_quietly

    import_quietly()
    try:
        found = load_target(*target, definitions_only=False)
        return found() if argument == "data" and callable(found) else found
    except Exception as error:
        raise InputError(f"`{argument}` must be found in {target[0].name}: {type(error).__name__}: {error}") from None


def checked(
    target: tuple[Path, str],
    source: Source,
    settings: Settings,
    quiet: bool = True,
    beside: int = 1,
    observer: "Observer | None" = None,
) -> "Report":
    """Check what a file calls so, in a process of its own.

    Parameters
    ----------
    target : tuple of Path and str
    source : Source
    settings : Settings
    quiet : bool
        Whether nothing is shown of what is being done.
    beside : int
        Checks that share this machine's memory.
    observer : Observer, optional
        Follows it; what stages there are is shown besides.

    Raises
    ------
    InputError
        If something that was asked for is wrong, or does not fit the network.
    """
    from compare.check.subject.loading import left_out_of, split_target

    own = None if source.reference is None else split_target(source.reference, "reference")
    arrays = split_target(source.data, "data") if own is not None and ".py:" in source.data else None
    from compare.check.subject.drivers import Isolated
    from compare.limits import usual_limit

    memory = usual_limit() // beside if source.memory_limit is None else int(source.memory_limit * 1e9)
    with Isolated(*target, source.time_limit, source.definitions_only, memory) as driver:
        from compare.check.observer import Observer
        from compare.check.parity_check import check_driver
        from compare.show.terminal.progress import progress

        with progress(quiet) as stage:
            model = None if own is None else _loaded(own, "reference")
            data = source.data if arrays is None else _loaded(arrays, "data")
            following = replace(observer or Observer(), stage=stage)
            report = check_driver(driver, data, source.index_column, settings, model, following)
    if source.definitions_only and (left_out := left_out_of(*target)):
        report = replace(report, met=report.met.noting(left_out))
    return report


@dataclass(frozen=True)
class Asked:
    """What is asked for of every network of a class.

    `recorded`: there shall be all files of each check, and not only its manifest. `beside`: as many share the memory.
    """

    source: Source
    settings: Settings
    recorded: bool = True
    beside: int = 1

    @property
    def options(self) -> dict[str, Any]:
        """The settings by the names of their options."""
        return asdict(self.source) | asdict(self.settings)

    def command(self, *subjects: str) -> str:
        """The command that checks these alone."""
        from compare.runs.provenance import command_line

        return command_line(("check", *subjects), self.options, Asked(Source(), Settings()).options)


def checked_files(path: Path, name: str, subject: str, asked: Asked, seeds: object) -> "pd.DataFrame":
    """Check one network of a class, called `subject`, and return the files of its run's folder.

    Returns
    -------
    DataFrame
        A row a file: replicate (0), seconds, refused (why it was not checked, or None), file, content (bytes). Without
        a record the manifest alone.
    """
    import pandas as pd

    from compare.check.report.record import manifest, record_check
    from compare.runs.manifests import MANIFEST
    from compare.sides.quiet_keras import load_keras

    load_keras()
    begun, refused = datetime.now(UTC), None
    files = {"": b""}
    try:
        report = checked((path, name), asked.source, asked.settings, beside=asked.beside)
    except InputError as error:
        refused = str(error)
    else:
        called, command = subject if name else f"{subject}:{report.met.name}", asked.command(subject)
        if asked.recorded:
            with TemporaryDirectory() as folder:
                finished = record_check(report, Path(folder), called, command, asked.options, begun, drawn=False)
                files = {each.name: each.read_bytes() for each in finished.iterdir()}
        else:
            files = {MANIFEST: json.dumps(manifest(report, called, command)).encode()}
    told = {"replicate": 0, "seconds": (datetime.now(UTC) - begun).total_seconds(), "refused": refused}
    return pd.DataFrame({**told, "file": list(files), "content": list(files.values())})
