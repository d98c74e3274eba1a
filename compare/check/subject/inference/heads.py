"""Steps of other outputs and losses than a softmax with cross-entropy: to see that a network is of such a kind."""

from dataclasses import dataclass, replace

import numpy as np

from compare.mathematics.functions import Array
from compare.mathematics.rules import CORRECT, Rules
from compare.mathematics.step import Step
from compare.recipe.architecture import Architecture, Dense


@dataclass(frozen=True)
class Head:
    """An output and a loss in Keras's words, and the step that they make."""

    output: str
    loss: str
    rules: Rules

    @property
    def options(self) -> str:
        """The options that declare it."""
        return f"--output {self.output} --loss {self.loss}"


def _targets(step: Step) -> Array:
    """One-hot labels; of a single output the labels themselves."""
    return step.Y if step.architecture.outputs > 1 else np.reshape(step.y, (-1, 1)).astype(np.float64)


def _sigmoid(step: Step, e: Array) -> Array:
    return np.asarray(1 / (1 + np.exp(-step.Z[-1])))


def _linear(step: Step, e: Array) -> Array:
    return step.Z[-1]


def _binary_cross_entropy(step: Step) -> float:
    Z = step.Z[-1]
    return float(np.mean(np.logaddexp(0, Z) - Z * _targets(step)))


def _squared(step: Step) -> float:
    return float(np.mean((step.P - _targets(step)) ** 2))


def _error(step: Step) -> Array:
    """DZ of a sigmoid behind the binary cross-entropy."""
    return (step.P - _targets(step)) / step.P.size


def _squared_error(step: Step) -> Array:
    return 2 * _error(step)


def _squared_error_of_sigmoid(step: Step) -> Array:
    return 2 * _error(step) * step.P * (1 - step.P)


SOFTMAX = Head("softmax", "categorical_crossentropy", CORRECT)
HEADS = (
    SOFTMAX,
    Head(
        "sigmoid",
        "binary_crossentropy",
        replace(CORRECT, output=_sigmoid, loss=_binary_cross_entropy, error=_error),
    ),
    Head("sigmoid", "mse", replace(CORRECT, output=_sigmoid, loss=_squared, error=_squared_error_of_sigmoid)),
    Head("linear", "mse", replace(CORRECT, output=_linear, loss=_squared, error=_squared_error)),
)


def head_of(architecture: Architecture) -> Head:
    """The head that is asked for; of those that are not known here, the usual one."""
    last = architecture.layers[-1]
    loss = {"mean_squared_error": "mse"}.get(architecture.loss, architecture.loss)
    output = last.activation if isinstance(last, Dense) else ""
    return next((head for head in HEADS if (head.output, head.loss) == (output, loss)), SOFTMAX)
