"""The command `check`: a network against Keras, in a process of its own; or several."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from compare.check.settings import Settings
from compare.commands.class_check import Together, check_class, expanded
from compare.commands.options import Telling, print_annotations
from compare.commands.source import Asked, Source, checked
from compare.errors import InputError

if TYPE_CHECKING:
    from compare.check.observer import Observer
    from compare.check.report.report import Report
    from compare.show.afterwards import Early


def check(
    subject: tuple[str, ...],
    *,
    source: Source = Source(),
    settings: Annotated[Settings, Parameter(name="*")] = Settings(),
    together: Together = Together(),
    telling: Telling = Telling(),
    out: Path | None = Path("results"),
    record: bool = True,
    annotate: Literal["github"] | None = None,
    baseline: str | None = None,
) -> int:
    """Check whether your network trains exactly as Keras does; if not, say where and why.

    This runs the code in FILE.py, in a process of its own. Examples: `keras-parity check net.py`,
    `keras-parity check net.py:make --data wine --layers 16 3 --activations tanh --json`,
    `keras-parity check 'submissions/*/net.py' --time-limit 10 --csv class.csv`.

    Parameters
    ----------
    subject
        FILE.py, or FILE.py:NAME where more than one thing in it could be meant. NAME is a network of any shape, or
        what makes one: how it is driven is found out, and told. Nothing is found out where it has get_weights,
        set_weights and train_on_batch, is a function step(weights, x, y, learning_rate), or keras_parity.adapt says it.
        Of several, and of a pattern of files, one table is made, and a page that opens each one's own.
    out
        Folder in which the run's folder is made.
    record
        Whether to write a run's folder.
    annotate
        Print the wrong lines on stderr as the annotations of a CI service.
    baseline
        An earlier check of the same subject, its folder or number: the exit status is 1 only for what is new since.
    """
    from compare.check.subject.loading import split_target

    begun = datetime.now(UTC)
    subjects = expanded(subject)
    folder = out if record else None
    if len(subjects) > 1:
        _refuse_baseline(baseline, subjects)
        return check_class(subject, subjects, source, settings, telling, together, folder, annotate is not None)
    path, name = split_target(subjects[0], name_wanted=False)
    from compare.runs.baseline import against, read_baseline

    asked = Asked(source, settings)
    if baseline is not None and not name:
        raise InputError(f"`baseline` needs the subject's name: write {path.name}:NAME. Received: {subjects[0]!r}")
    called = f"{path.name}:{name}"
    before = None if baseline is None else read_baseline(baseline, out or Path("results"), called, asked.options)
    from compare.show.afterwards import Early
    from compare.work.companion import comes_as_a_copy, companion

    with companion(folder is not None and comes_as_a_copy()) as beside, TemporaryDirectory() as kept:
        early = Early(beside, Path(kept))
        report = checked((path, name), source, settings, telling.quiet, observer=_drawing(early) if beside else None)
        seconds = (datetime.now(UTC) - begun).total_seconds()
        from compare.check.report.record import as_run, record_check

        since = None if before is None else against(as_run(report), before)
        page = None
        if folder is not None:
            from compare.runs.record import REPORT

            called = f"{path.name}:{name or report.met.name}"
            command = asked.command(*subjects)
            page = record_check(report, folder, called, command, asked.options, begun, early=early) / REPORT
    told: dict[str, Any] = report.to_json() | {"run": None if page is None else str(page.parent)}
    together.write_one(subjects[0], told, seconds)
    if telling.as_json:
        print(json.dumps(told | {"baseline": None if since is None else asdict(since)}, indent=2))
    else:
        from compare.show.terminal.check import tell
        from compare.show.terminal.lines import say

        tell(report.headline if telling.quiet else str(report), report.passed)
        if since is not None:
            say(str(since), "bold")
        if page is not None:
            say(f"Report: {page}")
    if annotate is not None:
        print_annotations(told, path)
    return 0 if report.passed or (since is not None and not since.new) else 1


def _drawing(early: "Early") -> "Observer":
    """Have the figure drawn while the lines are looked for, which it does not show."""
    from compare.check.observer import Observer

    def judged(report: "Report") -> None:
        from compare.check.report.record import as_run  # imports much, while the subject's process starts

        early.draw(as_run(report))

    return Observer(loading=early.prepare, judged=judged)


def _refuse_baseline(baseline: str | None, subjects: Sequence[str]) -> None:
    if baseline is not None:
        raise InputError(
            f"`baseline` must be the earlier check of one subject. Received: {baseline} with {len(subjects)} subjects; "
            "check each by itself, or leave --baseline out"
        )
