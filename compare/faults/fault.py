"""What a known bug is: a name, plain words, what to change, and a variation of one phase of the mathematics."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from compare.mathematics.functions import Array
from compare.mathematics.rules import Rules
from compare.mathematics.step import Step
from compare.recipe.architecture import Architecture

Parameter = tuple[Any, ...]
EACH = "each"  # in place of a layer's number
Place = int | str  # a layer's number, or EACH


@dataclass(frozen=True)
class Observed:
    """What a subject did in one step, and the step that candidate mathematics takes from the same weights.

    `after` are the subject's new weights, `loss` what it reported, `last_change` its update in the step before (None in
    the first). `focus` are the places of the tensors that are to be fitted: others may be wrong for other reasons.
    """

    step: Step
    after: list[Array]
    loss: float | None
    last_change: list[Array] | None
    focus: frozenset[int]

    @property
    def every_change(self) -> list[Array]:
        """The subject's update, of all tensors."""
        return [new - old for new, old in zip(self.after, self.step.weights, strict=True)]

    @property
    def change(self) -> list[Array]:
        """The subject's update, of the tensors in focus."""
        return self.focused(self.every_change)

    @property
    def expected(self) -> list[Array]:
        """The candidate's update, of the tensors in focus."""
        return self.focused(new - old for new, old in zip(self.step.after, self.step.weights, strict=True))

    def focused(self, tensors: Iterable[Array]) -> list[Array]:
        """Return those tensors that are in focus."""
        return [W for place, W in enumerate(tensors) if place in self.focus]


def _once(architecture: Architecture) -> list[Parameter]:
    return [()]


def _nothing(*parameters: object) -> tuple[str, ...]:
    return ()


@dataclass(frozen=True, eq=False)
class Fault:
    """A known bug class.

    Attributes
    ----------
    name, words, fix : str
        What it is called, what goes wrong, what to change; `words` and `fix` may name parameters in braces,
        by position, a layer's as {0:layer}.
    apply : callable
        From correct (or already faulty) rules, and the parameters, to the rules with this bug in them.
    parameters : callable
        All parameters to try, from the architecture.
    fit : callable, optional
        For a family with a continuous parameter: those that the first steps of a run suggest, given rules
        that may have other bugs in them already.
    reporting : bool
        Whether it can only touch what is reported, never the weights.
    training : bool
        Whether it lies in a whole training (epochs, batches, history), not in a step.
    example : tuple
        Parameters to plant in a demonstration.
    default : bool
        Whether it is more likely a default left on than a bug.
    ordered : bool
        Whether the order of the samples in a batch matters.
    warning : str
        What goes wrong, in few words, where only extreme inputs show it; as `words`.
    manner : bool
        Whether it is no bug but a way of writing that shows with numbers that are not finite.
    kind : bool
        Whether it is no bug but another kind of network than the one it is checked as.
    hides : callable
        From the parameters to the names of faults that it stands in front of: they show, with extreme inputs alone,
        when this one is mended.
    layer : int, optional
        Which of its parameters is the layer that it stands in.
    slow : bool
        Whether it takes a step for each sample.
    linear : bool
        Whether it makes a multiple of a tensor's update, and adds some of its weights, their signs, or its last update.
    """

    name: str
    words: str
    fix: str
    apply: Callable[..., Rules]
    parameters: Callable[[Architecture], list[Parameter]] = _once
    fit: Callable[[list[Observed], Rules], list[Parameter]] | None = None
    reporting: bool = False
    training: bool = False
    example: Parameter = ()
    default: bool = False
    ordered: bool = False
    warning: str = ""
    manner: bool = False
    kind: bool = False
    hides: Callable[..., tuple[str, ...]] = _nothing
    layer: int | None = None
    slow: bool = False
    linear: bool = False


@dataclass(frozen=True)
class Cause:
    """A fault with its parameters: something that may explain what a subject does."""

    fault: Fault
    parameter: Parameter = field(default=())

    @property
    def name(self) -> str:
        """The fault's name."""
        return self.fault.name

    @property
    def words(self) -> str:
        """What goes wrong, in plain words."""
        text = self.fault.words.format(*map(_Shown, self.parameter))
        return f"{text} (more likely a default left on than a bug)" if self.fault.default else text

    @property
    def warning(self) -> str:
        """What goes wrong where only extreme inputs show it."""
        return self.fault.warning.format(*map(_Shown, self.parameter)) or self.words

    @property
    def fix(self) -> str:
        """What to change."""
        return self.fault.fix.format(*map(_Shown, self.parameter))

    @property
    def place(self) -> object:
        """The layer that it stands in, where it stands in one alone; None where in all."""
        found = None if self.fault.layer is None else self.parameter[self.fault.layer]
        return None if found == EACH else found

    def __call__(self, rules: Rules) -> Rules:
        """The rules with this fault in them."""
        return self.fault.apply(rules, *self.parameter)


class _Shown:
    """A parameter in a fault's words: `{0}`; or as a place, `{0:layer}`: "layer 2", from 1, or "each layer"."""

    def __init__(self, value: object) -> None:
        self.value = value

    def __format__(self, noun: str) -> str:
        if noun:
            return f"{EACH} {noun}" if self.value == EACH else f"{noun} {int(str(self.value)) + 1}"
        if isinstance(self.value, bool):
            return "yes" if self.value else "no"
        return f"{self.value:.6g}" if isinstance(self.value, float | np.floating) else str(self.value)
