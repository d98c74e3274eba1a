"""What may be checked: an object with Keras's method names, a function of one step, or a factory of either.

Everything a subject is asked to do goes through `Handle`, which hands out copies, takes copies, and remembers what it
saw: nothing about a subject is trusted.
"""

import copy
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from compare.errors import InputError

Array = NDArray[Any]

SIZES = ("layer_sizes", "sizes", "layers", "layer_dims", "dims", "architecture")
RATES = ("learning_rate", "lr", "eta", "alpha", "rate", "step_size")
SAMPLES = ("n_samples", "samples", "num_samples", "n_examples", "m")
CLASSES = ("n_classes", "classes", "num_classes")
FEATURES = ("n_features", "features", "n_inputs", "input_dim")
BATCHES = ("batch_size",)
ACTIVATIONS = ("activations", "hidden_activations")
WEIGHTS = ("weights", "params", "parameters", "ws", "w")


@dataclass(frozen=True)
class Plan:
    """What a subject is told when it is made: `layer_sizes` are features, then the units of each layer."""

    layer_sizes: tuple[int, ...]
    learning_rate: float
    n_samples: int
    batch_size: int
    activations: tuple[str, ...]
    labels: str = "integer"

    @property
    def n_classes(self) -> int:
        """Units of the output."""
        return self.layer_sizes[-1]


class Refusal(Exception):
    """The subject cannot be driven, or not further; the message says why."""


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


def make(subject: Any, plan: Plan, want: str = "subject") -> Any:
    """Return a fresh subject: from the factory, or a copy of the object. An adapter may `want` "any" object.

    Raises
    ------
    Refusal
        If it cannot be made.
    """
    if is_keras(subject):
        return subject
    if is_factory(subject) and not is_step_function(subject):
        arguments, keywords = _arguments(subject, plan)
        made = subject(*arguments, **keywords)
        if want == "subject" and not (is_step_function(made) or hasattr(made, "train_on_batch")):
            raise Refusal(
                f"the factory returned {type(made).__name__}, which has no `train_on_batch` and is no function "
                "`step(weights, x, y, learning_rate)`: write an adapter"
            )
        return made
    if is_step_function(subject):
        return subject
    if not hasattr(subject, "train_on_batch"):
        raise Refusal(
            f"{type(subject).__name__} has no `train_on_batch`, and is neither a factory nor a function "
            "`step(weights, x, y, learning_rate)`: write an adapter"
        )
    try:
        return copy.deepcopy(subject)
    except Exception as error:
        raise Refusal(f"the object cannot be copied ({error}); pass a factory that makes it instead") from None


def _arguments(factory: Callable[..., Any], plan: Plan) -> tuple[list[Any], dict[str, Any]]:
    """Match a factory's parameters by name; the first two required ones of unknown name get sizes and rate."""
    known: dict[str, Any] = {key: list(plan.layer_sizes) for key in SIZES} | dict.fromkeys(RATES, plan.learning_rate)
    known |= dict.fromkeys(SAMPLES, plan.n_samples) | dict.fromkeys(CLASSES, plan.n_classes)
    known |= dict.fromkeys(FEATURES, plan.layer_sizes[0]) | dict.fromkeys(BATCHES, plan.batch_size)
    known |= {key: list(plan.activations) for key in ACTIVATIONS}
    try:
        parameters = list(inspect.signature(factory).parameters.values())
    except (TypeError, ValueError):
        return [list(plan.layer_sizes), plan.learning_rate], {}
    if parameters and all(p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD) for p in parameters):
        return [list(plan.layer_sizes), plan.learning_rate], {}  # handed on to whatever takes them
    spare: list[Any] = []
    if not any(p.name in SIZES for p in parameters):
        spare.append(list(plan.layer_sizes))
    if not any(p.name in RATES for p in parameters):
        spare.append(plan.learning_rate)
    arguments: list[Any] = []
    keywords: dict[str, Any] = {}
    for p in parameters:
        if p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD):
            continue
        if p.name in known:
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


def read_off(subject: Any) -> dict[str, Any]:
    """What an object says about itself: `layer_sizes`, `learning_rate`, `activations`, `dtype`, where it does."""
    found: dict[str, Any] = {}
    if is_factory(subject) or not hasattr(subject, "get_weights"):
        return found
    try:
        weights = [np.asarray(w) for w in subject.get_weights()]
        sizes = [weights[0].shape[0], *(W.shape[1] for W in weights[::2])] if weights[0].ndim == 2 else []
        # Kernels that do not follow on each other are turned round: the sizes are then not what they seem.
        if sizes[:-1] == [len(W) for W in weights[::2]]:
            found["layer_sizes"] = tuple(sizes)
            if is_keras(subject):
                found["dtype"] = str(subject.compute_dtype)
    except Exception:
        pass  # it may have no weights yet; what it cannot say is given instead
    rate = getattr(subject, "learning_rate", getattr(getattr(subject, "optimizer", None), "learning_rate", None))
    try:
        found["learning_rate"] = float(np.asarray(rate, dtype=np.float64))
    except (TypeError, ValueError):
        found.pop("learning_rate", None)
    hidden = [_activation(layer) for layer in list(getattr(subject, "layers", []))[:-1]]
    if "layer_sizes" in found and len(hidden) == len(found["layer_sizes"]) - 2 and all(hidden):
        found["activations"] = tuple(hidden)
    return {key: value for key, value in found.items() if key != "learning_rate" or np.isfinite(value)}


