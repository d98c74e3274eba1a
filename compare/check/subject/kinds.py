"""What may be checked: an object with Keras's method names, a function of one step, or a factory of either."""

import copy
import inspect
import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import pairwise
from types import FunctionType
from typing import Any

import numpy as np
from numpy.typing import NDArray

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

SIZES = ("layer_sizes", "sizes", "layers", "layer_dims", "dims", "architecture")
RATES = ("learning_rate", "lr", "eta", "alpha", "rate", "step_size")
SAMPLES = ("n_samples", "samples", "num_samples", "n_examples", "m")
CLASSES = (
    *("n_classes", "classes", "num_classes", "n_outputs", "n_output", "n_out", "output_size", "output_dim", "outputs"),
    *("out_features", "out_dim", "num_outputs", "n_y", "d_out", "output_nodes", "output_units"),
)
FEATURES = (
    *("n_features", "features", "n_inputs", "n_input", "n_in", "input_size", "input_dim", "inputs", "in_features"),
    *("in_dim", "num_features", "num_inputs", "n_x", "d_in", "input_nodes", "input_units"),
)
HIDDEN = ("hidden", "hidden_layers", "hidden_sizes", "hidden_layer_sizes", "hidden_dims", "hidden_units")
# One hidden layer's units each: `hidden_size`; `h1`, `h2`; `n_hidden1`, `n_hidden2`.
OF_ONE = re.compile(r"(n_?|num_?)?(h|hid|hidden)_?(size|dim|nodes|neurons|units|layer_size|features)?_?\d?")
BATCHES = ("batch_size",)
ACTIVATIONS = ("activations", "hidden_activations")
ACTIVATION = ("activation", "hidden_activation", "activation_function")  # of all hidden layers
WEIGHTS = ("weights", "params", "parameters", "ws", "w")


class WrongDepth(Refusal):
    """A network has a number of layers of its own, which is not the one asked for."""


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
    if is_step_function(subject):
        return subject
    if is_factory(subject):
        if hasattr(subject, "of_recipe"):  # an adapter: no list of sizes tells all of a model's layers
            return subject.of_recipe(recipe)
        arguments, keywords = _arguments(subject, recipe)
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


def _arguments(factory: Callable[..., Any], recipe: Recipe) -> tuple[list[Any], dict[str, Any]]:
    """Match a factory's parameters by name; the first two required ones of unknown name get sizes and rate."""
    architecture = recipe.architecture
    sizes, rate = list(architecture.sizes), architecture.learning_rate
    known: dict[str, Any] = {key: list(sizes) for key in SIZES} | dict.fromkeys(RATES, rate)
    known |= dict.fromkeys(SAMPLES, recipe.n_samples) | dict.fromkeys(CLASSES, architecture.outputs)
    known |= dict.fromkeys(FEATURES, sizes[0]) | dict.fromkeys(BATCHES, recipe.batch_size)
    known |= {key: list(architecture.activations) for key in ACTIVATIONS}
    try:
        parameters = list(inspect.signature(factory).parameters.values())
    except (TypeError, ValueError):
        return [sizes, rate], {}
    known |= _hidden(parameters, sizes[1:-1])
    if len(set(architecture.activations)) == 1:
        known |= {
            p.name: architecture.activations[0] for p in parameters if p.name in ACTIVATION and p.default is p.empty
        }
    if parameters and all(p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD) for p in parameters):
        return [sizes, rate], {}  # handed on to whatever takes them
    for p in parameters:
        if p.name in RATES:
            refuse_text(p.default, f"the default of the factory's `{p.name}`", p.name)
    spare: list[Any] = []
    of_sizes = [p for p in parameters if p.name in SIZES]
    if not of_sizes and not any(p.name in FEATURES for p in parameters):
        spare.append(sizes)
    if not any(p.name in RATES for p in parameters):
        spare.append(rate)
    arguments: list[Any] = []
    keywords: dict[str, Any] = {}
    for p in parameters:
        if p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD):
            continue
        told = p.default is not p.empty and p.name in SIZES and any(q.default is q.empty for q in of_sizes)
        if p.name in known and not told and (p.default is p.empty or p.name in RATES or not recipe.given):
            value = known[p.name]
        elif p.default is not p.empty:
            continue
        elif spare:
            value = spare.pop(0)
        else:
            raise Refusal(f"the factory needs `{p.name}`, which is not known: give it a default")
        if p.kind is not p.KEYWORD_ONLY and p.default is p.empty and len(arguments) == parameters.index(p):
            arguments.append(value)
        else:
            keywords[p.name] = value
    return arguments, keywords


def _hidden(parameters: Sequence[inspect.Parameter], units: list[int]) -> dict[str, Any]:
    """What parameters are given that take the hidden layers' units, all in one or one each.

    Raises
    ------
    WrongDepth
        If there are more or fewer of them than hidden layers.
    """
    one = [p for p in parameters if OF_ONE.fullmatch(p.name) and (p.name not in HIDDEN or isinstance(p.default, int))]
    if not one:
        return {p.name: type(p.default)(units) for p in parameters if p.name in HIDDEN and _holds(p.default)} | {
            p.name: list(units) for p in parameters if p.name in HIDDEN and p.default is p.empty
        }
    if len(one) != len(units):
        many = f"{len(one)} hidden layer{'s' * (len(one) > 1)}"
        raise WrongDepth(f"the factory makes networks with {many}, and {len(units)} are asked for")
    return {p.name: count for p, count in zip(one, units, strict=True)}


def _holds(default: Any) -> bool:
    return isinstance(default, list | tuple)


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
    return not recipe.given or bool({*_names(network)} & {*RATES})


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


def refuse_text(value: object, what: str, name: str) -> None:
    """Raise Refusal for a number that is given as text.

    Raises
    ------
    Refusal
        It says what to write instead.
    """
    if isinstance(value, str):
        with suppress(ValueError):
            number = float(value)
            raise Refusal(f"{what} is the text {value!r}, and a learning rate is a number: write {name} = {number:g}")


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
