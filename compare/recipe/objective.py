"""What a network is trained for, in Keras's words: output, loss, optimizer and penalty, checked against the targets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

from compare.errors import InputError, check_amount
from compare.recipe import optimizer_words
from compare.recipe.architecture import HIDDEN, Architecture, Dense, Optimizer, Penalty

# The outputs that each loss goes with, the usual one first.
LOSSES = {
    "categorical_crossentropy": ("softmax",),
    "binary_crossentropy": ("sigmoid",),
    "mean_squared_error": ("linear", "sigmoid", "tanh", "relu", "leaky_relu"),
}
SHORT = {"bce": "binary_crossentropy", "mse": "mean_squared_error"}  # Keras's own


@dataclass(frozen=True)
class Objective:
    """What a network is trained for.

    Attributes
    ----------
    output : str, optional
        Activation of the last layer. By default what goes with the loss.
    loss : str, optional
        By default what goes with the output; of neither, what goes with the targets: categorical cross-entropy
        behind a softmax for classes, the mean squared error for values.
    optimizer : str
        As `optimizer_words` has it.
    learning_rate : float, optional
        By default the optimizer's own.
    l1, l2 : float
        Penalty of each kernel.
    bias : bool
        Whether layers have biases.

    Raises
    ------
    InputError
        If a setting is out of range, or output and loss do not go together.
    """

    output: str | None = None
    loss: str | None = None
    optimizer: str = "sgd"
    learning_rate: float | None = None
    l1: float = 0.0
    l2: float = 0.0
    bias: bool = True

    @classmethod
    def of(cls, settings: Any, learning_rate: float | None) -> Objective:
        """Return what the settings, of a run, a sweep or a check, say of the objective."""
        words = {each.name: getattr(settings, each.name) for each in fields(cls) if each.name != "learning_rate"}
        return cls(**words, learning_rate=learning_rate)

    def __post_init__(self) -> None:
        if self.learning_rate is not None:
            check_amount("learning_rate", self.learning_rate)
        for name in ("l1", "l2"):
            check_amount(name, getattr(self, name), positive=False)
        self.update_rule()
        loss = self._loss()
        outputs = {each for of in LOSSES.values() for each in of} if loss is None else LOSSES[loss]
        if self.output is not None and self.output not in outputs:
            beside = "" if loss is None else f" beside loss {loss}"
            raise InputError(f"`output` must be one of {', '.join(sorted(outputs))}{beside}. Received: {self.output}")

    def update_rule(self) -> Optimizer:
        """Return the optimizer, parsed."""
        return optimizer_words.optimizer(self.optimizer, self.learning_rate)

    def _loss(self) -> str | None:
        """The loss, where it does not depend on the targets."""
        if self.loss is None:
            return next((loss for loss, outputs in LOSSES.items() if self.output == outputs[0]), None)
        loss = SHORT.get(self.loss, self.loss)
        if loss not in LOSSES:
            raise InputError(f"`loss` must be one of {', '.join([*LOSSES, *SHORT])}. Received: {self.loss}")
        return loss

    def architecture(
        self,
        features: int,
        hidden: Sequence[int] = HIDDEN,
        *,
        classes: int,
        outputs: int | None = None,
        name: str,
        dtype: str,
    ) -> Architecture:
        """Describe the network for a data set.

        Parameters
        ----------
        features : int
        hidden : sequence of int
            Units of the hidden layers, which are "relu".
        classes : int
            How many there are; 0 if the targets are values.
        outputs : int, optional
            Units of the last layer. By default as many as the loss wants.
        name : str
            The data set's.
        dtype : {"float32", "float64"}

        Raises
        ------
        InputError
            If the loss does not go with the targets, or wants another number of outputs.
        """
        by_targets = "categorical_crossentropy" if classes and self.output is None else "mean_squared_error"
        loss = self._loss() or by_targets
        if not classes and loss != "mean_squared_error":
            raise InputError(f"`loss` must be mean_squared_error for {name}, whose target is values. Received: {loss}")
        one = not classes or (classes == 2 and loss != "categorical_crossentropy")  # one output will do
        fitting = [1] * one + [classes] * (classes > 0)
        usual = fitting[-1] if loss == "mean_squared_error" else fitting[0]
        if outputs not in (None, *fitting):
            written = " ".join(map(str, [*hidden, outputs]))
            wanted = " or ".join(map(str, fitting))
            what = f"what {loss} needs for {name}"
            if len(fitting) == 1 and classes:
                what = f"the number of classes of {name}"
            raise InputError(f"`layers` must end in {what}, {wanted}. Received: {written}; make the last one {wanted}")
        units = [*((count, "relu") for count in hidden), (outputs or usual, self.output or LOSSES[loss][0])]
        layers = tuple(Dense(count, activation, self.bias) for count, activation in units)
        penalty = Penalty(self.l1, self.l2)
        return Architecture((features,), layers, loss, self.update_rule(), penalty, dtype)
