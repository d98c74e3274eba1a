"""What networks with a `fit` of their own are made of: an epoch in batches, whose size is told or not."""

import numpy as np

from tests.compare.check.model_networks import varied


def one_epoch(network, x, y, rows, batch_size, drops=False, weighted=True):
    """Train on these rows, batch by batch; the loss. It may drop the last, smaller batch, or weigh all alike."""
    stop = len(rows) // batch_size * batch_size if drops else len(rows)
    batches = [rows[start : start + batch_size] for start in range(0, stop, batch_size)]
    losses = [network.train_on_batch(x[batch], y[batch]) for batch in batches]
    return np.average(losses, weights=[len(batch) for batch in batches] if weighted else None)


def fits_by(runs, size=None):
    """A class whose `fit` takes the size of batches, or is bound to one; `runs` has `run(x, y, epochs, batch_size)`."""

    def told(self, x, y, epochs, batch_size):
        return self.run(x, y, epochs, batch_size)

    def bound(self, x, y, epochs):
        return self.run(x, y, epochs, size)

    return varied(runs, fit=bound if size else told)
