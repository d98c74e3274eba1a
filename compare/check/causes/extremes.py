"""Says what goes wrong in extreme situations, beyond what ordinary ones have shown: it warns, and decides nothing."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from compare.check.causes.diagnosis import Diagnosis, Warned, confirmed
from compare.check.causes.evidence import Case, Causes
from compare.check.causes.hypothesis import Reach
from compare.check.causes.search import Search
from compare.check.steps.lockstep import Driven
from compare.faults import FAULTS
from compare.faults.fault import Cause
from compare.recipe.architecture import Architecture


def in_extremes(
    runs: Sequence[Driven], diagnosis: Diagnosis, architecture: Architecture, precision: str = "float64"
) -> tuple[Warned, ...]:
    """Say what goes wrong in extreme situations, beyond what ordinary ones have shown."""
    if diagnosis.kind is not None:
        return ()
    known = diagnosis.explanations[0].causes if diagnosis.explanations else ()
    wrong = [run for run in runs if run.first_wrong is not None]
    cases = [Case([run], architecture, precision) for run in wrong]
    options = [_options(case, known) for case in cases]
    # One fault may show in several situations: the one that explains most of them is the likeliest in each.
    shown = Counter(cause for each in options for cause in {cause for causes in each for cause in causes})
    # What changes the update in one situation may change the loss alone in another.
    others = [cause for cause, _ in shown.most_common() if cause not in known and not cause.fault.reporting]
    for place, case in enumerate(cases):
        for cause in others if not options[place] else ():
            options[place] += _options(case, (*known, cause))
    plain = [Case([run], architecture, precision) for run in runs if run.steps and run.first_wrong is None]
    plain += [case for case, each in zip(cases, options, strict=True) if set(known) in map(set, each)]
    found: list[Warned] = []
    for run, each in zip(wrong, options, strict=True):
        if not each:
            found.append(Warned(run.situation.name, _seen(run)))
            continue
        against = {causes: sum(not _explains(case, causes) for case in plain) for causes in each}
        likeliest = max(each, key=lambda causes: (-against[causes], -len(causes), sum(shown[c] for c in causes)))
        news = [cause for cause in likeliest if cause not in known and not cause.fault.manner]
        found += [Warned(run.situation.name, cause.warning, cause) for cause in news]
        found += _hidden(run, known, architecture)
    once = {each.words if each.cause is None else each.cause.name: each for each in reversed(found)}
    return tuple(reversed(once.values()))


def _options(case: Case, known: Causes) -> list[Causes]:
    """Faults that give what the subject did in one extreme situation, those that are known among them; alternatives."""
    manners = tuple(Cause(fault) for fault in FAULTS.values() if fault.manner)
    weights, losses = case.items(losses=False), case.items(losses=True)
    for base in (known, (*known, *manners)):
        options = [
            complete.causes
            for found in Search(case, weights, False, Reach.ADD, extreme=True).run(base)
            if not found.left
            for complete in Search(case, losses, True, Reach.ADD, extreme=True).run(found.causes)
            if not complete.left
        ]
        if options:
            return options
    return []


def _explains(case: Case, causes: Causes) -> bool:
    """Whether faults, as they are, give all that the subject did."""
    return all(case.explains(causes, item) for losses in (False, True) for item in case.items(losses))


def with_extremes(
    diagnosis: Diagnosis,
    warned: Sequence[Warned],
    runs: Sequence[Driven],
    architecture: Architecture,
    precision: str = "float64",
) -> Diagnosis:
    """Leave nothing in ordinary situations unexplained that a warning explains: training that explodes meets it.

    The explanations keep their causes: the warnings name the others.
    """
    also = tuple(each.cause for each in warned if each.cause is not None)
    if not also or not any(each.left for each in diagnosis.explanations):
        return diagnosis
    case = Case([run for run in runs if run.steps], architecture, precision)
    found = []
    for each in diagnosis.explanations:
        more = confirmed(case, (*each.causes, *also))
        better = len(more.left) < len(each.left) and more.unexplained_errors <= each.unexplained_errors
        found.append(replace(each, left=more.left, unexplained_errors=more.unexplained_errors) if better else each)
    return replace(diagnosis, explanations=tuple(found))


def _hidden(run: Driven, known: Causes, architecture: Architecture) -> list[Warned]:
    """What known faults stand in front of, where an update or a loss is not finite: it stays when they are mended."""
    updates = all(np.isfinite(array).all() for step in run.steps for array in step.did.after or ())
    losses = all(step.did.loss is None or np.isfinite(step.did.loss) for step in run.steps)
    faults = [FAULTS[name] for cause in known for name in cause.fault.hides(*cause.parameter)]
    shown = [fault for fault in faults if not (losses if fault.reporting else updates)]
    causes = [Cause(fault, parameter) for fault in shown for parameter in fault.parameters(architecture)]
    return [Warned(run.situation.name, cause.warning, cause) for cause in causes]


def _seen(run: Driven) -> str:
    """What is seen in a situation that nothing explains."""
    step = run.steps[run.first_wrong or 0]
    if step.did.error is not None:
        return f"in {run.situation.name!r} {step.did.error}"
    what = "the loss" if step.wrong_loss else "the update"
    both = " and the update" if step.wrong_loss and step.wrong_weights else ""
    told = "" if not step.wrong_loss else f" ({step.did.loss:.6g} where Keras has {step.loss:.6g})"
    return f"in {run.situation.name!r} {what}{told}{both} {'are' if both else 'is'} not Keras's"
