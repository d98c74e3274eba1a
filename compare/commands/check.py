"""The command `check`: a network against Keras, in a process of its own; or several."""

import json
import time
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from compare.check.settings import Settings
from compare.commands.class_check import Together, check_class, expanded
from compare.commands.options import Telling
from compare.commands.source import Asked, Source, checked


def check(
    subject: tuple[str, ...],
    *,
    source: Source = Source(),
    settings: Annotated[Settings, Parameter(name="*")] = Settings(),
    together: Together = Together(),
    telling: Telling = Telling(),
    out: Path | None = Path("results"),
    record: bool = True,
) -> int:
    """Check whether your network trains exactly as Keras does; if not, say where and why.

    This runs the code in FILE.py, in a process of its own. Examples: `keras-parity check net.py:Network`,
    `keras-parity check net.py:make --data wine --layers 16 3 --activations tanh --json`,
    `keras-parity check 'submissions/*/net.py:Network' --time-limit 10 --csv class.csv`.

    Parameters
    ----------
    subject
        FILE.py:NAME. NAME is an object with get_weights, set_weights and train_on_batch, a function
        step(weights, x, y, learning_rate), a factory of either, or an adapted one (keras_parity.adapt). Of several,
        and of a pattern of files, one table is made, and a page that opens each one's own.
    out
        Folder in which the run's folder is made.
    record
        Whether to write a run's folder.
    """
    from compare.check.subject.loading import split_target

    subjects = expanded(subject)
    if len(subjects) > 1:
        return check_class(subject, source, settings, telling, together, out if record else None)
    path, name = split_target(subjects[0])
    began = time.perf_counter()
    report = checked((path, name), source, settings, telling.quiet)
    seconds = time.perf_counter() - began
    page = None
    if record and out is not None:
        from compare.check.report.record import record_check
        from compare.runs.record import REPORT

        page = record_check(report, out, f"{path.name}:{name}", Asked(source, settings).command(*subjects)) / REPORT
    told: dict[str, Any] = report.to_json() | {"run": None if page is None else str(page.parent)}
    together.write_one(subjects[0], told, seconds)
    if telling.as_json:
        print(json.dumps(told, indent=2))
    else:
        from compare.show.terminal.check import tell
        from compare.show.terminal.lines import say

        tell(report.headline if telling.quiet else str(report), report.passed)
        if page is not None:
            say(f"Report: {page}")
    return 0 if report.passed else 1
