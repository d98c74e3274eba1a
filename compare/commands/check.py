"""The command `check`: one network against Keras, in a process of its own."""

import json
import math
import sys
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter

from compare.check.settings import Settings
from compare.commands.options import Flag, Telling
from compare.errors import InputError


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
        Gigabytes of memory that the subject, and all that it starts, may take. Default: four fifths of what is free.
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


def _loaded(target: tuple[Path, str], argument: str) -> Any:
    """What a file of the user's own calls so; data may be a function that returns them."""
    from compare.check.subject.loading import load_target
    from compare.sides.quiet_keras import import_quietly

    import_quietly()
    try:
        found = load_target(*target, definitions_only=False)
        return found() if argument == "data" and callable(found) else found
    except Exception as error:
        raise InputError(f"`{argument}` must be found in {target[0].name}: {type(error).__name__}: {error}") from None


def check(
    subject: str,
    *,
    source: Source = Source(),
    settings: Annotated[Settings, Parameter(name="*")] = Settings(),
    telling: Telling = Telling(),
    out: Path | None = Path("results"),
    record: bool = True,
    annotate: Literal["github"] | None = None,
    baseline: str | None = None,
) -> int:
    """Check whether your network trains exactly as Keras does; if not, say where and why.

    This runs the code in FILE.py, in a process of its own. Examples: `keras-parity check net.py`,
    `keras-parity check net.py:make --data wine --layers 16 3 --activations tanh --json`.

    Parameters
    ----------
    subject
        FILE.py, or FILE.py:NAME where more than one thing in it could be meant. NAME is a network of any shape, or
        what makes one: how it is driven is found out, and told. Nothing is found out where it has get_weights,
        set_weights and train_on_batch, is a function step(weights, x, y, learning_rate), or keras_parity.adapt says it.
    out
        Folder in which the run's folder is made.
    record
        Whether to write a run's folder.
    annotate
        Print the wrong lines on stderr as the annotations of a CI service.
    baseline
        An earlier check of the same subject, its folder or number: the exit status is 1 only for what is new since.
    """
    from compare.check.subject.loading import left_out_of, split_target

    begun = datetime.now(UTC)
    path, name = split_target(subject, name_wanted=False)
    own = None if source.reference is None else split_target(source.reference, "reference")
    arrays = split_target(source.data, "data") if own is not None and ".py:" in source.data else None
    from compare.check.subject.drivers import Isolated
    from compare.runs.baseline import against, read_baseline

    options, defaults = asdict(source) | asdict(settings), asdict(Source()) | asdict(Settings())
    if baseline is not None and not name:
        raise InputError(f"`baseline` needs the subject's name: write {path.name}:NAME. Received: {subject!r}")
    called = f"{path.name}:{name}"
    before = None if baseline is None else read_baseline(baseline, out or Path("results"), called, options)
    memory = None if source.memory_limit is None else int(source.memory_limit * 1e9)
    with Isolated(path, name, source.time_limit, source.definitions_only, memory) as driver:
        from compare.check.parity_check import check_driver
        from compare.show.terminal.progress import progress

        with progress(telling.quiet) as stage:
            model = None if own is None else _loaded(own, "reference")
            data = source.data if arrays is None else _loaded(arrays, "data")
            report = check_driver(driver, data, source.index_column, settings, stage, model)
    if source.definitions_only and (left_out := left_out_of(path, name)):
        report = replace(report, met=report.met.noting(left_out))
    from compare.check.report.record import as_run, record_check

    since = None if before is None else against(as_run(report), before)
    page = None
    if record and out is not None:
        from compare.runs.provenance import command_line
        from compare.runs.record import REPORT

        line = command_line(("check", subject), options, defaults)
        called = f"{path.name}:{name or report.met.name}"
        page = record_check(report, out, called, line, config=options, begun=begun) / REPORT
    if telling.as_json:
        told: dict[str, Any] = report.to_json() | {"run": None if page is None else str(page.parent)}
        told |= {"baseline": None if since is None else asdict(since)}
        print(json.dumps(told, indent=2))
    else:
        from compare.show.terminal.check import tell
        from compare.show.terminal.lines import say

        tell(report.headline if telling.quiet else str(report), report.passed)
        if since is not None:
            say(str(since), "bold")
        if page is not None:
            say(f"Report: {page}")
    if annotate is not None:
        from compare.show.terminal.annotations import github

        for line in github(report.to_json(), path):
            print(line, file=sys.stderr)
    return 0 if report.passed or (since is not None and not since.new) else 1
