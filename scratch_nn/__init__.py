"""A neural network written from scratch in NumPy: dense layers, three heads with their losses, four optimizers.

The modules form a ladder, to be read from the top; each uses only ones that stand before it::

    checks          arguments that do not fit are told in one line
    activations     f and f'
    initializers    how a kernel is drawn
    randomness      which streams of random numbers draw weights and shuffle samples
    losses          softmax and cross-entropy, and two others: the loss, and its dZ or dA
    penalties       what large kernels cost
    optimizers      theta = theta - learning_rate * gradient, and three others
    layers          Z = W A + b and A = f(Z), forward and backward
    parameters      all layers' weights in one flat vector
    model           one step: forward, loss, backward, update
    stack           how many replicates step together
    training        steps repeated, epoch by epoch
    network         what users call
"""

from scratch_nn.layers import DenseLayer
from scratch_nn.network import Network

__all__ = ["DenseLayer", "Network"]
