"""How far rounding moves the results of one training step: `agreement/tolerance.py` says what that is for."""

from dataclasses import dataclass

import numpy as np

from compare.mathematics.functions import Array
from compare.mathematics.step import Step
from compare.recipe.architecture import Role

# What rounding typically adds, in units in the last place: to the result of one operation (`exp`, `log` and `tanh`
# included), and to a sum of k products, for each square root of k (Higham and Mary 2019).
RESULT, SUM = 0.4, 0.1


@dataclass(frozen=True)
class Rounding:
    """How far rounding moves what one step gives, elementwise: its drift, or what is tolerated of it.

    `kinks` lists (layer, sample, unit, |Z|) where a pre-activation lies within rounding of a kink; the
    bounds include the other side of it, `without_kinks` does not. `probabilities` bounds P.
    """

    loss: float
    gradients: list[Array]
    after: list[Array]
    without_kinks: list[Array]
    kinks: list[tuple[int, int, int, float]]
    probabilities: Array


def rounding(step: Step, unit: float, exact: bool = False) -> Rounding:
    """Propagate the rounding of each operation through a step by a running error analysis, to first order.

    Parameters
    ----------
    step : Step
        A correct step.
    unit : float
        One unit in the last place of 1 gives the step's drift; `tolerance.unit` what is tolerated of it.
    exact : bool
        Whether inputs and weights are small integers: pre-activations are then exact in any order of summation, and
        cannot cross a kink, up to the first activation that is neither ReLU nor linear.

    Notes
    -----
    Higham 2002, section 3.3.
    """
    with np.errstate(all="ignore"):
        names = step.architecture.activations
        integers = next((i + 1 for i, name in enumerate(names) if name not in ("relu", "linear")), len(names))
        loss, gradients, kinks, P = _bounds(step, unit, integers if exact else 0)
        after = _after(step, gradients, unit)
        narrow = _after(step, _bounds(step, unit, len(names))[1], unit) if kinks else after
        return Rounding(loss, gradients, after, narrow, kinks, P)


def _of_sum(k: int, unit: float) -> float:
    """The rounding of a sum of k products, for a sum of their magnitudes of one."""
    return (RESULT + SUM * np.sqrt(k)) * unit


def _after(step: Step, gradients: list[Array], unit: float) -> list[Array]:
    rate = step.learning_rate
    return [
        rate * bound + RESULT * unit * (np.abs(W) + rate * np.abs(g))
        for bound, W, g in zip(gradients, step.weights, step.gradients, strict=True)
    ]


def _bounds(step: Step, unit: float, exact: int) -> tuple[float, list[Array], list[tuple[int, int, int, float]], Array]:
    """Of loss, gradients and probabilities, and the kinks; the first `exact` layers cannot cross one."""
    near: list[tuple[int, int, int, float]] = []
    crossing: list[Array] = []
    A_error = [np.zeros_like(step.A[0])]
    Z_error: list[Array] = []
    for layer, A in enumerate(step.A):
        W, b = np.abs(step.kernel(layer)), np.abs(step.bias(layer))
        Z_error.append(A_error[layer] @ W + _of_sum(len(W), unit) * (np.abs(A) @ W + b))
        if layer < step.depth - 1:
            phi, Z = step.functions[layer], step.Z[layer]
            crossing.append((np.abs(Z) <= Z_error[layer]) & (layer >= exact) & phi.kink)
            near += [
                (layer, int(sample), int(column), float(abs(Z[sample, column])))
                for sample, column in np.argwhere(crossing[layer])
            ]
            slope = np.minimum(1, np.abs(phi.derivative(Z, step.A[layer + 1])) + phi.curvature * Z_error[layer])
            # Next to a kink an error may pass with the steeper side's slope, which is 1.
            slope = np.where(crossing[layer], 1, slope)
            A_error.append(slope * Z_error[layer] + RESULT * unit * np.abs(step.A[layer + 1]))
    Z, P, delta = step.Z[-1], step.P, Z_error[-1]
    shifted = np.abs(Z - Z.max(axis=1, keepdims=True))
    delta = delta + RESULT * unit * (1 + shifted)
    spread = delta + (P * delta).sum(axis=1, keepdims=True)
    # First order holds for small errors only; beyond, a probability may be anything.
    # Below the smallest normal number, results may be flushed to zero.
    tiny = float(np.finfo(np.float32 if unit > 1e-10 else np.float64).tiny)
    P_error = np.where(spread < 0.1, 1.2 * P * spread + RESULT * unit * P + 4 * tiny, 1.0)
    rows = np.arange(step.n)
    per_sample = (P * delta).sum(axis=1) + delta[rows, step.y] + RESULT * unit * (1 + shifted[rows, step.y])
    loss = float(per_sample.mean() + _of_sum(step.n, unit) * abs(step.loss))

    error = P_error / step.n + RESULT * unit * np.abs(step.dZ[-1])
    bound: dict[tuple[int, Role], Array] = {}
    of_batch = _of_sum(step.n, unit)
    for layer in reversed(range(step.depth)):
        A, dZ = np.abs(step.A[layer]), np.abs(step.dZ[layer])
        bound[layer, "kernel"] = A.T @ error + A_error[layer].T @ (dZ + error) + of_batch * (A.T @ dZ)
        bound[layer, "bias"] = error.sum(axis=0) + of_batch * dZ.sum(axis=0)
        if layer:
            W, below = np.abs(step.kernel(layer)).T, layer - 1
            phi = step.functions[below]
            slope = np.abs(phi.derivative(step.Z[below], step.A[layer]))
            dA = dZ @ W
            dA_error = error @ W + _of_sum(len(W), unit) * dA
            bend = np.minimum(1, phi.curvature * Z_error[below] + RESULT * unit)
            error = dA_error * np.minimum(1, slope + bend) + dA * np.where(crossing[below], 1.0, bend)
    return loss, [bound[weight.layer, weight.role] for weight in step.architecture.weights], near, P_error
