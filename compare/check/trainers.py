"""What a training comes to beside a reference: by Keras, and by the rules of a fault."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from compare.agreement.tolerance import Tolerance
from compare.check.steps.reference import Reference, steps_from
from compare.check.steps.situations import Rows, draw_weights
from compare.check.trials import Trial, likeliest, simulate, tolerated
from compare.faults.fault import Fault
from compare.mathematics.functions import Array
from compare.mathematics.rules import CORRECT, Rules

End = tuple[list[float], list[Array]]  # each epoch's loss, and the final weights


class Trainer(Protocol):
    """Trains beside one kind of reference.

    `order_matters`: inside a batch too. `short` is how many epochs of few samples can be tried in every order.
    """

    @property
    def reference(self) -> Reference:
        """What the subject is held to."""

    @property
    def order_matters(self) -> bool:
        """Whether another order inside a batch is another training."""

    @property
    def short(self) -> int:
        """How many epochs of few samples can be tried in every order."""

    def draw(self, rng: np.random.Generator, X: Array, zero_biases: bool) -> list[Array]:
        """Draw weights to start from."""

    def expected(self, trial: Trial) -> End:
        """Return what Keras comes to; it reports an epoch's loss as the mean over its batches, weighted by size."""

    def by(self, rules: Rules, trial: Trial) -> End | None:
        """Return what training by these rules comes to; None where the faulty code would raise."""

    def tolerated(self, trial: Trial) -> Tolerance | None:
        """Return what is tolerated of this training; None where it tells nothing."""

    def likeliest(self, rules: Rules, trial: Trial, sizes: Sequence[int], after: Sequence[Array]) -> Trial | None:
        """Of all sizes and orders of batches, return the one that comes nearest to these weights."""

    def knows(self, fault: Fault) -> bool:
        """Return whether a training by the rules of a fault can be told."""


@dataclass(frozen=True)
class PlainTrainer:
    """Beside the plain network, whose mathematics is known."""

    reference: Reference
    order_matters: bool = False
    short: int = 2

    def draw(self, rng: np.random.Generator, X: Array, zero_biases: bool) -> list[Array]:
        """Draw weights to start from."""
        return draw_weights(self.reference.recipe.architecture, rng, X, zero_biases)

    def expected(self, trial: Trial) -> End:
        """Return what Keras comes to."""
        batches = [[rows for rows, _ in CORRECT.batches(order, 0, trial.size)] for order in trial.orders]
        every: list[Rows] = [rows for epoch in batches for rows in epoch]
        steps = steps_from(self.reference, trial.X, trial.y, every, [trial.weights])
        sizes = [len(rows) for rows in batches[0]]
        losses = np.average(steps.loss.reshape(len(batches), -1), axis=1, weights=sizes).astype(float).tolist()
        return losses, [np.asarray(W[-1], np.float64) for W in steps.weights]

    def by(self, rules: Rules, trial: Trial) -> End | None:
        """Return what training by these rules comes to; None where the faulty code would raise."""
        return simulate(rules, self.reference.rounded, trial)

    def tolerated(self, trial: Trial) -> Tolerance | None:
        """Return what is tolerated of this training; None where it tells nothing."""
        return tolerated(self.reference, trial)

    def likeliest(self, rules: Rules, trial: Trial, sizes: Sequence[int], after: Sequence[Array]) -> Trial | None:
        """Of all sizes and orders of batches, return the one that comes nearest to these weights."""
        return likeliest(rules, self.reference, trial, sizes, after)

    def knows(self, fault: Fault) -> bool:
        """Return whether a training by the rules of a fault can be told."""
        return fault.training or fault.reporting
