"""A training beside any Keras model: Keras takes the steps itself, of whatever batches a fault would make."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np

from compare.agreement.tolerance import PROBE, Tolerance, of_run, sampled
from compare.check.steps.model_reference import SAMPLES, ModelReference
from compare.check.steps.model_situations import draw
from compare.check.trainers import End
from compare.check.trials import Trial, batchings, explodes, largest
from compare.faults.fault import Fault
from compare.mathematics.functions import Array
from compare.mathematics.rules import CORRECT, Rules


@dataclass(frozen=True)
class ModelTrainer:
    """Beside a model, whose optimizer goes on from step to step."""

    reference: ModelReference
    short: int = 1  # each order is a training of Keras's

    @property
    def order_matters(self) -> bool:
        """Whether another order inside a batch is another training."""
        return self.reference.samplewise

    def draw(self, rng: np.random.Generator, X: Array, zero_biases: bool) -> list[Array]:
        """Draw weights to start from."""
        return draw(self.reference, rng, zero_biases)

    def expected(self, trial: Trial) -> End:
        """Return what Keras comes to."""
        return self._ended(CORRECT, trial)

    def by(self, rules: Rules, trial: Trial) -> End | None:
        """Return what training on the batches that these rules make comes to, with the history that they make."""
        return self._ended(rules, trial)

    def _ended(self, rules: Rules, trial: Trial) -> End:
        epochs = [rules.batches(order, epoch, trial.size) for epoch, order in enumerate(trial.orders)]
        every = [pair for epoch in epochs for pair in epoch]
        rows, labels = (np.concatenate(of) for of in zip(*every, strict=True))
        ends = np.cumsum([len(batch) for batch, _ in every])
        batches = np.split(np.arange(len(rows)), ends[:-1])
        starts = [0, *[-1] * (len(batches) - 1)]
        steps = self.reference.steps(trial.X[rows], trial.y[labels], batches, [trial.weights], starts)
        history: list[float] = []
        begin = 0
        for epoch in epochs:
            end = begin + len(epoch)
            now = _LossNow(self.reference, trial, [np.asarray(W[end - 1]) for W in steps.weights])
            losses = steps.loss[begin:end].astype(float).tolist()
            history.append(float(rules.history(losses, [len(batch) for batch, _ in epoch], now)))
            begin = end
        return history, [np.asarray(W[-1], np.float64) for W in steps.weights]

    def tolerated(self, trial: Trial) -> Tolerance | None:
        """Return what is tolerated: a multiple of how far an ULP of inputs and weights, and other sums, carry it.

        None where something is not finite or the weights explode, where rounding alone carries it too far, or where a
        learning rate that is off would not show in a training that amplifies rounding.
        """
        reference = self.reference
        history, weights = self.expected(trial)
        if not (np.isfinite(history).all() and all(np.isfinite(W).all() for W in weights)) or explodes(trial, weights):
            return None
        near = [self.expected(each) for each in self._near(trial)]
        if reference.alike is not None:
            near.append(replace(self, reference=replace(reference, model=reference.alike)).expected(trial))
        drift = sampled([losses for losses, _ in near], history)
        drifts = [float(sampled([after[k] for _, after in near], W).max()) for k, W in enumerate(weights)]
        layers = [weight.layer for weight in reference.recipe.architecture.weights]
        allowed = of_run((drift, drifts), history, weights, layers, reference.precision)
        if not allowed.tight:
            return None
        return allowed if not allowed.amplified or self._shows(trial, allowed, history, weights) else None

    def _near(self, trial: Trial) -> list[Trial]:
        """The same training but for rounding: inputs and weights moved, and sums taken the other way round."""
        moved, turned = self.reference.mover(), trial.orders
        if not self.order_matters:
            starts = range(0, turned.shape[1], trial.size)
            turned = np.concatenate([turned[:, start : start + trial.size][:, ::-1] for start in starts], axis=1)
        return [
            replace(
                trial,
                X=trial.X if self.reference.indices else moved(trial.X),
                weights=[*map(moved, trial.weights)],
                orders=turned,
            )
            for _ in range(SAMPLES)
        ]

    def _shows(self, trial: Trial, allowed: Tolerance, history: list[float], weights: list[Array]) -> bool:
        """Whether a learning rate that is off by little would be out of tolerance; a schedule's cannot be tried."""
        if self.reference.scheduled:
            return False
        recipe = self.reference.recipe
        other = self.reference.at(recipe.at(recipe.architecture.learning_rate * (1 + PROBE)))
        off = replace(self, reference=other).expected(trial)
        self.reference.at(recipe)
        return largest([off[0]], [history], [allowed.loss]) > 1 or largest(off[1], weights, allowed.weights) > 1

    def likeliest(self, rules: Rules, trial: Trial, sizes: Sequence[int], after: Sequence[Array]) -> Trial | None:
        """Of all sizes and orders of batches, return the one that comes nearest to these weights."""
        best: tuple[float, Trial | None] = (np.inf, None)
        for size in (1,) if self.order_matters else sizes:
            every = [np.array(order) for order in batchings(len(trial.y), size)]
            for orders in product(every, repeat=len(trial.orders)):
                one = replace(trial, orders=np.stack(orders), size=size)
                off = largest(after, self._ended(rules, one)[1], [1.0] * len(after))
                if best[1] is None or off < best[0]:
                    best = off, one
        return best[1]

    def knows(self, fault: Fault) -> bool:
        """Return whether a training by the rules of a fault can be told: of those that make its batches and history."""
        return fault.training


@dataclass(frozen=True)
class _LossNow:
    """The loss on all samples from given weights, when it is asked for."""

    reference: ModelReference
    trial: Trial
    weights: list[Array]

    def __call__(self) -> float:
        rows = np.arange(len(self.trial.y))
        return float(self.reference.steps(self.trial.X, self.trial.y, [rows], [self.weights], [0]).loss[0])
