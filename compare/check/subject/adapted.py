"""A network of another shape behind Keras's own method names, as its adapter declares it."""

import functools
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from compare.check.subject.guesses import methods_of, name_of, places_of, step_of
from compare.check.subject.places import ABSENT, Array, Places, Slot, Tensors, sharing, slots
from compare.check.subject.refusal import Refusal
from compare.check.subject.tensors import Joined, Kept, Tensor, Whole
from compare.check.subject.tensors import found as lying
from compare.recipe.architecture import Architecture

Step = Callable[[Any, Array, Array], Any] | str
BIASES: dict[str, tuple[int, ...]] = {"flat": (-1,), "row": (1, -1), "column": (-1, 1)}
CHOICES = {
    "kernel": ("inputs_units", "units_inputs"),
    "bias": ("own", *BIASES),
    "labels": ("integer", "onehot"),
    "samples": ("rows", "columns"),
    "when": ("before", "after"),
}


@dataclass(frozen=True)
class Declaration:
    """What was told of a network by `adapt`; `shape` holds the words of `CHOICES`."""

    network: Any
    parameters: Tensors | Sequence[Tensor | Joined]
    shape: dict[str, str]
    step: Step | None = None
    loss: Callable[[Any, Array, Array], float] | None = None
    train: Callable[..., Any] | str | None = None

    @functools.cached_property
    def takes_rate(self) -> bool:
        """Whether each step is told the learning rate."""
        return callable(self.step) and len(inspect.signature(self.step).parameters) == 4

    @property
    def places(self) -> str:
        """Where the parameters are, in code."""
        if callable(self.parameters):
            return str(self.parameters) if isinstance(self.parameters, Places) else "..."
        return f"[{', '.join(map(str, self.parameters))}]"

    def line(self, **changes: str) -> str:
        """Return the call of `adapt` as it stands, with changes in code."""
        shown = {name: f'"{word}"' for name, word in self.shape.items() if word != CHOICES[name][0]}
        for name in ("step", "loss", "train"):
            given = getattr(self, name)
            if given is not None:
                shown[name] = f'"{given}"' if isinstance(given, str) else "..."
        places = changes.pop("parameters", self.places)
        options = [f"{name}={code}" for name, code in (shown | changes).items()]
        return f"`adapt({', '.join([name_of(self.network), places, *options])})`"