def _activation(layer: object) -> str:
    activation = getattr(layer, "activation", None)
    if activation is None and type(layer).__module__.startswith("scratch_nn"):
        return "relu"
    name = activation if isinstance(activation, str) else getattr(activation, "__name__", "")
    if name == "leaky_relu" and not isinstance(activation, str):
        return f"leaky_relu({float(np.float32(0.2))!r})"  # TensorFlow keeps the slope in float32
    return name if name in ("relu", "sigmoid", "tanh", "linear", "leaky_relu") else ""


@dataclass
class Handle:
    """One fresh subject, driven with care. `notes` collects what was odd, in order."""

    thing: Any
    plan: Plan
    notes: list[str] = field(default_factory=list)
    weights: list[Array] = field(default_factory=list)
    _forms: list[tuple[tuple[int, ...], str]] = field(default_factory=list)  # shape and dtype as first seen
    _samples: int = 0  # of the last step's batch

    def note(self, text: str) -> None:
        """Remember an oddity, once."""
        if text not in self.notes:
            self.notes.append(text)

    def get_weights(self) -> list[Array]:
        """Copies of the subject's weights, as float64.

        Raises
        ------
        Refusal
            If there are not as many as the layers ask for, or of other shapes.
        """
        if is_step_function(self.thing):
            return [w.copy() for w in self.weights]
        return self._take(self.thing.get_weights())

    def _take(self, given: Any, weights: bool = True) -> list[Array]:
        arrays = [np.array(w, copy=True) for w in given]
        sizes = self.plan.layer_sizes
        if len(arrays) != 2 * len(sizes) - 2:
            raise Refusal(
                f"wrong number of weights: {2 * len(sizes) - 2} arrays (kernel, bias, ...) for layers "
                f"{'-'.join(map(str, sizes))}. Received: {len(arrays)}"
            )
        for index, array in enumerate(arrays):
            if array.dtype.kind not in "fiu":
                raise Refusal(f"weights[{index}] has dtype {array.dtype}, which are not real numbers")
        if weights:
            self._watch(arrays)
        return [self._shaped(index, array).astype(np.float64) for index, array in enumerate(arrays)]

    def _watch(self, arrays: list[Array]) -> None:
        """Note what is odd about the weights' dtype, and what changes while training."""
        for array in arrays:
            if array.dtype != np.float64:
                self.note(f"weights are kept as {array.dtype}")
        forms = [(array.shape, str(array.dtype)) for array in arrays]
        for (shape, dtype), (old_shape, old_dtype) in zip(forms, self._forms or forms, strict=True):
            if shape != old_shape:
                self.note(f"while training, weights change their shape from {old_shape} to {shape}")
            if dtype != old_dtype:
                self.note(f"while training, weights change their dtype from {old_dtype} to {dtype}")
        self._forms = self._forms or forms

    def _shaped(self, index: int, array: Array) -> Array:
        """Return a weight in Keras's shape; NaN for a bias that has a row for each sample after a step."""
        inputs, units = self.plan.layer_sizes[index // 2 : index // 2 + 2]
        expected = (units,) if index % 2 else (inputs, units)
        if array.shape == expected:
            return array
        if index % 2 and array.size == units:
            self.note(f"a bias has shape {array.shape} instead of {expected}")
            return array.reshape(expected)
        if index % 2 and self._samples and array.shape in ((self._samples, units), (units, self._samples)):
            self.note("a bias has one value for each sample after a step: sum its gradient over the samples")
            return np.full(expected, np.nan)
        turned = array.shape == expected[::-1] and not index % 2
        hint = " Kernels seem to be (units, inputs): adapt(..., kernel='units_inputs')" if turned else ""
        raise Refusal(f"weights[{index}] has shape {array.shape} instead of {expected}.{hint}")

    def set_weights(self, weights: Sequence[Array]) -> None:
        """Set the weights; the subject gets copies of its own."""
        own = [np.array(w) for w in weights]
        if is_step_function(self.thing):
            self.weights = own
        else:
            self.thing.set_weights(own)

    def labels(self, y: NDArray[np.integer]) -> NDArray[Any]:
        """Labels as the subject wants them."""
        if self.plan.labels == "onehot":
            return np.eye(self.plan.n_classes)[y]
        return np.array(y)

    def step(self, x: Array, y: NDArray[np.integer]) -> tuple[float | None, float | None]:
        """Make one step on copies of x and y; return the loss and accuracy that were reported, if any."""
        own_x, own_y, self._samples = np.array(x), self.labels(y), len(x)
        before = own_y.copy()
        if is_step_function(self.thing):
            kept = [w.copy() for w in self.weights]
            new, loss = self.thing(kept, own_x, own_y, self.plan.learning_rate)
            self.weights, result = self._take(new), loss
        else:
            result = self.thing.train_on_batch(own_x, own_y)
        if not np.array_equal(own_x, x) or not np.array_equal(own_y, before):
            self.note("the step changes the x or y that it is given, in place")
        return reported(result)

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
        expected = (len(x), self.plan.layer_sizes[-1])
        try:
            given = np.array(self.thing.predict_proba(np.array(x)), np.float64)
        except Exception as error:
            self.note(f"`predict_proba` failed and was left out: {type(error).__name__}: {error}")
            return None
        if given.shape != expected:
            self.note(f"`predict_proba` gives shape {given.shape} instead of {expected} and was left out")
            return None
        return given


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
            f"the step must return its loss, a number. Received: {type(value).__name__} of shape {array.shape}"
        )
    return float(array.reshape(()))


def check_subject(subject: Any) -> None:
    """Raise InputError for what can be no subject at all."""
    if not callable(subject) and not hasattr(subject, "train_on_batch"):
        raise InputError(
            "`subject` must be an object with get_weights, set_weights and train_on_batch, a function "
            "step(weights, x, y, learning_rate), or a factory of either. "
            f"Received: {type(subject).__name__}"
        )
