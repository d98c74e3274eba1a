"""What a training step may be told beside weights and batch: the network, and how much data comes in which batches."""

from dataclasses import dataclass, replace

from compare.recipe.architecture import Architecture


@dataclass(frozen=True)
class Recipe:
    """An architecture and the data it is trained on.

    Attributes
    ----------
    architecture : Architecture
    n_samples : int
        Size of the data set.
    batch_size : int
        Nominal size of a batch. Correct code needs neither inside a step.
    labels : {"integer", "onehot", "auto"}
        How labels are given; "auto" where that is still to be found out.
    given : bool
        Whether the architecture is a model of the user's, which a network is made for: its own defaults hold.
    masks : tuple of str
        Where a network keeps the masks of its dropout, one place for each layer; empty until it is found out.
    """

    architecture: Architecture
    n_samples: int
    batch_size: int
    labels: str = "integer"
    given: bool = False
    masks: tuple[str, ...] = ()

    def at(self, learning_rate: float) -> "Recipe":
        """Return the same with another learning rate."""
        return replace(self, architecture=self.architecture.at(learning_rate))
