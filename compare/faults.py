"""Known bugs of training code, each as one small named variation of the scratch network."""

import numpy as np

from scratch_nn import Network
from scratch_nn.work import BatchWork


class StaleActivations(Network):
    """The article's bug: the backward pass reads the inputs and Z of the network's first forward pass, for ever.

    The article's network appends each forward pass's inputs and Z to a list that it never clears, and its backward pass
    reads the list from the start. So only the error of the output layer is fresh.
    """

    def forward(self, work: BatchWork) -> None:
        """Forward pass; the first one's inputs and Z are kept."""
        super().forward(work)
        if not hasattr(self, "_first"):
            self._first = [(layer.A_in.copy(), layer.Z.copy()) for layer in work.layers]

    def backward(self, work: BatchWork) -> None:
        """Backward pass from the kept inputs and Z; a batch of another size does not fit them."""
        for layer, (A_in, Z) in zip(work.layers, self._first, strict=True):
            if layer.Z.shape != Z.shape:
                raise ValueError(
                    f"stale activations of shape {Z.shape} do not fit a batch of shape {layer.Z.shape}"
                )
            np.copyto(layer.A_in, A_in)
            np.copyto(layer.Z, Z)
        super().backward(work)
