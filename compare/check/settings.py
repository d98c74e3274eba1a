"""What a check is asked for. Nothing heavy is imported here: the command line reads its options off this."""

from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Literal

from compare.errors import InputError, check_amount, check_count
from compare.recipe.architecture import ACTIVATIONS, slope_of
from compare.recipe.objective import Objective


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How to check.

    Attributes
    ----------
    layers : tuple of int, optional
        Units of each layer, the last one the number of classes. Default: what the subject says, else 6 10 8 and the
        classes.
    activations : tuple of str, optional
        Of the hidden layers: relu, sigmoid, tanh, linear, leaky_relu, or with a slope: "leaky_relu(0.01)".
    learning_rate : float, optional
        Default: what the subject says, else 0.01.
    dtype : {"float64", "float32"}, optional
        Precision of the reference. Default: float64, which shows most, or a Keras model's own.
    labels : {"auto", "integer", "onehot"}
        How the subject wants labels.
    steps : int
        Steps of each ordinary training.
    batch_size : int
        Size of small batches; taken smaller if it leaves no ragged last batch.
    tolerance : float
        Multiplies the bound on rounding that each tensor is held to.
    seed : int
        Of weights and orders.
    strict : bool
        Make warnings failures: what goes wrong in extreme situations alone.
    output, loss, optimizer : str
        In Keras's words, as `--output sigmoid --loss binary_crossentropy`, `--loss mse`,
        `--optimizer "adam(learning_rate=0.001)"`. Default: softmax, categorical cross-entropy, sgd; for a target of
        values linear and mean squared error.
    l1, l2 : float
        A penalty for each kernel, as Keras's regularizers have it.
    bias : bool
        Whether layers have biases.
    samplewise : bool
        The network makes a step of each sample of a batch, one after the other.
    effort : float, optional
        How long known bugs that explain a plain network are searched for, and edits of its lines that mend one, as a
        share of the usual, 1. Default: 1; of each of several networks a quarter.
    at_any_cost : bool
        Begin however much memory and time the steps are estimated to take.

    Raises
    ------
    InputError
        If one is out of range.
    """

    layers: tuple[int, ...] | None = None
    activations: tuple[str, ...] | None = None
    learning_rate: float | None = None
    dtype: Literal["float64", "float32"] | None = None
    labels: Literal["auto", "integer", "onehot"] = "auto"
    steps: int = 50
    batch_size: int = 32
    tolerance: float = 1.0
    seed: int = 0
    strict: bool = False
    output: str | None = None
    loss: str | None = None
    optimizer: str = "sgd"
    l1: float = 0.0
    l2: float = 0.0
    bias: bool = True
    samplewise: bool = False
    effort: float | None = None
    at_any_cost: bool = False

    @property
    def objective(self) -> Objective:
        """What the network is trained for."""
        return Objective.of(self, self.learning_rate)

    @property
    def plain(self) -> bool:
        """Whether it is the project's plain network: a softmax, categorical cross-entropy, SGD, biases, no penalty."""
        asked = replace(self.objective, learning_rate=None)
        usual = ("softmax", "categorical_crossentropy")
        words = (self.output in (None, usual[0]), self.loss in (None, usual[1]))
        return all(words) and replace(asked, output=None, loss=None) == Objective() and not self.samplewise

    def __post_init__(self) -> None:
        layers, activations, dtype, labels = self.layers, self.activations, self.dtype, self.labels
        if layers is not None and (not layers or not all(_whole(units, 1) for units in layers)):
            raise InputError(f"`layers` must be positive integers, the output's last. Received: {layers}")
        for units in layers or ():
            check_count("layers", units)
        for name in activations or ():
            if name not in ACTIVATIONS and slope_of(name) is None:
                raise InputError(
                    f"`activations` must be of {', '.join(ACTIVATIONS)} or leaky_relu(slope). Received: {name!r}"
                )
        if layers is not None and activations is not None and len(activations) != len(layers) - 1:
            raise InputError(f"`activations` must name {len(layers) - 1} hidden layers. Received: {len(activations)}")
        for name, value in (
            ("learning_rate", self.learning_rate),
            ("tolerance", self.tolerance),
            ("effort", self.effort),
        ):
            if isinstance(value, str):
                raise InputError(
                    f"`{name}` must be a positive number. Received: {value!r}, which is text{_as_number(value)}"
                )
            if value is not None:
                check_amount(name, value)
        if dtype not in (None, "float64", "float32"):
            raise InputError(f"`dtype` must be float64 or float32. Received: {dtype!r}")
        if labels not in ("auto", "integer", "onehot"):
            raise InputError(f"`labels` must be auto, integer or onehot. Received: {labels!r}")
        for name, count in (("steps", self.steps), ("batch_size", self.batch_size)):
            check_count(name, count, least=2)
        _ = self.objective  # which checks itself


def _as_number(text: str) -> str:
    """Say which number a text stands for, if it does."""
    with suppress(ValueError):
        return f": write {float(text):g} without quotes"
    return ""


def _whole(count: object, least: int) -> bool:
    """Whether this is an integer, NumPy's included, of at least so much."""
    return hasattr(count, "__index__") and not isinstance(count, bool) and count.__index__() >= least
