"""Finds the adapter of a network: where its parameters lie, which calls make a step, and on what.

Nothing is taken for granted: each way in which a network may be meant is tried on a small batch. One that is right in
every update is taken; else the one of which most is right, where no other does as well and does something else. If two
do, the one thing in which they differ is asked for.
"""

import functools
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

import numpy as np

from compare.check.subject.adapting import adapt
from compare.check.subject.guesses import methods_of
from compare.check.subject.inference.calls import Calls, ways
from compare.check.subject.inference.heads import head_of
from compare.check.subject.inference.layouts import Layout, layouts
from compare.check.subject.inference.losses import told_by
from compare.check.subject.inference.making import Making
from compare.check.subject.inference.trials import Batch, Seen, Way, observe
from compare.check.subject.kinds import make, rate_of, told_activations
from compare.check.subject.members import reach
from compare.check.subject.places import each, lists, numbered
from compare.check.subject.refusal import Refusal
from compare.check.subject.tensors import joined, tensor
from compare.recipe.architecture import dense
from compare.recipe.recipe import Recipe

SECONDS = 10.0  # for all ways of one network
VOCABULARY = {"adapt": adapt, "each": each, "numbered": numbered, "lists": lists, "tensor": tensor, "joined": joined}
USED = VOCABULARY | {"np": np, "functools": functools, "SimpleNamespace": SimpleNamespace}


@dataclass(frozen=True)
class Inferred:
    """An adapter in code, the subject that it makes, and what was seen of its networks.

    `certain`: a step was right by it, with these `activations` of the hidden layers, () where they were asked for.
    `parts` are the classes of what its networks hold.
    """

    code: str
    subject: Any
    certain: bool
    parts: frozenset[type]
    activations: tuple[str, ...] = ()


def evaluated(code: str, namespace: Mapping[str, Any]) -> Any:
    """What code is, where a file's own names are known, and those that an adapter is written with."""
    return eval(code, {**namespace, **USED})


def infer(making: Making, namespace: Mapping[str, Any], recipe: Recipe) -> Inferred:
    """Find the adapter of what is made in this way.

    Raises
    ------
    Refusal
        If there is none, or more than one; it asks for what is missing.
    """
    network = evaluated(making.code, namespace)
    made = make(network, recipe, "any")
    tried = _Tried(making, namespace, network, made, recipe)
    seen = tried.best()
    if seen.along and seen.head is not head_of(recipe.architecture):
        raise Refusal(
            f"its step is that of another output or loss than the ones asked for: declare {seen.head.options}"
        )
    way = seen.way
    options = dict(way.layout.options)
    options |= {} if way.labels == "integer" else {"labels": f'"{way.labels}"'}
    options |= {} if way.samples == "rows" else {"samples": f'"{way.samples}"'}
    options |= told_by(seen, making.parts(made), tried.loss)
    code = f"adapt({', '.join([making.code, way.layout.written, *(f'{k}={v}' for k, v in options.items())])})"
    parts = frozenset(type(one) for _, one in reach(made) if type(one) is not type(made))
    own = seen.exact and seen.activations != recipe.architecture.activations and not told_activations(network)
    return Inferred(code, evaluated(code, namespace), seen.exact, parts, seen.activations if own else ())


class _Returning:
    """An adapted network that keeps what its step returned."""

    def __init__(self, adapted: Any, results: list[Any]) -> None:
        self._adapted, self._results = adapted, results

    def __getattr__(self, name: str) -> Any:
        return getattr(self._adapted, name)

    @property
    def returned(self) -> Any:
        return self._results[-1]


