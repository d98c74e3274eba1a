"""A dense layer: the article's Z = W A + b and A = f(Z), forward and backward.

Samples are columns, as in the article. The bias rides along as the last column of W, against a last row of
ones in the layer's input; so db comes out of the same product as dW.
"""

import numpy as np
from numpy.typing import DTypeLike, NDArray

from scratch_nn import checks
from scratch_nn.activations import ACTIVATIONS

Array = NDArray[np.floating]


class DenseLayer:
    """A fully connected layer.

    Parameters
    ----------
    units : int
        Number of neurons, positive.
    activation : str, optional
        A key of `scratch_nn.activations.ACTIVATIONS`, or "softmax" for the last layer. By default, hidden
        layers are "relu" and the last one is "softmax".

    Raises
    ------
    ValueError
        If `units` is not a positive integer, or the activation is unknown.
    """

    def __init__(self, units: int, activation: str | None = None) -> None:
        self.units = checks.positive("units", units)
        if activation not in (None, "softmax", *ACTIVATIONS):
            known = ", ".join([*ACTIVATIONS, "softmax"])
            raise ValueError(f"`activation` must be one of {known}. Received: activation={activation!r}")
        self.activation = activation

    def __repr__(self) -> str:
        return (
            f"DenseLayer({self.units})" if self.activation is None else f"DenseLayer({self.units}, {self.activation!r})"
        )

    def forward(self, work: "LayerWork") -> None:
        """Compute Z = W A_in and A = f(Z); of the output layer only Z: its softmax belongs to the loss."""
        np.matmul(work.W, work.A_in, out=work.Z)
        if work.hidden:
            work.activation.function(work.Z, work.A)

    def backward(self, work: "LayerWork", below: "LayerWork | None") -> None:
        """From dZ, compute dW = dZ A_inᵀ; and for a layer below dA = Wᵀ dZ and dZ = dA * f'(Z)."""
        np.matmul(work.dZ, work.A_in_T, out=work.dW)
        if below is not None:
            np.matmul(work.W_T, work.dZ, out=below.dZ)
            below.activation.derivative(below.Z, below.A, below.slope)
            np.multiply(below.dZ, below.slope, out=below.dZ)


class LayerWork:
    """One layer's arrays for batches of one size: views of its parameters, and buffers that steps reuse.

    Parameters
    ----------
    layer : DenseLayer
    W, dW : ndarray of shape (..., units, inputs + 1)
        Kernel and bias, and their gradient.
    A_in : ndarray of shape (..., inputs + 1, samples)
        The layer's input, its last row ones.
    hidden : bool
        Whether the layer applies its own activation (the output layer leaves logits in Z).
    """

    def __init__(self, layer: DenseLayer, W: Array, dW: Array, A_in: Array, hidden: bool) -> None:
        shape = (*W.shape[:-1], A_in.shape[-1])  # (..., units, samples)
        dtype: DTypeLike = W.dtype
        self.W, self.dW, self.A_in, self.hidden = W, dW, A_in, hidden
        self.W_T = W[..., :-1].swapaxes(-1, -2)
        self.A_in_T = A_in.swapaxes(-1, -2)
        self.Z = np.empty(shape, dtype)
        self.dZ = np.empty(shape, dtype)
        self.activation = ACTIVATIONS[layer.activation or "relu" if hidden else "linear"]
        self.A_and_ones = np.ones((*shape[:-2], shape[-2] + 1, shape[-1]), dtype)
        self.A = self.A_and_ones[..., :-1, :]
        self.slope = np.empty(shape, bool if self.activation.is_mask else dtype)
