"""One step: forward, loss, backward, update. One network and a stack of replicates run through the same code.

Every array may carry a leading replicate axis, over which NumPy broadcasts; one network is the case without.
"""

import copy
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from scratch_nn.layers import BoundDense
from scratch_nn.losses import CategoricalCrossentropy, Loss
from scratch_nn.optimizers import Optimizer
from scratch_nn.parameters import Parameters
from scratch_nn.penalties import Penalty

Array = NDArray[np.floating]
Indices = NDArray[np.integer]
Targets = NDArray[np.number]


class Batch:
    """A batch and all that a step computes from it: layers and loss bound to arrays, each to its neighbours'.

    Parameters
    ----------
    parameters : Parameters
    samples : int
        Batch size.
    shared : bool
        Whether all replicates see the same batch: then the input has no replicate axis.
    objective : type of Loss

    Attributes
    ----------
    X : ndarray of shape (samples, features + 1) or (replicates, samples, features + 1)
        The input, its last column ones; sample by sample, so that gathering a batch copies whole rows.
    layers : list of BoundDense
        From the first to the output layer.
    loss : Loss
    """

    def __init__(self, parameters: Parameters, samples: int, shared: bool, objective: type[Loss]) -> None:
        leading = () if shared else parameters.theta.shape[:-1]
        self.X = np.empty((*leading, samples, parameters.inputs + 1), parameters.theta.dtype)
        self.layers: list[BoundDense] = []
        A: Array = self.X.swapaxes(-1, -2)
        dA: Array | None = None
        pieces = parameters.pieces(parameters.theta), parameters.pieces(parameters.gradient)
        for layer, theta, gradient in zip(parameters.layers, *pieces, strict=True):
            logits = layer is parameters.layers[-1] and objective.from_logits
            bound = layer.bind(theta, gradient, A, dA, logits)
            self.layers.append(bound)
            A, dA = bound.output, bound.error
        last = self.layers[-1]
        self.loss = objective(last.Z if objective.from_logits else last.A, last.error)
        self.targets = self.loss.room(self.X.shape[:-1])

    def load(self, X_and_ones: Array, y: Targets, rows: Indices | None = None) -> None:
        """Take these rows, (samples,) or (replicates, samples), of the data as the batch; None: all of it."""
        if rows is None:
            np.copyto(self.X, X_and_ones)
            self.loss.set_targets(y)
        else:
            X_and_ones.take(rows, axis=0, out=self.X, mode="clip")
            self.loss.set_targets(y.take(rows, axis=0, out=self.targets, mode="clip"))


class Model:
    """The steps of training. A planted bug overrides `forward`, `backward` or `update`.

    Parameters
    ----------
    optimizer : Optimizer
    objective : type of Loss
    penalty : Penalty, optional

    Attributes
    ----------
    parameters : Parameters
        What `bind` was given; before, neither they nor the vectors exist.
    theta, gradient : ndarray of shape (parameters,) or (replicates, parameters)
        All parameters, and room for their gradient, which an update uses up.
    slots : list of ndarray
        What the optimizer keeps from step to step.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        objective: type[Loss] = CategoricalCrossentropy,
        penalty: Penalty | None = None,
    ) -> None:
        self.optimizer, self.objective, self.penalty = optimizer, objective, penalty

    def __getstate__(self) -> dict[str, Any]:
        # A batch is bound to this model's own vectors; a copy's would not be to the copy's.
        return {**self.__dict__, "_batches": {}}

    def bind(self, parameters: Parameters) -> None:
        """Make these the model's parameters; what the optimizer keeps starts anew."""
        self.parameters, self.theta, self.gradient = parameters, parameters.theta, parameters.gradient
        self.slots = self.optimizer.slots(self.theta)
        self._batches: dict[tuple[int, bool], Batch] = {}

    def part(self, rows: slice) -> Self:
        """Some of a stack's replicates, as a model of the same kind on the same parameters and slots."""
        some = copy.copy(self)
        some.optimizer = self.optimizer.part(rows)
        some.bind(self.parameters.part(rows))
        some.slots = [slot[rows] for slot in self.slots]
        return some

    def batch_of(self, samples: int, shared: bool) -> Batch:
        """Return the arrays for batches of this size, made when first needed."""
        key = (samples, shared)
        if key not in self._batches:
            self._batches[key] = Batch(self.parameters, samples, shared, self.objective)
        return self._batches[key]

    def forward(self, batch: Batch) -> None:
        """Forward pass: every layer's Z and A, from the batch's input."""
        for layer in batch.layers:
            layer.forward()

    def backward(self, batch: Batch) -> None:
        """Backward pass: every layer's dW, from the dZ that the loss left in the output layer."""
        for layer in reversed(batch.layers):
            layer.backward()

    def update(self) -> None:
        """Apply the gradient."""
        self.optimizer.update(self.theta, self.gradient, self.slots)

    def loss_and_gradient(self, batch: Batch) -> tuple[Array, Indices]:
        """Compute the gradient; return the batch's loss and correct predictions, each () or (replicates,)."""
        self.forward(batch)
        loss, correct = batch.loss.value(), batch.loss.correct()
        batch.loss.gradient()
        self.backward(batch)
        if self.penalty is not None:
            kernels, gradients = (self.parameters.kernels(flat) for flat in (self.theta, self.gradient))
            loss = loss + self.penalty.value(kernels)
            self.penalty.add_gradient(kernels, gradients)
        return loss, correct

    def step(self, batch: Batch) -> tuple[Array, Indices]:
        """Update on the batch; return its loss and correct predictions, both before the update."""
        measured = self.loss_and_gradient(batch)
        self.update()
        return measured
