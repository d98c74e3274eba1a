"""Adapters: what scratch networks really look like, declared in a line or two instead of written out.

    subject = adapt(MyNetwork, numbered("params", "W", "b"), kernel="units_inputs", bias="column", samples="columns")
    subject = adapt(make, each("layers", "weights", "bias"), labels="onehot", step=lambda net, x, y: net.fit(x, y, 1))

Anything else is a class of a few lines with `get_weights`, `set_weights` and `train_on_batch`.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from compare.check.subject.kinds import make
from compare.errors import InputError
from compare.recipe.architecture import dense
from compare.recipe.recipe import Recipe

Array = NDArray[Any]
Tensor = tuple[Any, str, str]
Tensors = Callable[[Any], Sequence[Tensor]]


def each(attribute: str, kernel: str = "W", bias: str = "b") -> Tensors:
    """Parameters in a list, of dicts or of layer objects; entries without a kernel are passed over.

    `each("params")` is for `net.params[0]["W"]`, `each("layers", "weights", "bias")` for `net.layers[0].weights`.
    """

    def places(net: Any) -> list[Tensor]:
        return [(entry, kernel, bias) for entry in getattr(net, attribute) if _has(entry, kernel)]

    return places


def numbered(attribute: str | None, kernel: str = "W", bias: str = "b", first: int = 1) -> Tensors:
    """Parameters numbered in a dict, or (attribute None) as the object's own attributes: W1, b1, W2, ..."""

    def places(net: Any) -> list[Tensor]:
        home = net if attribute is None else getattr(net, attribute)
        found: list[Tensor] = []
        while _has(home, f"{kernel}{first + len(found)}"):
            number = first + len(found)
            found.append((home, f"{kernel}{number}", f"{bias}{number}"))
        return found

    return places


def lists(kernels: str, biases: str) -> Tensors:
    """Parameters in two lists: `net.weights[0]`, `net.biases[0]`."""

    def places(net: Any) -> list[Tensor]:
        count = len(getattr(net, kernels))
        return [(_Pair(getattr(net, kernels), getattr(net, biases), i), "kernel", "bias") for i in range(count)]

    return places


class _Pair:
    """Entry i of two lists, as one object with `kernel` and `bias`."""

    def __init__(self, kernels: list[Array], biases: list[Array], i: int) -> None:
        self.__dict__.update(_home=(kernels, biases), _i=i)

    def __getattr__(self, name: str) -> Array:
        return self._home[name == "bias"][self._i]

    def __setattr__(self, name: str, value: Array) -> None:
        self._home[name == "bias"][self._i] = value


def _has(home: Any, key: str) -> bool:
    return key in home if isinstance(home, dict) else getattr(home, key, None) is not None


def _get(home: Any, key: str) -> Array:
    return np.asarray(home[key] if isinstance(home, dict) else getattr(home, key))


def _set(home: Any, key: str, value: Array) -> None:
    if isinstance(home, dict):
        home[key] = value
    else:
        setattr(home, key, value)


CHOICES = {
    "kernel": ("inputs_units", "units_inputs"),
    "bias": ("flat", "row", "column"),
    "labels": ("integer", "onehot"),
    "samples": ("rows", "columns"),
    "when": ("before", "after"),
}


def adapt(
    network: Any,
    parameters: Tensors,
    *,
    kernel: str = "inputs_units",
    bias: str = "flat",
    labels: str = "integer",
    samples: str = "rows",
    step: Callable[[Any, Array, Array], Any] | None = None,
    loss: Callable[[Any, Array, Array], float] | None = None,
    when: str = "before",
) -> Callable[..., "Adapted"]:
    """Turn a network of another shape into a subject.

    Parameters
    ----------
    network : class or factory
        Makes the network; takes layer sizes, learning rate and so on as any factory does.
    parameters : callable
        Where the network keeps them: `each`, `numbered`, `lists`, or a function from the network to a list of
        (dict or object, key of the kernel, key of the bias).
    kernel : {"inputs_units", "units_inputs"}
        Orientation.
    bias : {"flat", "row", "column"}
        Shape (units,), (1, units) or (units, 1).
    labels : {"integer", "onehot"}
    samples : {"rows", "columns"}
        Of x, and of one-hot labels.
    step : callable, optional
        (network, x, y) -> the loss, or loss and accuracy; by default its `train_on_batch`.
    loss : callable, optional
        (network, x, y) -> the loss, where `step` does not return it.
    when : {"before", "after"}
        Whether `loss` is asked for before the update, as Keras measures it, or after.

    Returns
    -------
    callable
        A factory of subjects.
    """
    given = {"kernel": kernel, "bias": bias, "labels": labels, "samples": samples, "when": when}
    for name, value in given.items():
        if value not in CHOICES[name]:
            raise InputError(f"`{name}` must be one of {', '.join(CHOICES[name])}. Received: {value!r}")

    def factory(
        layer_sizes: Sequence[int],
        learning_rate: float,
        n_samples: int,
        batch_size: int,
        activations: Sequence[str],
    ) -> Adapted:
        recipe = Recipe(dense(layer_sizes, activations, learning_rate), n_samples, batch_size)
        return Adapted(make(network, recipe, "any"), layer_sizes[-1], parameters, given, step, loss)

    return factory


class Adapted:
    """A network behind Keras's own method names and orientation."""

    def __init__(
        self,
        network: Any,
        n_classes: int,
        parameters: Tensors,
        shape: dict[str, str],
        step: Callable[[Any, Array, Array], Any] | None,
        loss: Callable[[Any, Array, Array], float] | None,
    ) -> None:
        self.network, self.n_classes, self.parameters = network, n_classes, parameters
        self.shape, self.step, self.loss = shape, step, loss

    def get_weights(self) -> list[Array]:
        """Kernel (inputs, units), bias (units,), ..."""
        found: list[Array] = []
        for home, kernel, bias in self.parameters(self.network):
            W, b = _get(home, kernel), _get(home, bias)
            found += [W.T.copy() if self.shape["kernel"] == "units_inputs" else W.copy(), b.copy()]
            if b.shape == {"row": (1, b.size), "column": (b.size, 1)}.get(self.shape["bias"]):
                found[-1] = b.reshape(-1).copy()
        return found

    def set_weights(self, weights: Sequence[Array]) -> None:
        """Set them, in the network's own orientation, shape and dtype."""
        given = iter(weights)
        for home, kernel, bias in self.parameters(self.network):
            W, b = next(given), next(given)
            turned = W.T if self.shape["kernel"] == "units_inputs" else W
            shaped = b.reshape({"flat": (-1,), "row": (1, -1), "column": (-1, 1)}[self.shape["bias"]])
            for key, value in ((kernel, turned), (bias, shaped)):
                old = _get(home, key)
                _set(home, key, np.array(value, dtype=old.dtype if old.dtype.kind == "f" else None, order="C"))

    def train_on_batch(self, x: Array, y: Array) -> Any:
        """Make one step."""
        x, y = self._batch(x, y)
        before = self.loss(self.network, x, y) if self.loss and self.shape["when"] == "before" else None
        result = self.step(self.network, x, y) if self.step else self.network.train_on_batch(x, y)
        if self.loss and self.shape["when"] == "after":
            return self.loss(self.network, x, y)
        return before if self.loss else result

    def _batch(self, x: Array, y: Array) -> tuple[Array, Array]:
        if self.shape["labels"] == "onehot":
            y = np.eye(self.n_classes)[y]
        if self.shape["samples"] == "columns":
            x, y = np.ascontiguousarray(x.T), np.ascontiguousarray(y.T)
        return x, y
