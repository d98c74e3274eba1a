"""Names what goes wrong beside any Keras model: from Keras's own gradients, what each known variant would have made."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from compare.check.causes.diagnosis import Diagnosis, Explanation
from compare.check.steps.lockstep import Driven, recipe_for
from compare.check.steps.model_reference import ModelReference, ModelStep
from compare.faults.fault import Cause, Fault
from compare.faults.variants import EPSILONS, GRADIENTS, LOSSES, UPDATES, Facts, OfGradients, OfUpdate, Tensors, updated
from compare.mathematics.functions import Array
from compare.recipe.optimizer_words import DEFAULTS, ROUNDED

STEPS = 8  # of a run: an optimizer's memory tells its variants apart
RUNS = 2
LIKE = 1e-9  # how far what a variant makes may lie from it, relative to the update: constants are rounded


@dataclass(frozen=True)
class _Case:
    """Some steps of a run, one after the other: what Keras starts from and computes, and what the subject made."""

    steps: list[tuple[Tensors, Tensors]]
    facts: list[Facts]
    after: list[Tensors]
    bounds: list[Tensors]
    losses: list[tuple[float, float, float, float]]  # told, right, its penalty, its bound
    rate: float


def name_variants(runs: Sequence[Driven], reference: ModelReference) -> Diagnosis:
    """Search gradients as a whole, the update rule, and the reported loss, each by itself and together.

    Parameters
    ----------
    runs : sequence of Driven
        All situations.
    reference : ModelReference

    Returns
    -------
    Diagnosis
        Nothing, where no variant gives every number.
    """
    wrong = [
        run for run in runs if run.first_wrong is not None and not run.situation.extreme and not run.situation.free
    ]
    cases = [case for run in wrong[:RUNS] if (case := _case(run, reference)) is not None]
    if not cases:
        return Diagnosis()
    steps = sum(len(case.steps) for case in cases)
    moving: list[tuple[Cause, ...]] = []
    tried = 0
    for causes, makes in _updates(reference):
        if moving and len(causes) > max(map(len, moving)):
            break
        tried += steps
        if all(_fits(case, makes, reference) for case in cases):
            moving.append(causes)
    telling = [faults for faults in _losses() if all(_tells(case, faults) for case in cases)]
    if not moving or not telling:
        return Diagnosis()
    fewest = min(len(causes) for causes in moving)
    explanations = [
        Explanation((*causes, *telling[0]), steps, len(cases), steps) for causes in moving if len(causes) == fewest
    ]
    kept = {each.names: each for each in reversed(explanations) if each.causes}
    return Diagnosis(tuple(reversed(kept.values())), tried)


def _case(run: Driven, reference: ModelReference) -> _Case | None:
    """What is known of a run's first steps; None if some raised."""
    steps = run.steps[:STEPS]
    if any(one.did.error is not None or one.did.after is None for one in steps):
        return None
    reference = reference.at(recipe_for(reference, run.situation))
    architecture, names = reference.recipe.architecture, reference.names
    trained = [place for place, weight in enumerate(architecture.weights) if weight.trainable]
    roles = [architecture.weights[place].role for place in trained]
    case = _Case([], [], [], [], [], architecture.learning_rate)
    for one in steps:
        assert isinstance(one.step, ModelStep)
        assert one.did.after is not None
        found = reference.quantities(one.step, {})
        weights = [one.step.weights[place] for place in trained]
        case.steps.append((weights, [found[f"d{names[place]}"] for place in trained]))
        penalty = architecture.penalty
        case.facts.append(Facts(one.step.n, int(np.prod(architecture.shapes[-1])), roles, penalty.l1, penalty.l2))
        case.after.append([one.did.after[place] for place in trained])
        case.bounds.append([one.bounds.after[place] for place in trained])
        kernels = [W for W, role in zip(weights, roles, strict=True) if role == "kernel"]
        paid = sum(penalty.l1 * float(np.abs(W).sum()) + penalty.l2 * float((W**2).sum()) for W in kernels)
        told = one.loss if one.did.loss is None else one.did.loss
        case.losses.append((told, one.loss, paid, float(one.bounds.loss)))
    return case


