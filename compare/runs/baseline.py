"""A check held to an earlier one, its baseline: what is wrong now that was not wrong then.

A finding is what is wrong, and where, by names that outlive an edit: the situation, the tensor, the cause, the guilty
line by its function and its text. Line numbers, sizes of deviations and steps are no part of it: they shift.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from compare.errors import InputError
from compare.phrases import visible
from compare.runs.schema import CheckReport, OwnTraining, held

if TYPE_CHECKING:
    from compare.runs.record import Run

RANDOM = "not deterministic"


@dataclass(frozen=True)
class Against:
    """A check beside its baseline.

    Attributes
    ----------
    baseline : str
        The folder of the earlier check.
    new, gone, kept : tuple of str
        The findings of now alone, of then alone, and of both, in words.
    """

    baseline: str
    new: tuple[str, ...]
    gone: tuple[str, ...]
    kept: tuple[str, ...]

    def __str__(self) -> str:
        counts = f"{len(self.new) or 'nothing'} new, {len(self.kept)} as then, {len(self.gone)} no longer"
        return "\n".join([f"Since {Path(self.baseline).name}: {counts}", *(f"  new: {each}" for each in self.new)])


def findings(run: Run) -> tuple[str, ...]:
    """Return what a check found wrong, in words; nothing of one that passed.

    A verdict follows from what else is found, and changes as that is mended: it counts where there is nothing else.
    What is wrong in extreme situations alone, a warning, counts where it fails a check: if that is strict.
    """
    report: CheckReport = held(run.manifest["report"], CheckReport)
    table = run.tables["check"]
    if report.passed:
        return ()
    warned = [] if report.strict else report.extreme
    wrong = table[~table["passed"].astype(bool) & ~table["what"].isin(warned)]
    places = wrong[["what", "layer", "tensor"]].drop_duplicates().to_dict("records")
    found = [
        *([report.verdict] if report.verdict == RANDOM else []),
        *([f"refusal: {report.refusal}"] if report.refusal else []),
        *([f"kind: {report.kind}"] if report.kind else []),
        *(f"line: {each.source}" + (f" in {each.function}" if each.function else "") for each in report.guilty),
        *(f"cause: {cause.name}" for each in report.diagnosis for cause in each.causes),
        *(f"{_tensor(place['layer'], place['tensor'])} in {place['what']!r}" for place in places),
        *(f"not driven to its end: {where}" for where in report.not_driven),
        *(f"{error.partition(':')[0]} in {where!r}" for where, error in report.raised.items()),
        *(f"{name} told wrongly in {where!r}" for name, at in report.reported_wrongly.items() for where in at),
        *(f"{what} of its own {each.name}" for each in report.trainings for what in _wrong_of(each)),
        *(f"`{each.method}` in {each.situation!r}" for each in report.predictions.wrong),
        *(f"warning: {each.words}" for each in report.warnings if report.strict),
    ]
    return tuple(dict.fromkeys(map(visible, found or [f"verdict: {report.verdict}"])))


def _tensor(layer: float | None, tensor: str) -> str:
    return tensor if layer is None or layer != layer else f"{tensor} of layer {int(layer) + 1}"


def _wrong_of(training: OwnTraining) -> list[str]:
    """What is wrong of a network's own training, where that is judged."""
    wrong = {"weights": training.wrong_weights, "history": training.wrong_history, "error": training.error is not None}
    return [name for name, is_wrong in wrong.items() if is_wrong and training.controlled]


def against(run: Run, baseline: Run) -> Against:
    """Compare a check's findings with those of its baseline.

    Raises
    ------
    InputError
        If they are not of the same data.
    """
    now, then = (each.manifest["data"] for each in (run, baseline))
    if now["sha256"] != then["sha256"]:
        raise _other(baseline.folder, "data", f"{then['name']} (SHA-256 {then['sha256'][:12]})", now["sha256"][:12])
    found, before = findings(run), findings(baseline)
    new, gone = (tuple(each for each in one if each not in other) for one, other in ((found, before), (before, found)))
    return Against(str(baseline.folder), new, gone, tuple(each for each in found if each in before))


def read_baseline(run: str, out: Path, subject: str, config: Mapping[str, Any]) -> Run:
    """Read the check that another one is to be held to.

    Raises
    ------
    InputError
        If it is no finished check, or one of another subject, or with other settings.
    """
    from compare.runs import record
    from compare.runs.history import find

    try:
        found = record.read(find(run, out))
    except InputError as error:
        raise InputError(f"`baseline` must be a recorded check: {error}") from None
    manifest = found.manifest
    if manifest["kind"] != "check":
        raise InputError(
            f"`baseline` must be a recorded check. Received: {found.folder}, a {manifest['kind']}; "
            "see keras-parity list --kind check"
        )
    if manifest["subject"] != visible(subject):
        raise _other(found.folder, "subject", manifest["subject"], subject)
    for name, value in json.loads(json.dumps(config)).items():
        then = manifest.get("config", {}).get(name)
        if then != value:
            raise _other(found.folder, name, then, value)
    return found


def _other(folder: Path, what: str, then: Any, now: Any) -> InputError:
    return InputError(
        f"`baseline` must be a check with the {what} of now. Received: {folder}, with {then}, now {now}; "
        "record another, without --baseline"
    )
