"""Training is steps repeated: epochs of batches, and a stack of replicates in blocks that fit the cache."""

import copy
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from scratch_nn.work import replicates_per_block

if TYPE_CHECKING:
    from scratch_nn.network import Network

Array = NDArray[np.floating]
Indices = NDArray[np.integer]


def train(network: "Network", X_and_ones: Array, y: Indices, batch: int, orders: Indices | None, verbose: int) -> None:
    """Train for as many epochs as the network's `loss` and `accuracy` have room for, and fill them.

    A block's result does not depend on the others: each trains through all epochs by itself.
    """
    if network.replicates is None:
        run_epochs(network, X_and_ones, y, batch, orders, verbose)
        return
    size = replicates_per_block(network.parameters.shapes, batch, network.dtype.itemsize)
    for start in range(0, network.replicates, size):
        rows = slice(start, start + size)
        own = orders if orders is None or orders.ndim == 2 else orders[rows]
        run_epochs(part(network, rows), X_and_ones, y, batch, own, verbose=0)
    for epoch in range(0, network.loss.shape[-1], verbose) if verbose else ():
        print_epoch(epoch, np.median(network.loss[:, epoch]), np.median(network.accuracy[:, epoch]))


def part(stack: "Network", rows: slice) -> "Network":
    """Some of a stack's replicates, as a network on the same parameters and trajectory."""
    some = copy.copy(stack)
    some.bind(stack.parameters.part(rows))
    some.optimizer, some.streams = stack.optimizer.part(rows), stack.streams.part(rows)
    some.loss, some.accuracy = stack.loss[rows], stack.accuracy[rows]
    return some


def run_epochs(
    network: "Network", X_and_ones: Array, y: Indices, batch: int, orders: Indices | None, verbose: int
) -> None:
    """Train one network, or one block: all of its replicates step together."""
    n, leading, dtype = len(y), network.loss.shape[:-1], network.dtype
    always_whole = orders is None and batch == n
    if always_whole:
        work = network.work_for(n, shared=True)
        work.load(X_and_ones, y)
    for epoch in range(network.loss.shape[-1]):
        if always_whole:
            visited, (loss, correct) = n, network.step(work)
        else:
            order = network.streams.permutations(n) if orders is None else orders[..., epoch, :]
            visited = order.shape[-1]
            loss, correct = np.zeros(leading, dtype), np.zeros(leading, np.intp)
            for start in range(0, visited, batch):
                rows = order[..., start : start + batch]
                work = network.work_for(rows.shape[-1], shared=rows.ndim == 1)
                work.load(X_and_ones, y, rows)
                batch_loss, batch_correct = network.step(work)
                loss = loss + batch_loss * dtype.type(rows.shape[-1])
                correct = correct + batch_correct
            loss = loss / dtype.type(visited)
        network.loss[..., epoch] = loss
        network.accuracy[..., epoch] = correct / visited
        if verbose and epoch % verbose == 0:
            print_epoch(epoch, network.loss[epoch], network.accuracy[epoch])


def print_epoch(epoch: int, loss: np.floating, accuracy: np.floating) -> None:
    """Print one line, as the article does."""
    print(f"epoch {epoch}: accuracy {accuracy}, loss {loss}")