Makes = tuple[OfGradients | None, dict[str, Any]]


def _updates(reference: ModelReference) -> Iterator[tuple[tuple[Cause, ...], Makes]]:
    """Each gradient's variant, and each update's, by itself; then each with each."""
    optimizer = reference.recipe.architecture.optimizer
    exact = {**DEFAULTS.get(optimizer.name, {}), **dict(optimizer.arguments)}
    if optimizer.name not in UPDATES or any(exact.get(name) for name in ("clipnorm", "clipvalue", "global_clipnorm")):
        return
    powers = {"beta_1": "power_1", "beta_2": "power_2"}  # of the betas, these alone are rounded
    rounded = exact | {powers.get(name, name): float(np.float32(exact[name])) for name in ROUNDED if exact.get(name)}
    rules: list[tuple[Fault | None, dict[str, Any]]] = []
    for of in [exact] if rounded == exact else [exact, rounded]:
        rules.append((None, of))
        for variant in UPDATES[optimizer.name] if optimizer.name != "sgd" or of["momentum"] else ():
            rules.append((variant.fault, of | variant.options))
            if "epsilon_at" in variant.options:
                rules += [(_sized(variant, size), of | variant.options | {"epsilon": size}) for size in EPSILONS]
        rules += [(_epsilon(size), of | {"epsilon": size}) for size in EPSILONS if "epsilon" in of]
    alone = [(None, rule) for rule in rules] + [(each, rule) for each in GRADIENTS for rule in rules if rule[0] is None]
    both = [(each, rule) for each in GRADIENTS for rule in rules if rule[0] is not None]
    for gradient, (fault, options) in (*alone, *both):
        causes = [each for each in (gradient.fault if gradient else None, fault) if each is not None]
        yield tuple(map(Cause, causes)), (gradient, options)


def _epsilon(size: float) -> Fault:
    return Fault(
        "epsilon of another size", f"epsilon is {size:g}", "use Keras's, or tell Keras yours", lambda rules, *_: rules
    )


def _sized(variant: OfUpdate, size: float) -> Fault:
    of = variant.fault
    return Fault(of.name, f"{of.words}, and is {size:g}", of.fix, of.apply)


def _fits(case: _Case, makes: Makes, reference: ModelReference) -> bool:
    """Whether a variant makes every new weight of the subject's."""
    gradient, options = makes
    pairs = zip(case.steps, case.facts, strict=True)
    steps = [(W, g if gradient is None else gradient.make(g, W, facts)) for (W, g), facts in pairs]
    roles = case.facts[0].roles
    made = updated(reference.recipe.architecture.optimizer.name, options, case.rate, steps, roles)
    return all(
        _near(one, other, bound, start)
        for new, after, bounds, (weights, _) in zip(made, case.after, case.bounds, case.steps, strict=True)
        for one, other, bound, start in zip(new, after, bounds, weights, strict=True)
    )


def _near(made: Array, seen: Array, bound: Array, start: Array) -> bool:
    allowed = 10 * bound + LIKE * np.abs(made - start).max()
    return bool(np.isfinite(made).all() and (np.abs(made - seen) <= allowed).all())


def _losses() -> Iterator[tuple[Cause, ...]]:
    yield ()
    yield from ((Cause(variant.fault),) for variant in LOSSES)


def _tells(case: _Case, causes: tuple[Cause, ...]) -> bool:
    """Whether the reported loss is what these faults make of Keras's."""
    make = {variant.fault: variant.make for variant in LOSSES}
    for (told, right, paid, bound), facts in zip(case.losses, case.facts, strict=True):
        expected = make[causes[0].fault](right, paid, facts) if causes else right
        if not abs(told - expected) <= 10 * bound * max(1.0, abs(expected / right) if right else 1.0):
            return False
    return True
