"""What a class or function that makes networks is given, by what its parameters are called."""

import inspect
import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from compare.check.subject.masks import dropout_layers
from compare.check.subject.refusal import Refusal
from compare.recipe.architecture import Architecture
from compare.recipe.recipe import Recipe

SIZES = ("layer_sizes", "sizes", "layers", "layer_dims", "dims", "architecture")
RATES = ("learning_rate", "lr", "eta", "alpha", "rate", "step_size")
VAGUE = ("alpha", "rate")  # of dropout, of a penalty, of a leaky slope too
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


class WrongDepth(Refusal):
    """A network has a number of layers of its own, which is not the one asked for."""


def arguments_of(factory: Callable[..., Any], recipe: Recipe) -> tuple[list[Any], dict[str, Any]]:
    """Match a factory's parameters by name; the first two required ones of unknown name get sizes and rate."""
    architecture = recipe.architecture
    sizes, rate = list(architecture.sizes), architecture.learning_rate
    known: dict[str, Any] = {key: list(sizes) for key in SIZES}
    known |= dict.fromkeys(SAMPLES, recipe.n_samples) | dict.fromkeys(CLASSES, architecture.outputs)
    known |= dict.fromkeys(FEATURES, sizes[0]) | dict.fromkeys(BATCHES, recipe.batch_size)
    known |= {key: list(architecture.activations) for key in ACTIVATIONS}
    try:
        parameters = list(inspect.signature(factory).parameters.values())
    except (TypeError, ValueError):
        return [sizes, rate], {}
    rates = rates_among([p.name for p in parameters], architecture)
    asking = [p for p in parameters if p.default is p.empty or not recipe.given]
    known |= dict.fromkeys(rates, rate) | _hidden(asking, sizes[1:-1])
    if len(set(architecture.activations)) == 1:
        known |= {
            p.name: architecture.activations[0] for p in parameters if p.name in ACTIVATION and p.default is p.empty
        }
    if parameters and all(p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD) for p in parameters):
        return [sizes, rate], {}  # handed on to whatever takes them
    for p in parameters:
        if p.name in rates:
            refuse_text(p.default, f"the default of the factory's `{p.name}`", p.name)
    spare: list[Any] = []
    of_sizes = [p for p in parameters if p.name in SIZES]
    if not of_sizes and not any(p.name in FEATURES for p in parameters):
        spare.append(sizes)
    if not rates:
        spare.append(rate)
    arguments: list[Any] = []
    keywords: dict[str, Any] = {}
    for p in parameters:
        if p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD):
            continue
        told = p.default is not p.empty and p.name in SIZES and any(q.default is q.empty for q in of_sizes)
        if p.name in known and not told and (p.default is p.empty or p.name in rates or not recipe.given):
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


def rates_among(names: Sequence[str], architecture: Architecture) -> list[str]:
    """The names that mean the learning rate; a vague one where no other does, and nothing is dropped."""
    found = [name for name in names if name in RATES]
    return [name for name in found if name not in VAGUE] or ([] if dropout_layers(architecture) else found)


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
