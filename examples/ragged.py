"""A subtle bug: gradients divided by the nominal batch size. keras-parity check examples/ragged.py:Ragged.

Every full batch is right; only the last one of an epoch, which is smaller, is wrong.
"""

from examples.correct import Network


class Ragged(Network):
    """Divides by the batch size that it was made for."""

    def __init__(self, layer_sizes, learning_rate, batch_size):
        super().__init__(layer_sizes, learning_rate)
        self.batch_size = batch_size

    def divisor(self, x):
        return self.batch_size
