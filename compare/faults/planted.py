"""Networks that have known bugs: the article's, and any that the catalogue knows."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from compare.faults import FAULTS, combine
from compare.faults.fault import Cause
from compare.mathematics.rules import take_step
from compare.mathematics.step import Step
from compare.recipe.architecture import dense
from compare.recipe.recipe import Recipe
from scratch_nn import DenseLayer, Network
from scratch_nn.model import Batch


class StaleActivations(Network):
    """The article's bug: the backward pass reads the inputs and Z of the network's first forward pass, for ever.

    The article's network appends each forward pass's inputs and Z to a list that it never clears, and its backward
    pass reads the list from the start. So only the error of the output layer is fresh. This is the fast, stackable
    network that reproduces the article; the catalogue's "stale activations" is the same fault for the diagnosis.
    """

    first: Sequence[tuple[NDArray[np.floating], NDArray[np.floating]]] = ()  # each layer's A_in and Z

    def forward(self, batch: Batch) -> None:
        """Forward pass; the first one's inputs and Z are kept."""
        super().forward(batch)
        if not self.first:
            self.first = [(layer.A_in.copy(), layer.Z.copy()) for layer in batch.layers]

    def backward(self, batch: Batch) -> None:
        """Backward pass from the kept inputs and Z; a batch of another size does not fit them."""
        for layer, (A_in, Z) in zip(batch.layers, self.first, strict=True):
            if layer.Z.shape != Z.shape:
                raise ValueError(f"stale activations of shape {Z.shape} do not fit a batch of shape {layer.Z.shape}")
            np.copyto(layer.A_in, A_in)
            np.copyto(layer.Z, Z)
        super().backward(batch)


class FaultyNetwork(Network):
    """A network in float64 with some known bugs in it, which it has from the catalogue.

    Parameters
    ----------
    causes : sequence of Cause or str
        The bugs, applied in the catalogue's order; a name stands for the fault with its example's parameters.
    recipe : Recipe
    seed : int, optional
    """

    def __init__(self, causes: Sequence[Cause | str], recipe: Recipe, seed: int | None = 0) -> None:
        architecture = recipe.architecture
        super().__init__(architecture.learning_rate, seed=seed)
        for units, activation in zip(architecture.sizes[1:], [*architecture.activations, None], strict=True):
            self.add(DenseLayer(units, activation))
        self.causes = [Cause(FAULTS[c], FAULTS[c].example) if isinstance(c, str) else c for c in causes]
        self.rules = combine(self.causes)
        self.recipe = recipe
        self.memory: dict[str, Any] = {}
        self.build(architecture.sizes[0])
        self.set_weights(self.rules.initial(architecture, self.get_weights()))

    def _take(self, x: ArrayLike, y: ArrayLike, memory: dict[str, Any]) -> Step:
        # Summing the samples from last to first rounds differently from the catalogue's own computation.
        turn = slice(None, None, None if any(cause.fault.ordered for cause in self.causes) else -1)
        x, y = np.asarray(x)[turn], np.asarray(y)[turn]
        return take_step(self.rules, self.recipe, self.get_weights(), x, y, memory)

    def _loss_now(self, X: ArrayLike, y: ArrayLike) -> float:
        return self._take(X, y, dict(self.memory)).loss

    def train_on_batch(self, x: ArrayLike, y: ArrayLike) -> tuple[Any, Any]:
        """Make one faulty update; return the loss and accuracy that it reports."""
        step = self._take(x, y, self.memory)
        self.set_weights(step.after)
        return step.loss, step.accuracy

    def gradients(self, x: ArrayLike, y: ArrayLike) -> list[NDArray[np.floating]]:
        """Return the gradients that the next `train_on_batch` would use; nothing is kept."""
        return self._take(x, y, dict(self.memory)).gradients

    def train(
        self,
        X: ArrayLike,
        y: ArrayLike,
        epochs: int,
        batch_size: int | None = None,
        batch_orders: ArrayLike | None = None,
        verbose: int = 0,
    ) -> None:
        """Train as `Network.train` does, with the bugs."""
        X, y = np.asarray(X), np.asarray(y)
        orders = np.tile(np.arange(len(X)), (epochs, 1)) if batch_orders is None else np.asarray(batch_orders)
        losses, accuracies = [], []
        for epoch, order in enumerate(orders):
            batches = self.rules.batches(order, epoch, batch_size or len(X))
            steps = [self.train_on_batch(X[rows], y[labels]) for rows, labels in batches]
            sizes = [len(rows) for rows, _ in batches]
            losses.append(self.rules.history([float(loss) for loss, _ in steps], sizes, partial(self._loss_now, X, y)))
            accuracies.append(np.average([accuracy for _, accuracy in steps], weights=sizes))
        self.loss, self.accuracy = np.array(losses), np.array(accuracies)


def planted(causes: Sequence[Cause | str]) -> Callable[..., FaultyNetwork]:
    """Return a factory of networks with these bugs, as a check wants it."""

    def factory(
        layer_sizes: Sequence[int], learning_rate: float, n_samples: int, batch_size: int, activations: Sequence[str]
    ) -> FaultyNetwork:
        return FaultyNetwork(causes, Recipe(dense(layer_sizes, activations, learning_rate), n_samples, batch_size))

    return factory
