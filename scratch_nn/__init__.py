"""A neural network written from scratch in NumPy: dense layers, softmax output, cross-entropy, SGD.

The modules form a ladder, each using only the ones before it: activations, initializers, losses, optimizers,
layers, network.
"""

from scratch_nn.layers import DenseLayer
from scratch_nn.network import Network

__all__ = ["DenseLayer", "Network"]
