"""Everything a subject is asked to do goes through a handle. It deals in copies: nothing about a subject is trusted."""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from compare.check.subject.adapted import Adapted
from compare.check.subject.forms import mended, misfit
from compare.check.subject.guesses import adapter_for
from compare.check.subject.kinds import Array, Refusal, is_keras, is_step_function
from compare.check.subject.masks import dropout_layers, masks_at, maybe_masks
from compare.phrases import short
from compare.recipe.architecture import Weight
from compare.recipe.recipe import Recipe


@dataclass
class Handle:
    """One fresh subject, driven with care. `notes` collects what was odd, in order."""

    thing: Any
    recipe: Recipe
    notes: list[str] = field(default_factory=list)
    weights: list[Array] = field(default_factory=list)
    _forms: list[tuple[tuple[int, ...], np.dtype[Any]]] = field(default_factory=list)  # shape and dtype as first seen
    _samples: int = 0  # of the last step's batch
    _zeros: list[tuple[int, ...]] = field(default_factory=list)  # that stand in for biases, and are not looked at
    _biases: dict[int, tuple[int, ...]] | None = None  # shapes of a fresh subject's, where they are not Keras's

    def note(self, text: str) -> None:
        """Remember an oddity, once."""
        if (told := short(text)) not in self.notes:
            self.notes.append(told)

    def get_weights(self) -> list[Array]:
        """Copies of the subject's weights, as float64.

        Raises
        ------
        Refusal
            If there are not as many as the layers ask for, or of other shapes.
        """
        if is_step_function(self.thing):
            return [w.copy() for w in self.weights]
        return self._take(self._method("get_weights")())

    def _method(self, name: str) -> Any:
        method = getattr(self.thing, name, None)
        if not callable(method):
            line = adapter_for(type(self.thing), self.thing)
            raise Refusal(f"{type(self.thing).__name__} has no `{name}`: write it, or an adapter, {line}")
        return method

    def _take(self, given: Any, weights: bool = True) -> list[Array]:
        arrays = self._without_zeros([np.array(w, copy=True) for w in given])
        expected = self.recipe.architecture.weights
        self._refuse_misfit(arrays)
        if len(arrays) != len(expected):
            raise Refusal(
                f"wrong number of weights: {len(expected)} arrays (kernel, bias, ...) for layers "
                f"{self.recipe.architecture}. Received: {len(arrays)}; a network with layers of its own needs "
                "them said: `layers`, without the inputs"
            )
        for index, array in enumerate(arrays):
            if array.dtype.kind not in "fiu":
                raise Refusal(f"{_name(expected[index])} has dtype {array.dtype}, which are not real numbers")
        if weights:
            self._watch(arrays)
        pairs = enumerate(zip(expected, arrays, strict=True))
        return [self._shaped(index, weight, array).astype(np.float64) for index, (weight, array) in pairs]

    def _refuse_misfit(self, arrays: Sequence[Any]) -> None:
        """Refuse weights of another form altogether, with what mends it."""
        if wrong := misfit(self.thing, [np.shape(array) for array in arrays], self.recipe.architecture):
            raise Refusal(wrong)
        line = mended(self.thing, arrays, self.recipe.architecture) if self.recipe.given else ""
        if line:
            have, expected = (
                ", ".join(map(str, shapes))
                for shapes in ([np.shape(a) for a in arrays], [w.shape for w in self.recipe.architecture.weights])
            )
            raise Refusal(f"`get_weights` returns shapes {have} instead of {expected}. Say how they lie: {line}")

    @property
    def _bias_free(self) -> bool:
        """Whether the layers asked for have kernels and nothing else."""
        return {weight.role for weight in self.recipe.architecture.weights} == {"kernel"}

    def _without_zeros(self, arrays: list[Array]) -> list[Array]:
        """Leave out zeros that stand in for biases, where the layers asked for have none."""
        pairs = len(arrays) == 2 * len(self.recipe.architecture.weights)
        stand_in = self._bias_free and pairs and not any(b.any() for b in arrays[1::2])
        self._zeros = [b.shape for b in arrays[1::2]] if stand_in else []
        return arrays[::2] if stand_in else arrays

    def _watch(self, arrays: list[Array]) -> None:
        """Note what is odd about the weights' dtype, and what changes while training."""
        for array in arrays:
            if array.dtype != np.float64:
                self.note(f"weights are kept as {array.dtype}")
        forms = [(array.shape, array.dtype) for array in arrays]
        for (shape, dtype), (old_shape, old_dtype) in zip(forms, self._forms or forms, strict=True):
            if shape != old_shape:
                self.note(f"while training, weights change their shape from {old_shape} to {shape}")
            if dtype != old_dtype:
                self.note(f"while training, weights change their dtype from {old_dtype} to {dtype}")
        self._forms = self._forms or forms

    def _shaped(self, index: int, weight: Weight, array: Array) -> Array:
        """Return a weight in Keras's shape; NaN for a bias that has a row for each sample after a step."""
        expected, units, is_bias = weight.shape, weight.shape[-1], weight.role == "bias"
        if array.shape == expected:
            return array
        if is_bias and array.size == units:
            self.note(f"a bias has shape {array.shape} instead of {expected}")
            return array.reshape(expected)
        if is_bias and self._samples and array.shape in ((self._samples, units), (units, self._samples)):
            self.note("a bias has one value for each sample after a step: sum its gradient over the samples")
            return np.full(expected, np.nan)
        raise Refusal(
            f"{_name(weight)} (array {index + 1} of its weights) has shape {array.shape} instead of {expected}"
        )

    def set_weights(self, weights: Sequence[Array]) -> None:
        """Set the weights; the subject gets copies of its own."""
        own = [np.array(w) for w in weights]
        if is_step_function(self.thing):
            self.weights = own
            return
        put = self._method("set_weights")
        if self._bias_free:
            with contextlib.suppress(Exception):  # some have no weights before they are set
                self._without_zeros([np.asarray(w) for w in self._method("get_weights")()])
        if self._zeros:
            put([each for w, shape in zip(own, self._zeros, strict=True) for each in (w, np.zeros(shape))])
            return
        if self._biases is None:
            own_shapes, self._biases = self._odd_biases(), {}
            if own_shapes:
                put([w.copy() for w in own])
                if not self._odd_biases():  # it keeps what it is given, and so needs its own shapes
                    self._biases = own_shapes
        put([w.reshape(self._biases.get(index, w.shape)) for index, w in enumerate(own)])
        for text in self.thing.notes if isinstance(self.thing, Adapted) else ():
            self.note(text)

    def _odd_biases(self) -> dict[int, tuple[int, ...]]:
        """Shapes of the biases that are rows or columns, by place.

        Raises
        ------
        Refusal
            If the subject's own weights are seen to be of another form altogether, before they are replaced.
        """
        if is_keras(self.thing) or isinstance(self.thing, Adapted):
            return {}
        try:
            arrays = [np.asarray(w) for w in self._method("get_weights")()]
        except Exception:
            return {}  # some have no weights before they are set
        self._refuse_misfit(arrays)
        shapes = [array.shape for array in arrays]
        pairs = enumerate(zip(self.recipe.architecture.weights, shapes, strict=False))
        return {
            index: shape
            for index, (weight, shape) in pairs
            if weight.role == "bias" and len(shape) == 2 and sorted(shape) == [1, weight.shape[0]]
        }

    def labels(self, y: NDArray[np.integer]) -> NDArray[Any]:
        """Labels as the subject wants them."""
        if self.recipe.labels == "onehot":
            return np.eye(self.recipe.architecture.outputs)[y]
        return np.array(y)

    def step(self, x: Array, y: NDArray[np.integer]) -> tuple[float | None, float | None]:
        """Make one step on copies of x and y; return the loss and accuracy that were reported, if any."""
        own_x, own_y, self._samples = np.array(x), self.labels(y), len(x)
        before = own_y.copy()
        if is_step_function(self.thing):
            kept = [w.copy() for w in self.weights]
            new, *told = self.thing(kept, own_x, own_y, self.recipe.architecture.learning_rate)
            self.weights, result = self._take(new), told[0] if len(told) == 1 else told
        else:
            result = self.thing.train_on_batch(own_x, own_y)
        if not np.array_equal(own_x, x) or not np.array_equal(own_y, before):
            self.note("the step changes the x or y that it is given, in place")
        return reported(result)

    def masks(self, samples: int) -> tuple[list[Array] | None, dict[str, Array]]:
        """What each layer of dropout multiplied by in the last step, if there is any; or all that may be a mask.

        That, where it is not known yet where they are kept.
        """
        architecture = self.recipe.architecture
        if not dropout_layers(architecture):
            return None, {}
        if not self.recipe.masks:
            return None, maybe_masks(self.thing, architecture, samples)
        return masks_at(self.thing, self.recipe.masks, architecture, samples), {}

    def gradients(self, x: Array, y: NDArray[np.integer]) -> list[Array] | None:
        """What the subject's own `gradients(x, y)` says, if it has it."""
        if not callable(getattr(self.thing, "gradients", None)) or is_keras(self.thing):
            return None
        try:
            return self._take(self.thing.gradients(np.array(x), self.labels(y)), weights=False)
        except Exception as error:
            self.note(f"`gradients` failed and was left out: {type(error).__name__}: {error}")
            return None

    def probabilities(self, x: Array) -> Array | None:
        """What the subject's own `predict_proba(x)` says, (n, classes), if it has it."""
        if not callable(getattr(self.thing, "predict_proba", None)):
            return None
        expected = (len(x), self.recipe.architecture.outputs)
        try:
            given = np.array(self.thing.predict_proba(np.array(x)), np.float64)
        except Exception as error:
            self.note(f"`predict_proba` failed and was left out: {type(error).__name__}: {error}")
            return None
        if given.shape != expected:
            self.note(f"`predict_proba` gives shape {given.shape} instead of {expected} and was left out")
            return None
        return given


def _name(weight: Weight) -> str:
    return f"the {weight.role} of layer {weight.layer + 1}"


def reported(result: Any) -> tuple[float | None, float | None]:
    """Loss and accuracy from what a step returned: a number, a pair, or a dict."""
    if result is None:
        return None, None
    if isinstance(result, dict):
        result = [result.get("loss"), result.get("accuracy", result.get("acc"))]
    values = list(result) if isinstance(result, list | tuple) else [result]
    numbers = [_number(value) for value in values[:2]]
    return numbers[0] if numbers else None, numbers[1] if len(numbers) > 1 else None


def _number(value: Any) -> float | None:
    if value is None:
        return None
    array = np.asarray(value)
    if array.size != 1 or array.dtype.kind not in "fiub":
        raise Refusal(
            f"the step must return its loss, a number. Received: {type(value).__name__} of shape {array.shape}. "
            "Where the loss lies elsewhere, say so: `adapt(..., loss=lambda net, x, y: net.loss(x, y))`"
        )
    return float(array.reshape(()))
