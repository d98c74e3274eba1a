"""What a subject is asked to do and what it did: plain values that cross between two processes."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from compare.check.subject.kinds import Array
from compare.check.subject.tracing import Trace
from compare.recipe.recipe import Recipe

Rows = NDArray[Any]
TOO_LONG = "it takes too long"
LEFT_RUNNING = "it leaves a process running that it forked"


@dataclass(frozen=True)
class Task:
    """A situation to run a fresh subject through.

    `weights` holds the weights to set before each step, or only the first step's if `free`. With `gradients`, the
    subject's own `gradients` and `predict_proba` are asked before each step, if it has them. With `epochs`, the
    subject's own epoch-level training is driven instead of its steps, for that many epochs in `calls` calls. `seed` is
    that of the global generators, which are put back afterwards. What its own lines compute in the steps of `trace` is
    written down.
    """

    recipe: Recipe
    X: Array
    y: NDArray[np.integer]
    batches: list[Rows]
    weights: list[list[Array]]
    free: bool = False
    gradients: bool = False
    epochs: int = 0
    calls: int = 1
    batch_size: int = 0
    orders: Rows | None = None
    seed: int = 0
    trace: tuple[int, ...] = ()


@dataclass
class Did:
    """What the subject did in one step; None where it does not tell."""

    loss: float | None = None
    accuracy: float | None = None
    before: list[Array] | None = None
    after: list[Array] | None = None
    gradients: list[Array] | None = None
    probabilities: Array | None = None
    error: str | None = None
    masks: list[Array] | None = None  # of dropout


@dataclass
class Performance:
    """What the subject did in a task: its steps, oddities, and why it stopped early, if it did.

    `steps` has an entry for each step that was begun. `refusal` is set whatever ended the task before its last step.
    """

    steps: list[Did] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    refusal: str | None = None
    history: list[float] | None = None
    output: str = ""
    trace: Trace | None = None
