"""What an experiment is: its settings, checked once, here. No other module has defaults of its own."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from compare.errors import InputError, check_count
from compare.recipe.architecture import DTYPES, HIDDEN, Architecture
from compare.recipe.objective import Objective
from compare.recipe.protocol import PROTOCOLS, Protocol

if TYPE_CHECKING:
    from compare.data.dataset import Dataset

PartName = Literal["article", "matched", "unseeded"]
FEWEST = 2  # replicates that can be compared
PARTS: tuple[PartName, ...] = ("article", "matched", "unseeded")


@dataclass(frozen=True)
class Experiment:
    """The settings of a run.

    Attributes
    ----------
    data : str
        The name of a bundled data set, or the path of a CSV file.
    index_column : bool, optional
        Whether a CSV file's first column is an index and no feature. By default it is one if it has no name, or if it
        is a running number.
    standardise : bool
        Bring every feature to zero mean and unit variance.
    layers : tuple of int, optional
        Units of each layer, the last one the number of classes, or 1. By default 6, 10, 8 and the output.
    learning_rate : float, optional
        By default the optimizer's own: of "sgd" 0.01.
    output : {"softmax", "sigmoid", "linear", "tanh", "relu", "leaky_relu"}, optional
        Activation of the last layer. By default what goes with the loss.
    loss : {"categorical_crossentropy", "binary_crossentropy", "mean_squared_error", "bce", "mse"}, optional
        By default what goes with the output, or with the data: classes or values.
    optimizer : str
        In Keras's words, as "adam" or "sgd(momentum=0.9, nesterov=True)".
    l1, l2 : float
        A penalty for each kernel, as Keras's regularizers have it.
    bias : bool
        Whether layers have biases.
    epochs, batch_size : int, optional
        Override the protocols' own. A batch size is the `keras` protocol's: the article's is the full batch.
    protocol : {"article", "keras"}, optional
        By default both.
    only : tuple of {"article", "matched", "unseeded"}, optional
        The parts to run; by default all that the data allow (the article's part is about iris as it comes).
    pairs : int
        Matched runs for each protocol, dtype and source of the initial weights.
    replicates : int
        Unseeded runs a side.
    seed : int
        Where all randomness comes from. Pair k of the matched runs draws its weights with seed + k.
    dtype : {"float32", "float64", "both"}
    keras_fit : bool
        Train Keras with its plain `fit` instead of the same numbers from one compiled graph.

    Raises
    ------
    InputError
        If a setting is out of range.
    """

    data: str = "iris"
    index_column: bool | None = None
    standardise: bool = False
    layers: tuple[int, ...] | None = None
    learning_rate: float | None = None
    epochs: int | None = None
    batch_size: int | None = None
    protocol: Literal["article", "keras"] | None = None
    only: tuple[PartName, ...] | None = None
    pairs: int = 5
    replicates: int = 300
    seed: int = 0
    dtype: Literal["float32", "float64", "both"] = "both"
    keras_fit: bool = False
    output: str | None = None
    loss: str | None = None
    optimizer: str = "sgd"
    l1: float = 0.0
    l2: float = 0.0
    bias: bool = True

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size", "pairs", "replicates"):
            value = getattr(self, name)
            if value is not None:
                check_count(name, value)
        for units in self.layers or ():
            if not hasattr(units, "__index__") or units < 1:
                raise InputError(f"`layers` must be positive integers. Received: {units}")
            check_count("layers", units)
        Objective.of(self, self.learning_rate)
        if not 0 <= self.seed < 2**31:
            raise InputError(f"`seed` must be from 0 to 2147483647. Received: {self.seed}")
        _check_choice("dtype", self.dtype, (*DTYPES, "both"))
        if self.protocol is not None:
            _check_choice("protocol", self.protocol, tuple(PROTOCOLS))
        for part in self.only or ():
            _check_choice("only", part, PARTS)
        if self.batch_size is not None and self.protocol == "article":
            raise InputError(
                "`batch_size` does not go with the article protocol, which is full batch. "
                f"Received: {self.batch_size}; use protocol keras"
            )
        if "unseeded" in self.parts and self.replicates < FEWEST:
            raise InputError(
                f"`replicates` must be at least {FEWEST} where runs are compared. Received: {self.replicates}; "
                "take more, or leave unseeded runs out"
            )
        if "article" in (self.only or ()) and not self._article_fits():
            raise InputError(
                "`only` article is about iris as it comes, and the article's own network. "
                f"Received: data {self.data}{', standardised' if self.standardise else ''}, {self.optimizer}; "
                "leave the options of data and training out"
            )

    def _article_fits(self) -> bool:
        return self.data == "iris" and not self.standardise and Objective.of(self, None) == Objective()

    @property
    def parts(self) -> tuple[PartName, ...]:
        """The parts to run, in order."""
        wanted = self.only or (PARTS if self._article_fits() else PARTS[1:])
        return tuple(part for part in PARTS if part in wanted)

    @property
    def protocols(self) -> tuple[Protocol, ...]:
        """The protocols to run, with `epochs` and `batch_size` applied."""
        chosen = PROTOCOLS.values() if self.protocol is None else (PROTOCOLS[self.protocol],)
        return tuple(self._adapt(protocol) for protocol in chosen)

    def adapted(self, name: str) -> Protocol:
        """Return one protocol by name, with `epochs` and `batch_size` applied, whether chosen or not."""
        return self._adapt(PROTOCOLS[name])

    def _adapt(self, protocol: Protocol) -> Protocol:
        batch_size = protocol.batch_size and (self.batch_size or protocol.batch_size)
        return replace(protocol, epochs=self.epochs or protocol.epochs, batch_size=batch_size)

    @property
    def dtypes(self) -> tuple[str, ...]:
        """The dtypes of the matched runs."""
        return DTYPES if self.dtype == "both" else (self.dtype,)

    def architecture(self, dataset: Dataset, dtype: str | None = None) -> Architecture:
        """Describe the network for a data set, in one of `dtypes` (by default the first).

        Raises
        ------
        InputError
            If the loss does not go with the data, or the last of `layers` with them.
        """
        *hidden, outputs = self.layers or (*HIDDEN, None)
        return Objective.of(self, self.learning_rate).architecture(
            dataset.n_features,
            hidden,
            classes=dataset.n_classes,
            outputs=outputs,
            name=dataset.name,
            dtype=dtype or self.dtypes[0],
        )


def quick(experiment: Experiment) -> Experiment:
    """Everything, small: at most 10 epochs, 2 pairs, 20 replicates; for a first look and for tests."""
    return replace(
        experiment,
        epochs=min(experiment.epochs or 10, 10),
        pairs=min(experiment.pairs, 2),
        replicates=min(experiment.replicates, 20),
    )


def _check_choice(name: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise InputError(f"`{name}` must be one of {', '.join(choices)}. Received: {value}")