class Adapted:
    """A network behind Keras's own method names and orientation.

    What it tells about itself, such as its history of losses, can be read here too. Its methods cannot: a `fit` need
    not be what Keras means by it, unless `train` says so.
    """

    def __init__(self, network: Any, architecture: Architecture, declared: Declaration) -> None:
        self.network, self.architecture, self.declared = network, architecture, declared
        self.notes: list[str] = []
        self._firsts: list[tuple[int, ...]] | None = None  # shapes as first seen, part by part
        if declared.train is not None:
            self.train = self._training(self._method("train", declared.train))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name == "network":
            raise AttributeError(name)
        value = getattr(self.network, name)
        if callable(value):
            raise AttributeError(name)
        return value

    def _method(self, option: str, wanted: Callable[..., Any] | str) -> Callable[..., Any]:
        """Return what was given, with the network as its first argument, or the network's own method of that name."""
        if not isinstance(wanted, str):
            return functools.partial(wanted, self.network)
        method: Callable[..., Any] | None = getattr(self.network, wanted, None)
        if callable(method):
            return method
        calls = {"step": "lambda net, x, y: " + step_of(self.network), "train": "lambda net, X, y, epochs: ..."}
        what = {"step": "makes one step", "train": "trains for some epochs"}[option]
        raise Refusal(
            f"the network has no `{wanted}`; it has {methods_of(self.network)}. Say how it {what}: "
            + self.declared.line(**{option: calls[option]})
        )

    def _training(self, method: Callable[..., Any]) -> Callable[..., Any]:
        """Return the network's own training on samples and labels in its orientation, with the options it takes."""

        def train(X: Array, y: Array, **options: Any) -> Any:
            return method(*self._batch(X, y), **options)

        train.__signature__ = inspect.signature(method)  # type: ignore[attr-defined]
        return train

    def get_weights(self) -> list[Array]:
        """In Keras's order and form: kernel (inputs, units), bias (units,), ..."""
        tensors = self._tensors()
        firsts = iter(self._firsts or [])
        parts = [[kept.read(next(firsts, ())) for kept in whole.parts] for whole in tensors]
        return [np.concatenate(p, whole.axis) if len(p) > 1 else p[0] for p, whole in zip(parts, tensors, strict=True)]

    def set_weights(self, weights: Sequence[Array]) -> None:
        """Set them, in the network's own orientation, shape and dtype; in place where that can be."""
        first, tensors = self._firsts is None, self._tensors()
        if len(tensors) != len(weights):
            raise Refusal(
                f"{self._where()} finds {len(tensors) // 2} layers, and there should be {len(weights) // 2}."
                f"{self._found()}"
            )
        pairs = zip(tensors, weights, strict=True)
        values = [pair for whole, W in pairs for pair in zip(whole.parts, whole.split(W), strict=True)]
        if first:
            self._examine(values)
        shared = sharing([kept.slot.held for kept, _ in values])
        firsts = iter(self._firsts or [])
        for number, (kept, value) in enumerate(values):
            if number in shared:
                self._note("some of its parameters are one and the same array: each was given an array of its own")
            kept.slot.put(replace(kept, keras=value.shape).turned(value, next(firsts, ())), number in shared)

    def train_on_batch(self, x: Array, y: Array) -> Any:
        """Make one step."""
        x, y = self._batch(x, y)
        loss, when = self.declared.loss, self.declared.shape["when"]
        before = loss(self.network, x, y) if loss and when == "before" else None
        rate = (self.architecture.learning_rate,) if self.declared.takes_rate else ()
        result = self._method("step", self.declared.step or "train_on_batch")(x, y, *rate)
        if loss and when == "after":
            return loss(self.network, x, y)
        return before if loss else result

    def _batch(self, x: Array, y: Array) -> tuple[Array, Array]:
        if self.declared.shape["labels"] == "onehot" and np.ndim(y) == 1:
            y = np.eye(self.architecture.outputs)[y]
        if self.declared.shape["samples"] == "columns":
            x, y = (np.moveaxis(each, 0, -1).copy() for each in (x, y))
        return x, y

    def _tensors(self) -> list[Whole]:
        """Where each of Keras's tensors lies."""
        declared = self.declared.parameters
        try:
            found = self._paired(declared) if callable(declared) else self._listed(declared)
            if found and self._firsts is None:
                self._firsts = [np.shape(kept.slot.held) for whole in found for kept in whole.parts]
        except (AttributeError, KeyError, IndexError, TypeError) as error:
            why = f"{type(error).__name__}: {error}"
            raise Refusal(f"{self._where()} does not fit the network: {why}.{self._found()}") from None
        return found

    def _paired(self, find: Tensors) -> list[Whole]:
        """Kernels and biases, layer by layer; zeros stand in for biases that are not there."""
        words = self.declared.shape
        turned = Tensor("", (1, 0)) if words["kernel"] == "units_inputs" else Tensor("")
        flat = Tensor("", shape=BIASES.get(words["bias"]))
        found: list[Whole] = []
        for number, (kernel, bias) in enumerate(slots(find(self.network)), 1):
            shape = np.shape(kernel.held)
            shape = shape[::-1] if turned.axes else shape
            lies = Slot([np.zeros(shape[-1:])], 0) if bias is None else bias
            size = int(np.size(lies.held))
            found.append(Whole((Kept(kernel, shape, f"the kernel of layer {number}", turned),)))
            found.append(Whole((Kept(lies, (size,), "", flat),)))
        return found

    def _listed(self, said: Sequence[Tensor | Joined]) -> list[Whole]:
        """Tensors that were said one by one, in Keras's order."""
        weights = self.architecture.weights
        if len(said) != len(weights):
            expected = ", ".join(f"{weight.role} {weight.shape}" for weight in weights)
            raise Refusal(f"the adapter lists {len(said)} tensors, and Keras has {len(weights)}: {expected}")
        found: list[Whole] = []
        for one, weight in zip(said, weights, strict=True):
            try:
                found.append(lying(one, self.network, weight.shape))
            except ABSENT as error:
                why = f"{type(error).__name__}: {error}"
                raise Refusal(f"`{one}` does not fit the network: {why}.{self._found()}") from None
            for kept in found[-1].parts if self._firsts is None else ():
                if wrong := kept.misfit():
                    raise Refusal(wrong)
        return found

    def _examine(self, values: Sequence[tuple[Kept, Array]]) -> None:
        """Look at what is replaced before it is: kernels turned round, or made of integers."""
        named = [(kept, np.asarray(kept.slot.held), value.shape) for kept, value in values if kept.name]
        turned = (
            [old.T if kept.said.axes else old for kept, old, _ in named] if callable(self.declared.parameters) else []
        )
        pairs = [(kept, old.shape, want) for (kept, _, want), old in zip(named, turned, strict=False)]
        odd = [each for each in pairs if each[1] != each[2]]
        if odd and all(have == want[::-1] for _, have, want in pairs):
            way = next(word for word in CHOICES["kernel"] if word != self.declared.shape["kernel"])
            kept, have, want = odd[0]
            raise Refusal(
                f"{kept.name} has shape {have} instead of {want}: "
                f"kernels are ({way.replace('_', ', ')}). Say so: " + self.declared.line(kernel=f'"{way}"')
            )
        for kept, old, _ in named:
            if old.dtype.kind in "iub":
                self._note(f"{kept.name} is made of {old.dtype}: it was given float64 instead")

    def _where(self) -> str:
        places = self.declared.places
        return "the function that finds the parameters" if places == "..." else f"`{places}`"

    def _found(self) -> str:
        guess = places_of(self.network) if callable(self.declared.parameters) else None
        return "" if guess is None else f" They seem to be here: {self.declared.line(parameters=guess.written)}"

    def _note(self, text: str) -> None:
        if text not in self.notes:
            self.notes.append(text)
