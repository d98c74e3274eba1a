"""A stack trains in blocks of replicates whose arrays fit the cache."""

from collections.abc import Iterator

from scratch_nn.parameters import Parameters

BLOCK_BYTES = 2**22  # about a core's share of the cache


def replicates_per_block(units: int, samples: int, itemsize: int) -> int:
    """Return how many replicates train together.

    Parameters
    ----------
    units : int
        Of all layers of one replicate.
    samples : int
        Batch size.
    itemsize : int
        Bytes of a number.
    """
    rows = 4 * units  # Z, A, dZ and slope
    return max(1, BLOCK_BYTES // (rows * samples * itemsize))


def blocks(parameters: Parameters, samples: int) -> Iterator[slice]:
    """Cut a stack's replicates into blocks that train on batches of `samples`."""
    replicates, itemsize = len(parameters.theta), parameters.theta.itemsize
    size = replicates_per_block(sum(layer.units for layer in parameters.layers), samples, itemsize)
    for start in range(0, replicates, size):
        yield slice(start, start + size)
