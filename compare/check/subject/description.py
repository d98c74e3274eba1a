"""What a subject is and says about itself, in plain values that can cross to another process."""

import re
from collections.abc import Sequence
from typing import Annotated, Any, Literal, TypedDict, cast

import numpy as np
from msgspec import Meta

from compare.check.subject.adapted import Adapted
from compare.check.subject.exceptions import Interrupted, describe
from compare.check.subject.factories import WrongDepth
from compare.check.subject.forks import WatchForks
from compare.check.subject.handle import Handle
from compare.check.subject.kinds import (
    Array,
    Refusal,
    is_factory,
    is_keras,
    is_step_function,
    make,
    makes_for,
    read_off,
    takes_rate,
)
from compare.check.subject.own_training import own_method
from compare.check.subject.performing import contained
from compare.check.subject.predicting import offered
from compare.check.subject.tasks import Several, Words
from compare.recipe.recipe import Recipe

Units = Annotated[int, Meta(ge=1, le=2**40)]
Activation = Annotated[str, Meta(pattern=r"^(relu|sigmoid|tanh|linear|leaky_relu(\(-?\d+(\.\d+)?(e-?\d+)?\))?)$")]
UNPACKED = re.compile(r"(too many|not enough) values to unpack \(expected \d+")  # layer sizes, of a number of its own


class OwnMethod(TypedDict):
    """A subject's own `train` or `fit`, and what keeps it from being driven."""

    signature: Words
    trouble: Words | None


class Description(TypedDict, total=False):
    """What a subject is and says about itself.

    `name` is what its file calls it, and `adapter` the code of the adapter that it is driven by, where these were found
    out, and `certain` whether a step is seen to be right by it; `error` is why it cannot be made; `fits`, of a factory,
    is whether what it makes has the layers asked for, and `made` whether it makes anything with so many; `train` are
    the usual names of what its own `method` takes, `predicts` the methods that it predicts with; `layer_sizes` to
    `labels` are what is read off it.
    """

    error: Words
    fits: bool
    made: bool
    name: Words
    adapter: Words
    certain: bool
    kind: Words
    takes_rate: bool
    notes: Annotated[list[Words], Several]
    layer_sizes: Annotated[tuple[Units, ...], Meta(min_length=2, max_length=10_000)]
    learning_rate: Annotated[float, Meta(ge=-1e300, le=1e300)]
    activations: Annotated[tuple[Activation, ...], Several]
    dtype: Literal["float16", "bfloat16", "float32", "float64"]
    labels: Literal["integer", "onehot"]
    train: Annotated[list[Words], Several]
    method: OwnMethod
    predicts: Annotated[list[Words], Several]


def describe_subject(subject: Any, recipe: Recipe) -> Description:
    """What a subject is and says about itself, in plain values."""
    found: dict[str, Any] = {"notes": []}
    try:
        with contained(), WatchForks():
            _describe(subject, recipe, found)
    except Interrupted:
        raise
    except Refusal as error:
        found["error"] = describe(error)
        found["fits"] = not isinstance(error, WrongDepth)
    except BaseException as error:
        sizes, rate = list(recipe.architecture.sizes), recipe.architecture.learning_rate
        why = describe(error)
        found["error"] = f"it cannot be made with layer sizes {sizes} (--layers), rate {rate:g}: {why}"
        found["fits"] = not UNPACKED.search(why)
    return cast(Description, found)


def _describe(subject: Any, recipe: Recipe, found: dict[str, Any]) -> None:
    found["kind"] = (
        "a Keras model"
        if is_keras(subject)
        else "a step function"
        if is_step_function(subject)
        else "a factory"
        if is_factory(subject)
        else "an object"
    )
    found["takes_rate"] = takes_rate(subject, recipe)
    made = make(subject, recipe)
    if is_step_function(made):
        return
    said = read_off(made)
    if is_factory(subject) and makes_for(getattr(subject, "network", subject)):
        # A factory was told rate and activations; what it does with them is what is checked.
        said = {key: value for key, value in said.items() if key in ("layer_sizes", "dtype")}
    found |= said
    found["predicts"] = offered(made)
    own = own_method(made)
    if own is not None:
        _, method = own
        found["train"] = sorted(method.names)
        found["method"] = {"signature": method.signature, "trouble": method.trouble}
    found["notes"] += _not_driven(made)
    try:
        found["notes"] += _starting_weights(Handle(made, recipe).get_weights(), recipe)
    except Refusal:
        found["fits"] = not is_factory(subject)
    except Exception:
        pass  # some have no weights before they are set; what is wrong with others shows when they are driven


def _not_driven(made: Any) -> list[str]:
    """Say that an adapter leaves out a training of the network's own."""
    own = own_method(made.network) if isinstance(made, Adapted) and made.declared.train is None else None
    if own is None or own[1].trouble is not None:
        return []
    name = own[0].__name__
    return [f'its own `{name}` is not driven as a training: `train="{name}"` in the adapter has it checked too']


def _starting_weights(weights: Sequence[Array], recipe: Recipe) -> list[str]:
    tensors = zip(recipe.architecture.weights, weights, strict=True)
    kernels = [W for weight, W in tensors if weight.role == "kernel"]
    if all(W.size > 1 and np.ptp(W) == 0 for W in kernels):
        return [f"weights all zero or all equal: a fresh subject's kernels are all {kernels[0].flat[0]:g}"]
    return []
