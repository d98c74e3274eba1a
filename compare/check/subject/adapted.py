"""A network of another shape behind Keras's own method names, as its adapter declares it."""

import functools
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from compare.check.subject.guesses import methods_of, name_of, places_of, step_of
from compare.check.subject.places import Array, Places, Slot, Tensors, share_memory, slots
from compare.check.subject.refusal import Refusal

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
    parameters: Tensors
    shape: dict[str, str]
    step: Step | None = None
    loss: Callable[[Any, Array, Array], float] | None = None
    train: Callable[..., Any] | str | None = None

    def line(self, **changes: str) -> str:
        """Return the call of `adapt` as it stands, with changes in code."""
        shown = {name: f'"{word}"' for name, word in self.shape.items() if word != CHOICES[name][0]}
        for name in ("step", "loss", "train"):
            given = getattr(self, name)
            if given is not None:
                shown[name] = f'"{given}"' if isinstance(given, str) else "..."
        places = changes.pop("parameters", str(self.parameters) if isinstance(self.parameters, Places) else "...")
        options = [f"{name}={code}" for name, code in (shown | changes).items()]
        return f"`adapt({', '.join([name_of(self.network), places, *options])})`"


class Adapted:
    """A network behind Keras's own method names and orientation.

    What it tells about itself, such as its history of losses, can be read here too. Its methods cannot: a `fit` need
    not be what Keras means by it, unless `train` says so.
    """

    def __init__(self, network: Any, n_classes: int, declared: Declaration) -> None:
        self.network, self.n_classes, self.declared = network, n_classes, declared
        self.notes: list[str] = []
        self._biases: list[tuple[int, ...]] | None = None  # shapes as first seen
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
        """Kernel (inputs, units), bias (units,), ..."""
        found: list[Array] = []
        layers = self._layers()
        for number, (kernel, bias) in enumerate(layers):
            W: Array = np.array(kernel.held)
            W = W.T.copy() if self.declared.shape["kernel"] == "units_inputs" else W
            b = np.zeros(W.shape[-1:]) if bias is None else np.array(bias.held)
            # A bias of a shape that it did not have before is handed out as it is: that is a finding.
            expected = self._bias_shape(number, b)
            found += [W, b.reshape(-1) if b.shape == expected else b]
        return found

    def set_weights(self, weights: Sequence[Array]) -> None:
        """Set them, in the network's own orientation, shape and dtype; in place where that can be."""
        first, layers = self._biases is None, self._layers()
        if 2 * len(layers) != len(weights):
            raise Refusal(
                f"{self._where()} finds {len(layers)} layers, and there should be {len(weights) // 2}.{self._found()}"
            )
        turned = self.declared.shape["kernel"] == "units_inputs"
        kernels = [W.T if turned else W for W in weights[::2]]
        if first:
            self._examine([kernel for kernel, _ in layers], kernels)
        values: list[tuple[Slot, Array]] = []
        for number, ((kernel, bias), W, b) in enumerate(zip(layers, kernels, weights[1::2], strict=True)):
            values.append((kernel, W))
            if bias is not None:
                values.append((bias, b.reshape(self._bias_shape(number, b))))
        held = [slot.held for slot, _ in values]
        for number, (slot, value) in enumerate(values):
            others = (other for place, other in enumerate(held) if place != number)
            shared = any(share_memory(held[number], other) for other in others)
            if shared:
                self._note("some of its parameters are one and the same array: each was given an array of its own")
            slot.put(value, shared)

    def train_on_batch(self, x: Array, y: Array) -> Any:
        """Make one step."""
        x, y = self._batch(x, y)
        loss, when = self.declared.loss, self.declared.shape["when"]
        before = loss(self.network, x, y) if loss and when == "before" else None
        result = self._method("step", self.declared.step or "train_on_batch")(x, y)
        if loss and when == "after":
            return loss(self.network, x, y)
        return before if loss else result

    def _batch(self, x: Array, y: Array) -> tuple[Array, Array]:
        if self.declared.shape["labels"] == "onehot" and np.ndim(y) == 1:
            y = np.eye(self.n_classes)[y]
        if self.declared.shape["samples"] == "columns":
            x, y = np.ascontiguousarray(x.T), np.ascontiguousarray(y.T)
        return x, y

    def _layers(self) -> list[tuple[Slot, Slot | None]]:
        """Where kernel and bias of each layer lie."""
        try:
            found = slots(self.declared.parameters(self.network))
            shapes = [() if bias is None else np.shape(bias.held) for _, bias in found]
        except (AttributeError, KeyError, IndexError, TypeError) as error:
            why = f"{type(error).__name__}: {error}"
            raise Refusal(f"{self._where()} does not fit the network: {why}.{self._found()}") from None
        if found and self._biases is None:
            self._biases = shapes
        return found

    def _bias_shape(self, number: int, bias: Array) -> tuple[int, ...]:
        """Shape of a layer's bias in the network: as declared, else as it was before anything was set."""
        declared = self.declared.shape["bias"]
        own = (self._biases or [])[number : number + 1] if declared == "own" else []
        if own and int(np.prod(own[0])) == bias.size and own[0]:
            return own[0]
        return tuple(bias.size if side < 0 else side for side in BIASES.get(declared, (-1,)))

    def _examine(self, places: Sequence[Slot], kernels: Sequence[Array]) -> None:
        """Look at the network's own kernels before they are replaced: turned round, or of integers."""
        old = [np.asarray(place.held) for place in places]
        odd = [number for number, (have, want) in enumerate(zip(old, kernels, strict=True)) if have.shape != want.shape]
        if odd and all(have.shape == want.shape[::-1] for have, want in zip(old, kernels, strict=True)):
            way = next(word for word in CHOICES["kernel"] if word != self.declared.shape["kernel"])
            raise Refusal(
                f"the kernel of layer {odd[0] + 1} has shape {old[odd[0]].shape} instead of {kernels[odd[0]].shape}: "
                f"kernels are ({way.replace('_', ', ')}). Say so: " + self.declared.line(kernel=f'"{way}"')
            )
        for number, array in enumerate(old, 1):
            if array.dtype.kind in "iub":
                self._note(f"the kernel of layer {number} is made of {array.dtype}: it was given float64 instead")

    def _where(self) -> str:
        declared = self.declared.parameters
        return f"`{declared}`" if isinstance(declared, Places) else "the function that finds the parameters"

    def _found(self) -> str:
        guess = places_of(self.network)
        return "" if guess is None else f" They seem to be here: {self.declared.line(parameters=guess.written)}"

    def _note(self, text: str) -> None:
        if text not in self.notes:
            self.notes.append(text)
