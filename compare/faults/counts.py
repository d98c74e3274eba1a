"""Counts that real code multiplies or divides by, where it should or should not."""

from enum import StrEnum

from compare.mathematics.step import Step


class Count(StrEnum):
    """A number that belongs to a batch; its value is its name in words."""

    BATCH = "the batch size"
    PER_BATCH = "1 / the batch size"
    PER_CLASS = "1 / the number of classes"
    SHARE_OF_NOMINAL = "batch size / nominal batch size"
    SHARE_OF_DATA = "batch size / data set size"

    def of(self, step: Step) -> float:
        """Return the number for this step's batch."""
        n = step.n
        return {
            Count.BATCH: n,
            Count.PER_BATCH: 1 / n,
            Count.PER_CLASS: 1 / step.architecture.outputs,
            Count.SHARE_OF_NOMINAL: n / step.recipe.batch_size,
            Count.SHARE_OF_DATA: n / step.recipe.n_samples,
        }[self]