@dataclass
class _Tried:
    """A network that is tried out."""

    making: Making
    namespace: Mapping[str, Any]
    network: Any
    made: Any
    recipe: Recipe

    def best(self) -> Seen:
        """Return what is right, or else what is nearest to it.

        Raises
        ------
        Refusal
            If nothing lets itself be driven, or it cannot be told which way is meant.
        """
        sizes = self.recipe.architecture.sizes
        found: list[Layout] = list(layouts(self.made, sizes))
        if not found:
            raise Refusal(f"its parameters are not found: {self.making.asks('...')}")
        until = time.monotonic() + SECONDS
        seen: list[Seen] = []
        for layout in found:
            for one in self._observed(layout, until):
                seen.append(one)
                if one.exact:
                    return one
            if any(one.score and one.moved == len(one.updates[0]) for one in seen) or time.monotonic() > until:
                break
        return self._likeliest([one for one in seen if one.score or self._learns(one)], found[0])

    def _learns(self, seen: Seen) -> bool:
        """Whether the labels matter to what a network did."""
        batch = Batch(self._recipe(seen.way.layout), shift=1)
        other = observe(functools.partial(self._adapted, seen.way, batch), batch, seen.way)
        return other is not None and not other.same(seen)

    def _looks_up(self, seen: Seen) -> bool:
        """Whether integer labels are numbers of classes to a network, and not amounts that it reckons with."""
        batch = Batch(self._recipe(seen.way.layout), indices=True)
        return observe(functools.partial(self._adapted, seen.way, batch), batch, seen.way) is not None

    def _observed(self, layout: Layout, until: float) -> Iterator[Seen]:
        batch = Batch(self._recipe(layout))
        for samples in ("columns", "rows") if layout.turned else ("rows", "columns"):
            for labels in ("integer", "onehot"):
                for calls in ways(self.making.parts(self.made), samples == "columns", self.making.state):
                    if time.monotonic() > until:
                        return
                    way = Way(layout, calls, labels, samples)
                    seen = observe(functools.partial(self._adapted, way, batch), batch, way)
                    if seen is not None:
                        yield seen

    def _recipe(self, layout: Layout) -> Recipe:
        """The recipe of the layers that were found, with the rate that the network has."""
        architecture = self.recipe.architecture
        if layout.sizes != architecture.sizes:
            architecture = dense(layout.sizes, ("relu",) * (len(layout.sizes) - 2), architecture.learning_rate)
        rate = rate_of(self.made) if self.making.has_rate else None
        return replace(self.recipe, architecture=architecture if rate is None else architecture.at(rate))

    def _adapted(self, way: Way, batch: Batch) -> Any:
        """A fresh network that is driven in this way, and keeps what its calls return."""
        step = self._evaluated(way.calls.every)
        results: list[Any] = []

        def taking(net: Any, x: Any, y: Any, learning_rate: float) -> None:
            results.append(step(net, x, y, *((learning_rate,) if way.calls.takes_rate else ())))

        return _Returning(self._made(way, batch.recipe, step=taking), results)

    def _made(self, way: Way, recipe: Recipe, **options: Any) -> Any:
        said = {name: self._evaluated(code) for name, code in way.layout.options}
        factory = adapt(
            self.network, self._evaluated(way.layout.written), labels=way.labels, samples=way.samples, **said, **options
        )
        return factory.of_recipe(recipe)  # type: ignore[attr-defined]

    def _evaluated(self, code: str) -> Any:
        return evaluated(code, self.namespace)

    def loss(self, seen: Seen, code: str) -> list[float | None]:
        """What code says is the loss before a step, in each draw; None where it is no number."""
        batch = Batch(self._recipe(seen.way.layout))
        function: Callable[..., Any] = self._evaluated(code)
        found: list[float | None] = []
        for weights in batch.weights:
            try:
                thing = self._made(seen.way, batch.recipe, step=lambda *_: None, loss=function)
                thing.set_weights(weights)
                found.append(float(thing.train_on_batch(batch.x.copy(), batch.y.copy())))
            except Exception:
                found.append(None)
        return found

    def _likeliest(self, seen: list[Seen], layout: Layout) -> Seen:
        if not seen:
            own = methods_of(self.made)
            raise Refusal(
                f"no call of its own is found that makes a step; it has {own}. Say which: "
                + self.making.asks(layout.written, **dict(layout.options), step="lambda net, x, y: ...")
            )
        rank = max((one.score, one.moved) for one in seen)
        best = [one for one in seen if (one.score, one.moved) == rank]
        if len({one.way.labels for one in best}) > 1:
            best = [one for one in best if one.way.labels != "integer" or self._looks_up(one)]
        first, *others = best
        other = next((one for one in others if not one.same(first)), None)
        if other is None:
            return first
        raise Refusal(self._question(first.way, other.way))

    def _question(self, one: Way, other: Way) -> str:
        """Ask for the one thing in which two ways differ that do as well as each other."""
        said = dict(one.layout.options)
        for name in ("labels", "samples"):
            first, second = getattr(one, name), getattr(other, name)
            if first != second:
                return (
                    f"it runs with {name}={first!r} and with {name}={second!r}, and neither step is right: say which "
                    f"is meant: {self.making.asks(one.layout.written, **said, step=_step(one.calls), **{name: '...'})}"
                )
            said |= {} if first in ("integer", "rows") else {name: f'"{first}"'}
        if one.calls != other.calls:
            return (
                f"`{one.calls.written[-1]}` and `{other.calls.written[-1]}` both move its parameters, and neither "
                f"step is right: say which is meant: "
                f"{self.making.asks(one.layout.written, **said, step='lambda net, x, y: ...')}"
            )
        return (
            f"its parameters may be at `{one.layout.written}` or at `{other.layout.written}`: say which is meant: "
            f"{self.making.asks('...', step=_step(one.calls))}"
        )


def _step(calls: Calls) -> str:
    return f'"{calls.bare}"' if calls.bare else calls.code()
