"""What a subject is asked to do and what it did: plain values that cross between two processes."""

from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from compare.check.subject.kinds import Array
from compare.check.subject.tracing import Trace
from compare.recipe.recipe import Recipe

Rows = NDArray[Any]
Words = Annotated[str, Meta(max_length=5_000)]  # of a subject, and how many of them: more is no answer
Several = Meta(max_length=10_000)
Tensors = Annotated[list[Array], Several]
TOO_LONG = "it takes too long"
LEFT_RUNNING = "it leaves a process running that it forked"


@dataclass(frozen=True)
class Task:
    """A situation to run a fresh subject through.

    `weights` holds the weights to set before each step, or only the first step's if `free`. With `gradients`, the
    subject's own `gradients` and `predict_proba` are asked before each step, if it has them; with `predict`, whatever
    it predicts with. With `epochs`, the subject's own epoch-level training is driven instead of its steps, for that
    many epochs in `calls` calls. `seed` is that of the global generators, which are put back afterwards. What its own
    lines compute in the steps of `trace` is written down.
    """

    recipe: Recipe
    X: Array
    y: NDArray[np.integer]
    batches: list[Rows]
    weights: list[list[Array]]
    free: bool = False
    gradients: bool = False
    predict: bool = False
    epochs: int = 0
    calls: int = 1
    batch_size: int = 0
    orders: Rows | None = None
    shuffle: bool = False
    seed: int = 0
    trace: tuple[int, ...] = ()


@dataclass(frozen=True)
class Predicted:
    """What one method of the subject predicts: floats of the outputs' shape, or integers, which are classes.

    `repeats`: a second call gives the same. `keeps`: the weights are as they were.
    """

    method: Literal["predict", "predict_proba"]
    values: Array
    repeats: bool
    keeps: bool


@dataclass
class Did:
    """What the subject did in one step; None where it does not tell."""

    loss: float | None = None
    accuracy: float | None = None
    before: Tensors | None = None
    after: Tensors | None = None
    gradients: Tensors | None = None
    probabilities: Array | None = None
    error: Words | None = None
    masks: Tensors | None = None  # of dropout
    held: Annotated[dict[Words, Array], Several] = field(default_factory=dict)  # what may be one, until they are found
    predicted: Annotated[list[Predicted], Several] = field(default_factory=list)  # before the step


@dataclass
class Performance:
    """What the subject did in a task: its steps, oddities, and why it stopped early, if it did.

    `steps` has an entry for each step that was begun. `refusal` is set whatever ended the task before its last step.
    """

    steps: Annotated[list[Did], Several] = field(default_factory=list)
    notes: Annotated[list[Words], Several] = field(default_factory=list)
    refusal: Words | None = None
    history: Annotated[list[float], Several] | None = None
    output: Words = ""
    trace: Trace | None = None
