"""An optimizer in Keras's words, as a command line or a test gives it: "adam", "sgd(momentum=0.9, nesterov=True)"."""

from __future__ import annotations

import ast
import math
from typing import Any

from compare.errors import LARGEST, InputError
from compare.recipe.architecture import Optimizer

_ADAM = {"learning_rate": 0.001, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7}
_EVERY = {"weight_decay": None, "clipnorm": None, "clipvalue": None, "global_clipnorm": None}

# Keras's defaults; None: not done.
DEFAULTS: dict[str, dict[str, Any]] = {
    "sgd": {"learning_rate": 0.01, "momentum": 0.0, "nesterov": False, **_EVERY},
    "rmsprop": {"learning_rate": 0.001, "rho": 0.9, "momentum": 0.0, "epsilon": 1e-7, "centered": False, **_EVERY},
    "adagrad": {"learning_rate": 0.001, "initial_accumulator_value": 0.1, "epsilon": 1e-7, **_EVERY},
    "adadelta": {"learning_rate": 0.001, "rho": 0.95, "epsilon": 1e-7, **_EVERY},
    "adam": {**_ADAM, "amsgrad": False, **_EVERY},
    "adamw": {**_ADAM, "amsgrad": False, **_EVERY, "weight_decay": 0.004},
    "nadam": {**_ADAM, **_EVERY},
}
# What Keras takes through float32 on TensorFlow; of the betas, where they correct the bias.
ROUNDED = ("beta_1", "beta_2", "momentum", "weight_decay", "initial_accumulator_value")
_SHARES = ("momentum", "rho", "beta_1", "beta_2")  # of what was: all of it would never be forgotten
_POSITIVE = ("learning_rate", "clipnorm", "clipvalue", "global_clipnorm")


def optimizer(words: str, learning_rate: float | None = None) -> Optimizer:
    """Return the optimizer that these words call.

    Parameters
    ----------
    words : str
        A name of `DEFAULTS`, or a call of one with keywords, whose values are numbers, True or False.
    learning_rate : float, optional
        What holds if the words give none; by default Keras's.

    Returns
    -------
    Optimizer
        With the arguments, by name, that are not Keras's defaults.

    Raises
    ------
    InputError
        If the words say anything else, or give another learning rate than `learning_rate`.
    """
    name, given = _read(words)
    defaults = DEFAULTS[name]
    arguments = {argument: _checked(name, argument, value) for argument, value in given.items()}
    rate = arguments.pop("learning_rate", None)
    if rate is None:
        rate = defaults["learning_rate"] if learning_rate is None else learning_rate
    elif learning_rate not in (None, rate):
        raise InputError(
            f"`learning_rate` must be the optimizer's own, or left out. Received: {learning_rate} beside {words}"
        )
    told = tuple(sorted((argument, value) for argument, value in arguments.items() if value != defaults[argument]))
    return Optimizer(name, rate, told)


def _read(words: str) -> tuple[str, dict[str, object]]:
    """Return the name and the keywords of a call, or of a name alone; nothing is evaluated."""
    refused = InputError(
        f"`optimizer` must be one of {', '.join(DEFAULTS)}, alone or with its arguments, as "
        f'"adam(learning_rate=0.001)". Received: {words!r}'
    )
    try:
        called = ast.parse(words.strip(), mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        raise refused from None
    keywords: list[ast.keyword] = []
    if isinstance(called, ast.Call) and not called.args:
        keywords, called = called.keywords, called.func
    if not isinstance(called, ast.Name) or called.id.lower() not in DEFAULTS:
        raise refused
    values: dict[str, object]
    values = {each.arg: each.value.value for each in keywords if each.arg and isinstance(each.value, ast.Constant)}
    if len(values) < len(keywords):  # one is no constant, or is given twice
        raise refused
    return called.id.lower(), values


def _checked(name: str, argument: str, value: object) -> float | bool:
    """Return an argument's value, a number as a float."""
    defaults = DEFAULTS[name]
    if argument not in defaults:
        raise InputError(f"`optimizer` must have arguments of {name}: {', '.join(defaults)}. Received: {argument}")
    number = value if isinstance(value, int | float) and not isinstance(value, bool) else math.nan
    if isinstance(defaults[argument], bool):
        expected, fits = "True or False", isinstance(value, bool)
    elif argument in _SHARES:
        expected, fits = "a number from 0 to below 1", 0 <= number < 1
    elif argument in _POSITIVE:
        expected, fits = "a positive number", 0 < number <= LARGEST
    else:
        expected, fits = "a number, 0 or more", 0 <= number <= LARGEST
    if not fits:
        raise InputError(f"`optimizer` must have {argument} as {expected}. Received: {value!r}")
    return bool(value) if isinstance(value, bool) else float(number)
