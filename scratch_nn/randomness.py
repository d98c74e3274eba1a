"""Where a network's randomness comes from: one stream of weights and one of orders per replicate."""

import copy
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from scratch_nn.initializers import Draw

Seed = int | np.random.SeedSequence | None


class Streams:
    """The streams of one network, or of every replicate of a stack.

    Parameters
    ----------
    seed : int, SeedSequence, None, or a sequence of `replicates` of these
        See `Network`.
    replicates : int or None
    """

    def __init__(self, seed: Seed | Sequence[Seed], replicates: int | None) -> None:
        seeds: list[Seed]
        if isinstance(seed, (Sequence, np.ndarray)):
            seeds = list(seed)
        elif replicates is None:
            seeds = [seed]
        else:
            seeds = list(_spawn(seed, replicates))
        if len(seeds) != (replicates or 1):
            raise ValueError(
                f"`seed` must be one seed or one per replicate ({replicates}). Received: {len(seeds)} seeds"
            )
        self.stack = replicates is not None
        self.orders = [np.random.default_rng(_spawn(seed, 1)[0]) for seed in seeds]
        self.kernels = [_legacy_stream(seed) for seed in seeds]

    def draw(
        self, initializer: Callable[[Draw, int, int], NDArray[np.float64]], units: int, inputs: int
    ) -> NDArray[np.float64]:
        """Draw one layer's kernel for every replicate: (replicates, units, inputs)."""
        return np.stack([initializer(stream, units, inputs) for stream in self.kernels])

    def permutations(self, n: int) -> NDArray[np.integer]:
        """Draw a fresh order of n samples: (n,), or one for each replicate, (replicates, n)."""
        drawn = np.stack([stream.permutation(n) for stream in self.orders])
        return drawn if self.stack else drawn[0]

    def part(self, rows: slice) -> "Streams":
        """The streams of some of a stack's replicates."""
        part = copy.copy(self)
        part.kernels, part.orders = self.kernels[rows], self.orders[rows]
        return part


def _spawn(seed: Seed, count: int) -> list[np.random.SeedSequence]:
    """Spawn from a copy: a SeedSequence counts what it spawned, and would give others the next time."""
    return copy.deepcopy(_sequence(seed)).spawn(count)


def _sequence(seed: Seed) -> np.random.SeedSequence:
    if isinstance(seed, np.random.SeedSequence):
        return seed
    if seed is not None and (not isinstance(seed, (int, np.integer)) or not 0 <= seed < 2**32):
        raise ValueError(
            f"`seed` must be an integer from 0 to 2**32 - 1, a SeedSequence or None. Received: seed={seed!r}"
        )
    return np.random.SeedSequence(seed)


def _legacy_stream(seed: Seed) -> np.random.RandomState:
    """`RandomState(seed)` for an int, the article's stream; else the same generator, seeded by a sequence."""
    if isinstance(seed, (int, np.integer)):
        return np.random.RandomState(seed)
    return np.random.RandomState(np.random.MT19937(_sequence(seed)))
