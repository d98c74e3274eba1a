"""The arrays of one training step, allocated once for each batch size and reused by every step."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from scratch_nn.layers import DenseLayer, LayerWork
from scratch_nn.losses import CategoricalCrossentropy

Array = NDArray[np.floating]

BLOCK_BYTES = 2**22  # about a core's share of the cache: a stack trains in blocks whose buffers fit


def replicates_per_block(shapes: Sequence[tuple[int, int]], samples: int, itemsize: int) -> int:
    """Return how many replicates of these (inputs, units) train together on batches of `samples`."""
    rows = 4 * sum(units for _, units in shapes)  # Z, A, dZ and slope
    return max(1, BLOCK_BYTES // (rows * samples * itemsize))


class BatchWork:
    """One batch size's arrays, layer by layer.

    Parameters
    ----------
    layers : list of DenseLayer
    W, dW : list of ndarray of shape (..., units, inputs + 1)
        Each layer's parameters and their gradient: views of the network's flat vectors.
    samples : int
        Batch size.
    shared : bool
        Whether all replicates see the same batch: then the input has no replicate axis.
    """

    def __init__(self, layers: list[DenseLayer], W: list[Array], dW: list[Array], samples: int, shared: bool) -> None:
        leading, dtype = W[0].shape[:-2], W[0].dtype
        # The input is kept sample by sample, so that gathering a batch copies whole rows.
        self.X = np.empty((*(() if shared else leading), samples, W[0].shape[-1]), dtype)
        self.labels = np.empty(self.X.shape[:-1], np.intp)
        self.loss = CategoricalCrossentropy(leading, layers[-1].units, samples, dtype)
        self.layers: list[LayerWork] = []
        A = self.X.swapaxes(-1, -2)
        for layer, own_W, own_dW in zip(layers, W, dW, strict=True):
            own = LayerWork(layer, own_W, own_dW, A, hidden=layer is not layers[-1])
            self.layers.append(own)
            A = own.A_and_ones
        self.layers[-1].dZ = self.loss.P  # the loss leaves the output layer's error there

    def load(self, X_and_ones: Array, y: NDArray[np.integer], rows: NDArray[np.integer] | None = None) -> None:
        """Take these rows, (samples,) or (replicates, samples), of the data as the batch; None: all of it."""
        if rows is None:
            np.copyto(self.X, X_and_ones)
            self.loss.set_labels(y)
        else:
            X_and_ones.take(rows, axis=0, out=self.X, mode="clip")
            self.loss.set_labels(y.take(rows, out=self.labels, mode="clip"))
