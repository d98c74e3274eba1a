"""Update rules that may explain a subject beside any Keras model: Keras's, each variant of it, and each gradient's."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from compare.check.causes.cases import STEPS, Case, Makes, near
from compare.check.steps.model_reference import ModelReference
from compare.faults.fault import Cause, Fault
from compare.faults.optimizers import clip_of, updated
from compare.faults.structure import kind_of
from compare.faults.updates import CLIPPED, CLIPPED_WHOLE, DECAYED, EPSILONS, SCHEDULED, UPDATES, OfUpdate
from compare.faults.variants import GRADIENTS, OfGradients, Tensors, variant_of
from compare.recipe.optimizer_words import DEFAULTS, ROUNDED
from compare.sides.quiet_keras import load_keras


@dataclass(frozen=True)
class Rule:
    """What is done with Keras's gradients: faults, the first of them one of the gradients if `gradient` is given."""

    causes: tuple[Cause, ...]
    gradient: OfGradients | None
    options: dict[str, Any]


def update_rules(reference: ModelReference) -> list[Rule]:
    """Keras's rule, with its constants rounded and exact; each gradient's variant and each update's; each with each."""
    optimizer = reference.recipe.architecture.optimizer
    exact = {**DEFAULTS.get(optimizer.name, {}), **dict(optimizer.arguments)}
    if optimizer.name not in UPDATES:
        return []
    powers = {"beta_1": "power_1", "beta_2": "power_2"}  # of the betas, these alone are rounded
    rounded = exact | {powers.get(name, name): float(np.float32(exact[name])) for name in ROUNDED if exact.get(name)}
    settings = [exact] if rounded == exact else [exact, rounded]
    if reference.scheduled:
        settings = [
            of | {"exact_rates": is_exact} for of, is_exact in zip((exact, rounded), (True, False), strict=True)
        ]
    embeds = any(kind_of(layer) == "Embedding" for layer in load_keras().layers_of(reference.model))
    as_given = (Cause(CLIPPED_WHOLE.fault),) if embeds and clip_of(exact) else ()
    plain: list[Rule] = []
    varied: list[tuple[Fault, dict[str, Any]]] = []
    for of in settings:
        plain.append(Rule(as_given, None, _with_rates(of, reference) or of))
        for variant in _variants(optimizer.name, of, reference.scheduled):
            found = _with_rates(of | variant.options, reference)
            varied += [] if found is None else [(variant.fault, found)]
            if "epsilon_at" in variant.options:
                varied += [
                    (_sized(variant, size), plain[-1].options | variant.options | {"epsilon": size})
                    for size in EPSILONS
                ]
        varied += [(_epsilon(size), plain[-1].options | {"epsilon": size}) for size in EPSILONS if "epsilon" in of]
    alone = [Rule((Cause(fault),), None, options) for fault, options in varied]
    gradients, both = (
        [Rule((Cause(each.fault), *rule.causes), each, rule.options) for each in GRADIENTS for rule in rules]
        for rules in (plain, alone)
    )
    return [*plain, *alone, *gradients, *both]


def _variants(name: str, of: dict[str, Any], scheduled: bool) -> Iterator[OfUpdate]:
    if name != "sgd" or of["momentum"]:
        yield from UPDATES[name]
    if scheduled:
        yield from SCHEDULED
    if of.get("weight_decay"):
        yield from DECAYED
    clip = clip_of(of)
    yield from (each for each in CLIPPED if clip and each.options["clip"] != clip)


def _with_rates(of: dict[str, Any], reference: ModelReference) -> dict[str, Any] | None:
    """The same with the learning rate of each step, where there is a schedule; None where it knows no stairs."""
    if not reference.scheduled:
        return of
    at = of.get("rate_at", "")
    first = {"next": 1, "last": -1}.get(at, 0)
    steps = [0 if at == "first" else max(0, step + first) for step in range(STEPS)]
    stairs = {"stairs": True, "slope": False}.get(at)
    rates = load_keras().learning_rates(reference.model, steps, of["exact_rates"], stairs)
    return None if rates is None else of | {"rates": rates}


def _epsilon(size: float) -> Fault:
    return variant_of("epsilon of another size", f"epsilon is {size:g}", "use Keras's, or tell Keras yours")


def _sized(variant: OfUpdate, size: float) -> Fault:
    return replace(variant.fault, words=f"{variant.fault.words}, and is {size:g}")


def fits(cases: Sequence[Case], makes: Makes, rule: Rule, name: str) -> bool:
    """Whether a rule of the optimizer of this name makes every new weight of the subject's; ends with the first not."""
    return all(_fits(case, number, makes, rule, name) for number, case in enumerate(cases))


def _fits(case: Case, number: int, makes: Makes, rule: Rule, name: str) -> bool:
    def steps() -> Iterator[tuple[Tensors, Tensors]]:
        for index, one in enumerate(case.steps):
            g = makes.step(number, index).gradients
            yield one.weights, g if rule.gradient is None else rule.gradient.make(g, one.weights, one.facts)

    made = updated(name, rule.options, rule.options.get("rates", case.rate), steps(), case.steps[0].facts.roles)
    return all(
        near(new, after, bound, start)
        for tensors, one in zip(made, case.steps, strict=True)
        for new, after, bound, start in zip(tensors, one.after, one.bounds, one.weights, strict=True)
    )
