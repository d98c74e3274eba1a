"""Finds what can be driven: as it is, or by an adapter that is inferred; by its name, or in a whole file."""

import inspect
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from types import FunctionType
from typing import Any

import numpy as np

from compare.check.subject.exceptions import Interrupted, describe
from compare.check.subject.factories import FEATURES, SIZES, WrongDepth
from compare.check.subject.forms import misfit
from compare.check.subject.handle import Handle
from compare.check.subject.inference.inference import infer
from compare.check.subject.inference.making import is_first, keeps_arrays, makings
from compare.check.subject.inference.trials import Batch
from compare.check.subject.kinds import is_keras, is_step_function, make
from compare.check.subject.refusal import Refusal
from compare.phrases import listed
from compare.recipe.architecture import Dense
from compare.recipe.recipe import Recipe

KERAS_NAMES = ("get_weights", "set_weights", "train_on_batch")
SHOWN = 8
CERTAIN = 2  # of an inferred adapter: every update is right by it


@dataclass(frozen=True)
class Found:
    """What can be driven: its name, itself or the adapted subject, and the adapter's code; "" where it needs none.

    `sure` is how sure it is that it is one, the most first; `parts` are the classes of what a network of it holds, and
    `activations` those of its hidden layers, where they are not the ones asked for.
    """

    name: str
    subject: Any
    adapter: str = ""
    sure: int = 0
    parts: frozenset[type] = frozenset()
    activations: tuple[str, ...] = ()


def find(name: str, namespace: Mapping[str, Any], recipe: Recipe) -> Found:
    """Find how what a file calls so is driven.

    Raises
    ------
    Refusal
        If it cannot be; it asks for what is missing.
    """
    thing = namespace[name]
    if hasattr(thing, "of_recipe"):
        return Found(name, thing)
    plain = all(isinstance(layer, Dense) for layer in recipe.architecture.layers)
    if not plain or _is_driven(thing, recipe):
        return Found(name, thing, sure=1)
    failures: list[BaseException] = []
    for making in makings(name, thing, namespace):
        try:
            found = infer(making, namespace, recipe)
        except Interrupted:
            raise
        except BaseException as error:
            failures.append(error)
        else:
            sure = CERTAIN if found.certain else CERTAIN + 1
            return Found(name, found.subject, found.code, sure, found.parts, found.activations)
    for kind in (WrongDepth, Refusal, BaseException):
        for failure in reversed(failures):
            if isinstance(failure, kind):
                raise failure
    return Found(name, thing)


def _is_driven(thing: Any, recipe: Recipe) -> bool:
    """Whether this is driven as it is."""
    if is_keras(thing):
        return True
    if is_step_function(thing):
        return _takes_flat(thing, recipe)
    if isinstance(thing, FunctionType) and keeps_arrays(thing):
        return False
    try:
        made = make(thing, recipe, "any")
    except Exception:  # there may be another way to make it, and if not, that is told there
        return False
    if is_step_function(made):
        return True
    if not all(callable(getattr(made, each, None)) for each in KERAS_NAMES):
        return False
    shapes: list[tuple[int, ...]] = []
    with suppress(Exception):  # some have no weights before they are set
        shapes = [np.shape(each) for each in made.get_weights()]
    return "(units, inputs)" not in misfit(made, shapes, recipe.architecture)


def _takes_flat(step: Any, recipe: Recipe) -> bool:
    """Whether a function of a step takes its weights in one list, of labels of either form."""
    batch = Batch(recipe)
    for labels in (batch.y, np.eye(recipe.architecture.outputs)[batch.y]):
        with suppress(Exception):
            handle = Handle(step, recipe)
            handle.set_weights(batch.weights[0])
            step(handle.weights, batch.x.copy(), labels, recipe.architecture.learning_rate)
            return True
    return False


def find_only(namespace: Mapping[str, Any], file: str, own: str, recipe: Recipe) -> Found:
    """Find the one thing in a file that can be driven.

    Parameters
    ----------
    namespace : dict
        What the file defines.
    file, own : str
        What it is called, and its module.
    recipe : Recipe

    Raises
    ------
    Refusal
        If there is none, or more than one; these are listed.
    """
    found: list[Found] = []
    refused: dict[str, str] = {}
    deeper: WrongDepth | None = None
    for name in _candidates(namespace, own):
        try:
            found.append(find(name, namespace, recipe))
        except WrongDepth as error:
            deeper = error
        except Refusal as error:
            refused[name] = str(error)
        except Interrupted:
            raise
        except BaseException as error:
            refused[name] = describe(error)
    best = min((each.sure for each in found), default=None)
    if deeper is not None and (best is None or best > 1):
        raise deeper
    likely = _distinct([each for each in found if each.sure == best], namespace)
    if len(likely) == 1:
        return likely[0]
    if likely:
        names = [f"{file}:{each.name}" for each in likely]
        shown = [*names[:SHOWN], *([f"{len(names) - SHOWN} more"] if len(names) > SHOWN else [])]
        raise Refusal(f"more than one thing in {file} can be checked: say which, {listed(shown)}")
    if not refused:
        raise Refusal(f"{file} defines nothing that can be checked: no class, object or function of a network")
    name = next((name for name, why in refused.items() if "adapt(" in why), next(iter(refused)))
    others = [f"`{each}`" for each in refused if each != name][:SHOWN]
    raise Refusal(f"`{name}`: {refused[name]}" + (f"; nor can be driven: {', '.join(others)}" if others else ""))


def _candidates(namespace: Mapping[str, Any], own: str) -> list[str]:
    """Names of what a file defines itself that may be, or make, a network."""
    return [name for name, thing in namespace.items() if not name.startswith("_") and _may_be(name, thing, own)]


def _may_be(name: str, thing: Any, own: str) -> bool:
    if hasattr(thing, "of_recipe") or is_keras(thing):
        return True
    if inspect.isclass(thing):
        return thing.__module__ == own and not issubclass(thing, BaseException)
    if isinstance(thing, FunctionType):
        if thing.__module__ != own:
            return False
        try:
            names = {*inspect.signature(thing).parameters}
        except (TypeError, ValueError):
            return False
        steps = is_step_function(thing) or (len(names) > 1 and keeps_arrays(thing))
        return steps or is_first(name, thing) or bool(names & {*SIZES, *FEATURES})
    return type(thing).__module__ == own


def _distinct(found: list[Found], namespace: Mapping[str, Any]) -> list[Found]:
    """Leave out what is there in another form too.

    An object beside its class, a class beside a network that holds its objects, and a function of a step beside what
    makes its parameters.
    """
    things = {each.name: namespace[each.name] for each in found}
    parts = frozenset().union(*(each.parts for each in found))
    classes = [thing for thing in things.values() if inspect.isclass(thing)]
    kept = [each for each in found if things[each.name] not in parts and type(things[each.name]) not in classes]
    makers = [each for each in kept if not (each.adapter and is_step_function(things[each.name]))]
    return makers or kept
