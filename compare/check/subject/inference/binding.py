"""What a call's parameters are given, by what they are called, and by what earlier calls return."""

import ast
import inspect
import itertools
import re
import textwrap
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from compare.check.subject.factories import RATES
from compare.check.subject.guesses import BATCH, EPOCHS, LABELS, SAMPLES

OFF = re.compile(r"shuffle|verbose|verbosity|print_?(cost|loss|every)?|plot|display|debug", re.IGNORECASE)
RATE = re.compile("|".join(RATES))
ROLES = {
    "epochs": EPOCHS,
    "batch": BATCH,
    "rate": RATE,
    "off": OFF,
    "y": LABELS,
    "x": SAMPLES,
    "network": re.compile(r"model|net(work)?|nn|mlp|clf|classifier", re.IGNORECASE),
    "params": re.compile(r"params?|parameters|weights|theta|ws|w|model|net(work)?", re.IGNORECASE),
    "out": re.compile(
        r"(y_?)?(hat|pred(ict)?(ion)?s?|probs?|probabilities|outputs?|out|scores|logits|activations?|a_?l|p|a\d?|z\d?)",
        re.IGNORECASE,
    ),
    "error": re.compile(
        r"(d_?)?(loss|out(put)?|z|a|l|y)?_?grad(ient)?(_?out(put)?)?|d_?\w*|delta|error", re.IGNORECASE
    ),
    "cache": re.compile(r"caches?|memory|intermediates?|state|acts|activations|zs|tape", re.IGNORECASE),
    "grads": re.compile(r"(d_?)?grad(ient)?s?|deltas?|derivatives|d_?params|nablas?", re.IGNORECASE),
}
ALWAYS = {"epochs": ["1"], "rate": ["learning_rate"], "off": ["False"]}


@dataclass(frozen=True)
class Part:
    """Something of a network that can be called: how it is written, what it is called, and itself."""

    written: str
    name: str
    function: Callable[..., Any]


@dataclass(frozen=True)
class Given:
    """What parameters may be given: expressions by their role, and by a name that an earlier call returns."""

    roles: Mapping[str, list[str]]
    names: Mapping[str, str] = field(default_factory=dict)

    def after(self, name: str, part: Part) -> "Given":
        """What later calls may be given as well, once the result of one is kept under a name."""
        results = {
            "out": {"out": ["out", "out[0]"], "cache": ["out[1]", "out"]},
            "told": {"error": ["told[1]", "told"]},
            "grads": {"grads": ["grads"]},
        }
        names = {each: f"{name}[{place}]" for place, each in enumerate(returned_names(part.function))}
        return replace(self, roles={**self.roles, **results[name]}, names={**self.names, **names})

    def role_of(self, name: str) -> str | None:
        """The role of a parameter of this name; None where that is not known, or there is nothing to give it."""
        fitting = (role for role, pattern in ROLES.items() if pattern.fullmatch(name))
        return next((role for role in fitting if role in self.roles or role in ALWAYS), None)


def bound(part: Part, given: Given, required: tuple[str, ...], guess: bool = False) -> list[str]:
    """Arguments for a call by what its parameters are called, each way in which they may be given.

    Parameters
    ----------
    part : Part
    given : Given
    required : tuple of str
        Roles that must be given.
    guess : bool
        Whether the first two parameters may be samples and labels whatever they are called.
    """
    try:
        parameters = list(inspect.signature(part.function).parameters.values())
    except (TypeError, ValueError):
        return []
    choices: list[list[str]] = []
    roles: list[str] = []
    keyword = False
    for number, p in enumerate(parameters):
        if p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD):
            continue
        needed = p.default is p.empty
        role = "named" if p.name in given.names else given.role_of(p.name)
        if guess and needed and role is None and number < 2:
            role = ("x", "y")[number]
        if not needed and role not in (*ALWAYS, "batch", "y"):
            keyword = True
            continue
        if role is None or (role in roles and role not in ("off", "named")):
            return []
        codes = [given.names[p.name]] if role == "named" else ALWAYS.get(role) or given.roles[role]
        keyword = keyword or p.kind is p.KEYWORD_ONLY or not needed
        choices.append([f"{p.name}={code}" for code in codes] if keyword else codes)
        roles.append(role)
    if not set(required) <= set(roles):
        return []
    return [", ".join(each) for each in itertools.product(*choices)]


def returned_names(function: Callable[..., Any]) -> list[str]:
    """What a function calls the values that it returns together, by its source; [] where that does not say."""
    with suppress(OSError, TypeError, SyntaxError):
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
        found = [node.value for node in ast.walk(tree) if isinstance(node, ast.Return)]
        if found and isinstance(found[-1], ast.Tuple) and all(isinstance(each, ast.Name) for each in found[-1].elts):
            return [each.id for each in found[-1].elts if isinstance(each, ast.Name)]
    return []
