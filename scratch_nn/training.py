"""Training is steps repeated: epochs of batches, of one network or of a stack block by block."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from scratch_nn import stack
from scratch_nn.model import Model
from scratch_nn.randomness import Streams

Array = NDArray[np.floating]
Indices = NDArray[np.integer]
Targets = NDArray[np.number]


@dataclass(frozen=True)
class Schedule:
    """How long training goes on, and which samples each step sees.

    Parameters
    ----------
    epochs : int
    batch : int
        Batch size. The last batch of an epoch may be smaller.
    orders : ndarray of shape (epochs, visited) or (replicates, epochs, visited), or None
        Row numbers in the order of each epoch. None: a batch of all samples takes them as they lie, and smaller ones
        are shuffled afresh every epoch.
    streams : Streams
        What shuffles.
    """

    epochs: int
    batch: int
    orders: Indices | None
    streams: Streams

    def always_whole(self, n: int) -> bool:
        """Whether every step takes all n samples as they lie."""
        return self.orders is None and self.batch == n

    def order(self, epoch: int, n: int) -> Indices:
        """Return the row numbers of an epoch, (visited,) or (replicates, visited)."""
        return self.streams.permutations(n) if self.orders is None else self.orders[..., epoch, :]

    def part(self, rows: slice) -> "Schedule":
        """The schedule of some of a stack's replicates."""
        own = self.orders if self.orders is None or self.orders.ndim == 2 else self.orders[rows]
        return replace(self, orders=own, streams=self.streams.part(rows))


def train(model: Model, X_and_ones: Array, y: Targets, schedule: Schedule, verbose: int) -> tuple[Array, Array]:
    """Train one network or a stack.

    Parameters
    ----------
    model : Model
    X_and_ones : ndarray of shape (n, features + 1)
    y : ndarray of shape (n,) or (n, outputs)
    schedule : Schedule
    verbose : int
        Print every verbose-th epoch; of a stack, at the end, the medians. 0: print nothing.

    Returns
    -------
    loss, accuracy : ndarray of shape (epochs,) or (replicates, epochs)
    """
    theta = model.theta
    if theta.ndim == 1:
        return run_epochs(model, X_and_ones, y, schedule, verbose)
    shape = (len(theta), schedule.epochs)
    loss, accuracy = np.empty(shape, theta.dtype), np.empty(shape, theta.dtype)
    for rows in stack.blocks(model.parameters, schedule.batch):
        # A block's result does not depend on the others: each trains through all epochs by itself.
        block = model.part(rows)
        loss[rows], accuracy[rows] = run_epochs(block, X_and_ones, y, schedule.part(rows), verbose=0)
    for epoch in range(0, schedule.epochs, verbose) if verbose else ():
        print_epoch(epoch, np.median(loss[:, epoch]), np.median(accuracy[:, epoch]))
    return loss, accuracy


def run_epochs(model: Model, X_and_ones: Array, y: Targets, schedule: Schedule, verbose: int) -> tuple[Array, Array]:
    """Train one network, or one block: all of its replicates step together. See `train`."""
    n, theta = len(y), model.theta
    shape = (*theta.shape[:-1], schedule.epochs)
    loss, accuracy = np.empty(shape, theta.dtype), np.empty(shape, theta.dtype)
    always_whole = schedule.always_whole(n)
    if always_whole:
        whole = model.batch_of(n, shared=True)
        whole.load(X_and_ones, y)
    for epoch in range(schedule.epochs):
        if always_whole:
            loss[..., epoch], correct = model.step(whole)
            accuracy[..., epoch] = correct / n
        else:
            order = schedule.order(epoch, n)
            loss[..., epoch], accuracy[..., epoch] = run_batches(model, X_and_ones, y, order, schedule.batch)
        if verbose and epoch % verbose == 0:
            print_epoch(epoch, loss[epoch], accuracy[epoch])
    return loss, accuracy


def run_batches(model: Model, X_and_ones: Array, y: Targets, order: Indices, size: int) -> tuple[Array, Array]:
    """Train one epoch in batches; return the means of loss and accuracy, weighted by batch size."""
    leading, dtype = model.theta.shape[:-1], model.theta.dtype
    visited = order.shape[-1]
    loss, correct = np.zeros(leading, dtype), np.zeros(leading, np.intp)
    for start in range(0, visited, size):
        rows = order[..., start : start + size]
        batch = model.batch_of(rows.shape[-1], shared=rows.ndim == 1)
        batch.load(X_and_ones, y, rows)
        batch_loss, batch_correct = model.step(batch)
        loss = loss + batch_loss * dtype.type(rows.shape[-1])
        correct = correct + batch_correct
    return loss / dtype.type(visited), correct / visited


def print_epoch(epoch: int, loss: np.floating, accuracy: np.floating) -> None:
    """Print one line, as the article does."""
    print(f"epoch {epoch}: accuracy {accuracy}, loss {loss}")
