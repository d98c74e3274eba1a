"""A dense layer: the article's Z = W A + b and A = f(Z), forward and backward.

`DenseLayer` says what a layer is. `bind` ties it to arrays, once for each batch size; what comes back computes in
them, step after step, and knows no other layer: it reads its input and the error of its output, and writes its output,
its gradient and the error of its input.

Samples are columns, as in the article. The bias rides along as the last column of W, against a last row of ones in the
layer's input; so db comes out of the same product as dW.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scratch_nn import checks
from scratch_nn.activations import ACTIVATIONS, Activation

Array = NDArray[np.floating]


@dataclass(frozen=True)
class Weight:
    """One of a network's arrays of parameters, as `get_weights` has it.

    Attributes
    ----------
    layer : int
        Number of its layer in the network, from 0.
    name : str
        Its name within the layer, which is Keras's.
    role : str
        What it does: a "kernel" multiplies the input, and is drawn; a "bias" is added, and starts as zero.
    shape : tuple of int
        Without the replicate axis of a stack.
    """

    layer: int
    name: str
    role: str
    shape: tuple[int, ...]

    @property
    def size(self) -> int:
        """How many parameters it holds."""
        return math.prod(self.shape)


class DenseLayer:
    """A fully connected layer.

    Parameters
    ----------
    units : int
        Number of neurons, positive.
    activation : str, optional
        A key of `activations.ACTIVATIONS`, or "softmax" for the last layer. By default, hidden
        layers are "relu", and the last one has what its loss goes with: "softmax".
    use_bias : bool
        Whether it adds a bias.

    Raises
    ------
    ValueError
        If `units` is not a positive integer, or the activation is unknown.
    """

    def __init__(self, units: int, activation: str | None = None, use_bias: bool = True) -> None:
        self.units = checks.positive("units", units)
        if activation not in (None, "softmax", *ACTIVATIONS):
            known = ", ".join([*ACTIVATIONS, "softmax"])
            raise ValueError(f"`activation` must be one of {known}. Received: activation={activation!r}")
        self.activation, self.use_bias = activation, use_bias

    def __repr__(self) -> str:
        activation = "" if self.activation is None else f", {self.activation!r}"
        return f"DenseLayer({self.units}{activation}{'' if self.use_bias else ', use_bias=False'})"

    def with_default(self, activation: str) -> "DenseLayer":
        """A layer like this, with that activation if this was given none."""
        return DenseLayer(self.units, self.activation or activation, self.use_bias)

    def weights(self, inputs: int, layer: int) -> list[Weight]:
        """What parameters it has as layer number `layer` of a network, over so many inputs."""
        kernel = Weight(layer, "kernel", "kernel", (inputs, self.units))
        return [kernel, Weight(layer, "bias", "bias", (self.units,))] if self.use_bias else [kernel]

    def views(self, flat: Array) -> list[Array]:
        """View a flat vector of this layer's parameters, (..., size), as the arrays that `weights` tells of."""
        W = self._matrix(flat)
        return [W[..., :-1].swapaxes(-1, -2), W[..., -1]] if self.use_bias else [W.swapaxes(-1, -2)]

    def bind(
        self, theta: Array, gradient: Array, A_in: Array, dA_in: Array | None, logits: bool = False
    ) -> "BoundDense":
        """Tie the layer to its arrays.

        Parameters
        ----------
        theta, gradient : ndarray of shape (..., size)
            Its parameters, read, and their gradient, written: flat vectors.
        A_in : ndarray of shape (..., inputs + 1, samples)
            Its input, the last row ones. The leading axes may be fewer than those of `theta`.
        dA_in : ndarray of shape (..., inputs, samples) or None
            Where the error of the input goes; None if nobody asks for it.
        logits : bool
            Whether the activation is left to a loss, which reads Z.
        """
        activation = None if logits else ACTIVATIONS[self.activation or "relu"]
        kernel, A_in = self.views(theta)[0], A_in if self.use_bias else A_in[..., :-1, :]
        return BoundDense(activation, self._matrix(theta), self._matrix(gradient), kernel, A_in, dA_in)

    def _matrix(self, flat: Array) -> Array:
        return flat.reshape(*flat.shape[:-1], self.units, -1)


class BoundDense:
    """A dense layer's arrays, and its mathematics in them.

    Parameters
    ----------
    activation : Activation or None
        f and its derivative. None: A is left to the loss, which applies the activation itself.
    W, dW : ndarray of shape (..., units, inputs + 1)
        Kernel and, in the last column, bias; and their gradient.
    kernel : ndarray of shape (..., inputs, units)
        The kernel's part of Wᵀ.
    A_in, dA_in : ndarray
        See `DenseLayer.bind`. Where there is no bias, W lacks its last column and A_in its last row.

    Attributes
    ----------
    Z, dZ : ndarray of shape (..., units, samples)
    output : ndarray
        What `forward` leaves for the next in line: A and the row of ones that the next layer's bias needs; for a loss,
        Z.
    error : ndarray of shape (..., units, samples)
        What the next in line leaves for `backward`: dA, or from a loss dZ. They share their room: dZ = dA * f'(Z) is
        computed in place.
    """

    def __init__(
        self, activation: Activation | None, W: Array, dW: Array, kernel: Array, A_in: Array, dA_in: Array | None
    ) -> None:
        self.activation = activation
        self.W, self.dW, self.kernel, self.A_in, self.dA_in = W, dW, kernel, A_in, dA_in
        self.A_in_T = A_in.swapaxes(-1, -2)
        *leading, units, samples = (*W.shape[:-1], A_in.shape[-1])
        self.Z = self.output = np.empty((*leading, units, samples), W.dtype)
        self.dZ = self.error = np.empty_like(self.Z)
        if activation is not None:
            self.output = np.ones((*leading, units + 1, samples), W.dtype)
            self.A = self.output[..., :-1, :]
            self.slope = np.empty(self.Z.shape, bool if activation.is_mask else W.dtype)

    def forward(self) -> None:
        """Compute Z = W A_in + b, and A = f(Z)."""
        np.matmul(self.W, self.A_in, out=self.Z)
        if self.activation is not None:
            self.activation.function(self.Z, self.A)

    def backward(self) -> None:
        """From dA, compute dZ = dA * f'(Z); from dZ, dW = dZ A_inᵀ and, where it is asked for, dA_in = Wᵀ dZ."""
        if self.activation is not None:
            self.activation.derivative(self.Z, self.A, self.slope)
            np.multiply(self.error, self.slope, out=self.dZ)
        np.matmul(self.dZ, self.A_in_T, out=self.dW)
        if self.dA_in is not None:
            np.matmul(self.kernel, self.dZ, out=self.dA_in)
