"""How a run visits the data."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from compare.recipe.orders import batch_orders, in_order

MEASURES = ("loss", "accuracy")  # what is recorded of every epoch


def batches(size: int | None) -> str:
    """Say a batch size in words; None or 0: the whole data set a step."""
    return f"batches of {size}" if size else "full batch"


@dataclass(frozen=True)
class Protocol:
    """How a run visits the data.

    Attributes
    ----------
    name : str
    epochs : int
    batch_size : int or None
        None: the whole data set a step. Smaller batches are shuffled every epoch.
    """

    name: str
    epochs: int
    batch_size: int | None

    def orders(self, sequence: np.random.SeedSequence, n: int) -> NDArray[np.intp]:
        """Return the order in which each epoch visits n samples, (epochs, n): as they lie, or drawn."""
        if self.batch_size is None:
            return in_order(self.epochs, n)
        return batch_orders(sequence, self.epochs, n)

    def steps(self, n: int) -> int:
        """Return the weight updates of an epoch over n samples."""
        return -(-n // (self.batch_size or n))

    def __str__(self) -> str:
        return f"{self.epochs} epochs, {batches(self.batch_size)}"


PROTOCOLS = {"article": Protocol("article", 200, None), "keras": Protocol("keras", 30, 32)}
