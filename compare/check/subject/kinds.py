"""What may be checked: an object with Keras's method names, a function of one step, or a factory of either."""

import copy
import inspect
from collections.abc import Callable
from contextlib import suppress
from itertools import pairwise
from types import FunctionType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from compare.check.subject.factories import ACTIVATIONS, RATES, arguments_of, rates_among, refuse_text
from compare.check.subject.guesses import adapter_for, methods_of, step_of
from compare.check.subject.places import Variables
from compare.check.subject.refusal import Refusal as Refusal
from compare.errors import InputError
from compare.recipe.architecture import ACTIVATIONS as KNOWN
from compare.recipe.architecture import Dense, slope_of
from compare.recipe.recipe import Recipe
from compare.sides.models import described
from scratch_nn import DenseLayer

Array = NDArray[Any]

WEIGHTS = ("weights", "params", "parameters", "ws", "w")


def is_keras(thing: object) -> bool:
    """Whether this is a Keras model; Keras is not imported to find out."""
    return any(cls.__module__.split(".")[0] == "keras" for cls in type(thing).__mro__) and hasattr(
        thing, "train_on_batch"
    )


def is_step_function(thing: object) -> bool:
    """Whether this is a function (weights, x, y, learning_rate) -> (weights, loss)."""
    if not callable(thing) or inspect.isclass(thing) or hasattr(thing, "train_on_batch"):
        return False
    names = _names(thing)
    return len(names) >= 3 and names[0].lower() in WEIGHTS


def _names(thing: Callable[..., Any]) -> list[str]:
    try:
        return list(inspect.signature(thing).parameters)
    except (TypeError, ValueError):
        return []


def is_factory(thing: object) -> bool:
    """Whether this makes subjects."""
    return (callable(thing) and not hasattr(thing, "train_on_batch")) or inspect.isclass(thing)


def make(subject: Any, recipe: Recipe, want: str = "subject") -> Any:
    """Return a fresh subject: from the factory, or a copy of the object. An adapter may `want` "any" object.

    Raises
    ------
    Refusal
        If it cannot be made.
    """
    if is_keras(subject):
        return subject
    if hasattr(subject, "of_recipe"):  # an adapter: no list of sizes tells all of a model's layers
        return subject.of_recipe(recipe)
    if is_step_function(subject):
        return subject
    if is_factory(subject):
        arguments, keywords = arguments_of(subject, recipe)
        made = subject(*arguments, **keywords)
        if want == "subject" and not (is_step_function(made) or hasattr(made, "train_on_batch")):
            raise Refusal(_no_step(made, f"the factory returned {_a(made)}, which", subject))
        return made
    if want == "subject" and not hasattr(subject, "train_on_batch"):
        raise Refusal(_no_step(subject, f"it is {_a(subject)}, which", subject))
    try:
        return copy.deepcopy(subject)
    except Exception as error:
        raise Refusal(f"the object cannot be copied ({error}); pass a factory that makes it instead") from None


def _a(thing: object) -> str:
    name = type(thing).__name__
    return f"{'an' if name[:1] in 'AEIOUaeiou' else 'a'} {name}"


def _no_step(made: Any, what: str, network: Any) -> str:
    """Say that an object has no step under Keras's name, which methods it has, and how to name one of them."""
    line = adapter_for(network, made, step="lambda net, x, y: " + step_of(made))
    return (
        f"{what} has no `train_on_batch` and is no function `step(weights, x, y, learning_rate)`; it has "
        f"{methods_of(made)}: write an adapter, {line}"
    )


def takes_rate(subject: Any, recipe: Recipe) -> bool:
    """Whether a subject is told its learning rate: a step function is, and a factory, if its parameters say so.

    Where the network is made for a model, a factory may have a rate of its own.
    """
    if is_step_function(subject) or not is_factory(subject):
        return is_step_function(subject)
    network = getattr(subject, "network", subject)
    if getattr(subject, "takes_rate", False):
        return True
    if network is not subject and not makes_for(network):
        return False
    return not recipe.given or bool(rates_among(_names(network), recipe.architecture))


def told_activations(network: Any) -> bool:
    """Whether a factory is told the activations of the hidden layers."""
    return is_factory(network) and bool({*_names(network)} & {*ACTIVATIONS})


def makes_for(network: Any) -> bool:
    """Whether an adapter's network is made for the layers and the rate asked for: it is no object, nor always one."""
    return is_factory(network) and bool(_names(network))


def read_off(subject: Any) -> dict[str, Any]:
    """What an object says about itself: `layer_sizes`, `learning_rate`, `activations`, `dtype`, where it does."""
    if is_factory(subject) or not hasattr(subject, "get_weights"):
        return {}
    return _of_keras(subject) if is_keras(subject) else _of_object(subject)


def rate_of(thing: Any) -> float | None:
    """The learning rate that an object has, or a function reads, under one of the usual names; None for none."""
    optimizer = getattr(thing, "optimizer", None)
    variables = Variables(thing) if isinstance(thing, FunctionType) else {}
    for name in RATES:
        for value in (getattr(thing, name, None), getattr(optimizer, name, None), variables.get(name)):
            with suppress(TypeError, ValueError):
                if np.isfinite(rate := float(np.asarray(value, dtype=np.float64))):
                    return rate
    return None


def _of_keras(model: Any) -> dict[str, Any]:
    architecture = described(model)
    found: dict[str, Any] = {
        "learning_rate": architecture.learning_rate,
        "dtype": architecture.dtype,
        "labels": "integer" if "sparse" in architecture.loss else "onehot",
    }
    if all(isinstance(layer, Dense) for layer in architecture.layers):
        found["layer_sizes"] = architecture.sizes
        if all(slope_of(name) is not None or name in KNOWN for name in architecture.activations):
            found["activations"] = architecture.activations
    return found


def _of_object(subject: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    with suppress(Exception):  # it may have no weights yet; what it cannot say is given instead
        kernels = [W for W in map(np.asarray, subject.get_weights()) if W.ndim == 2]
        # Kernels that do not follow on each other are turned round: the sizes are then not what they seem.
        if kernels and all(a.shape[1] == b.shape[0] for a, b in pairwise(kernels)):
            found["layer_sizes"] = (len(kernels[0]), *(W.shape[1] for W in kernels))
    for name in RATES:
        refuse_text(getattr(subject, name, None), f"its `{name}`", f"self.{name}")
        refuse_text(getattr(getattr(subject, "optimizer", None), name, None), f"its optimizer's `{name}`", name)
    if (rate := rate_of(getattr(subject, "network", subject))) is not None:
        found["learning_rate"] = rate
    hidden = [_activation(layer) for layer in list(getattr(subject, "layers", []))[:-1]]
    if "layer_sizes" in found and len(hidden) == len(found["layer_sizes"]) - 2 and all(hidden):
        found["activations"] = tuple(hidden)
    return found


def _activation(layer: object) -> str:
    activation = getattr(layer, "activation", None)
    if activation is None and isinstance(layer, DenseLayer):
        return "relu"
    return activation if isinstance(activation, str) and activation in KNOWN else ""


def check_subject(subject: Any) -> None:
    """Raise InputError for what can be no subject at all."""
    if not callable(subject) and not hasattr(subject, "train_on_batch"):
        raise InputError(
            "`subject` must be an object with get_weights, set_weights and train_on_batch, a function "
            "step(weights, x, y, learning_rate), or a factory of either. "
            f"Received: {type(subject).__name__}"
        )
