"""The grid of a sweep: its settings, checked, and its cells."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from itertools import product
from typing import TYPE_CHECKING, Literal

import numpy as np

from compare.errors import InputError, check_count
from compare.experiments.experiment import Experiment
from compare.recipe.architecture import DTYPES, Architecture
from compare.recipe.objective import Objective
from compare.recipe.protocol import Protocol
from compare.recipe.streams import stream
from compare.sides.sides import DRAWN_BY

if TYPE_CHECKING:
    from compare.data.dataset import Dataset

Mode = Literal["matched", "unseeded"]
MODES: tuple[Mode, ...] = ("matched", "unseeded")
DRAWERS = {initializer: side for side, initializer in DRAWN_BY.items()}


@dataclass(frozen=True)
class Sweep:
    """A grid: the product of its tuples.

    Attributes
    ----------
    data : tuple of str
        Names of data sets, or paths of CSV files.
    layers : tuple of str
        Hidden units, joined by dashes; the output layer is added.
    initializers : tuple of {"uniform", "glorot_uniform"}
    batch_sizes : tuple of int
        0: the whole data set a step. Smaller batches are shuffled every epoch.
    learning_rates : tuple of float
    dtypes : tuple of {"float32", "float64"}
        Unseeded cells have the first one.
    seeds : tuple of int
        Unseeded cells have the first one, and many replicates.
    modes : tuple of {"matched", "unseeded"}
    epochs : int
    replicates : int
        Unseeded runs a side.
    standardise : bool
        Bring every feature to zero mean and unit variance.
    output, loss, optimizer, l1, l2, bias
        As for `run`, in every cell; the optimizer's learning rate is that of `learning_rates`.

    Raises
    ------
    InputError
        If a setting is out of range, or nothing is in the grid.
    """

    data: tuple[str, ...] = ("iris", "wine", "breast_cancer")
    layers: tuple[str, ...] = ("6-10-8", "16")
    initializers: tuple[str, ...] = ("glorot_uniform", "uniform")
    batch_sizes: tuple[int, ...] = (0, 32)
    learning_rates: tuple[float, ...] = (0.01, 0.1)
    dtypes: tuple[str, ...] = DTYPES
    seeds: tuple[int, ...] = (0, 1)
    modes: tuple[Mode, ...] = MODES
    epochs: int = 20
    replicates: int = 300
    standardise: bool = True
    output: str | None = None
    loss: str | None = None
    optimizer: str = "sgd"
    l1: float = 0.0
    l2: float = 0.0
    bias: bool = True

    def __post_init__(self) -> None:
        for name, allowed in (("initializers", tuple(DRAWERS)), ("dtypes", DTYPES), ("modes", MODES)):
            for value in getattr(self, name):
                if value not in allowed:
                    raise InputError(f"`{name}` must be any of {', '.join(allowed)}. Received: {value}")
        for name, value in asdict(self).items():
            if isinstance(value, tuple) and len(set(value)) < max(1, len(value)):
                told = " ".join(map(str, value)) or "nothing"
                raise InputError(f"`{name}` must be at least one value, each given once. Received: {told}")
        for size in self.batch_sizes:
            if not hasattr(size, "__index__") or size < 0:
                raise InputError(f"`batch_sizes` must be positive integers, or 0 for full batch. Received: {size}")
        for stack in self.layers:
            if not all(units.isdecimal() and int(units) for units in stack.split("-")):
                raise InputError(f"`layers` must be hidden units joined by dashes, as 6-10-8. Received: {stack}")
            for units in stack.split("-"):
                check_count("layers", int(units))
        if "learning_rate" in self.optimizer:
            raise InputError(
                f"`optimizer` must leave its learning rate to `learning_rates`. Received: {self.optimizer}"
            )
        for seed, rate in product(self.seeds, self.learning_rates):
            Experiment(seed=seed, epochs=self.epochs, replicates=self.replicates, only=self.modes)
            Objective.of(self, rate)

    def cells(self) -> list[Cell]:
        """Return the grid, cells that share a traced graph side by side."""
        graphs = product(self.data, self.layers, self.batch_sizes, self.dtypes)
        rest = list(product(self.initializers, self.learning_rates, self.seeds))
        found: list[Cell] = []
        for (data, layers, batch_size, dtype), mode in product(graphs, MODES):
            for initializer, rate, seed in rest if mode in self.modes else ():
                if mode == "matched" or (dtype == self.dtypes[0] and seed == self.seeds[0]):
                    cell = Cell(len(found), mode, data, layers, initializer, batch_size, rate, dtype, seed)
                    found.append(cell)
        return found


@dataclass(frozen=True)
class Cell:
    """One point of the grid, asked one of the two questions."""

    cell: int
    mode: Mode
    data: str
    layers: str
    initializer: str
    batch_size: int
    learning_rate: float
    dtype: str
    seed: int

    @property
    def graph(self) -> tuple[str, str, int, str]:
        """What must be equal for two cells to be trained by the same traced graph."""
        return self.data, self.layers, self.batch_size, self.dtype

    def architecture(self, dataset: Dataset, sweep: Sweep) -> Architecture:
        """Describe the cell's network."""
        hidden = list(map(int, self.layers.split("-")))
        of = Objective.of(sweep, self.learning_rate)
        classes, name = dataset.n_classes, dataset.name
        return of.architecture(dataset.n_features, hidden, classes=classes, name=name, dtype=self.dtype)

    def protocol(self, epochs: int) -> Protocol:
        """Describe how the cell visits its data."""
        return Protocol("sweep", epochs, self.batch_size or None)

    def sequence(self, purpose: str) -> np.random.SeedSequence:
        """Return where the cell draws from; every cell has its own."""
        settings = (str(value) for name, value in asdict(self).items() if name != "cell")
        return stream(self.seed, "sweep", purpose, *settings)
