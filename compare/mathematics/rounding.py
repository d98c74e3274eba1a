"""How far two correct implementations of the same training step can lie apart: the tolerance of the lockstep check."""

from dataclasses import dataclass

import numpy as np

from compare.mathematics.functions import Array
from compare.mathematics.step import Step
from compare.recipe.architecture import Role


@dataclass(frozen=True)
class Rounding:
    """How far two correct implementations of one step may lie apart, elementwise.

    `kinks` lists (layer, sample, unit, |Z|) where a pre-activation lies within rounding of a kink; the
    bounds include the other side of it, `without_kinks` does not. `probabilities` bounds P.
    """

    loss: float
    gradients: list[Array]
    after: list[Array]
    without_kinks: list[Array]
    kinks: list[tuple[int, int, int, float]]
    probabilities: Array


def rounding(step: Step, eps: float, exact: bool = False) -> Rounding:
    """Bound the rounding of a step by a running error analysis (Higham 2002, section 3.3), to first order.

    Parameters
    ----------
    step : Step
        A correct step.
    eps : float
        Machine epsilon of the arithmetic.
    exact : bool
        Whether inputs and weights are small integers: pre-activations are then exact in any order of summation, and
        cannot cross a kink, up to the first activation that is neither ReLU nor linear.

    Notes
    -----
    A sum of k products has error (4 + sqrt(k)) eps times the sum of magnitudes: the probabilistic form of
    gamma_k (Higham and Mary, 2019) with a constant that also covers `exp`, `log` and `tanh`, each good to a
    few ULP.
    """
    with np.errstate(all="ignore"):
        names = step.architecture.activations
        integers = next((i + 1 for i, name in enumerate(names) if name not in ("relu", "linear")), len(names))
        loss, gradients, kinks, P = _bounds(step, eps, integers if exact else 0)
        after = _after(step, gradients, eps)
        narrow = _after(step, _bounds(step, eps, len(names))[1], eps) if kinks else after
        return Rounding(loss, gradients, after, narrow, kinks, P)


def _after(step: Step, gradients: list[Array], eps: float) -> list[Array]:
    rate = step.learning_rate
    return [
        rate * bound + 4 * eps * (np.abs(W) + rate * np.abs(g))
        for bound, W, g in zip(gradients, step.weights, step.gradients, strict=True)
    ]


def _bounds(step: Step, eps: float, exact: int) -> tuple[float, list[Array], list[tuple[int, int, int, float]], Array]:
    """Bounds on loss, gradients and probabilities, and the kinks; the first `exact` layers cannot cross one."""
    near: list[tuple[int, int, int, float]] = []
    crossing: list[Array] = []
    A_error = [np.zeros_like(step.A[0])]
    Z_error: list[Array] = []
    for layer, A in enumerate(step.A):
        W, b = np.abs(step.kernel(layer)), np.abs(step.bias(layer))
        unit = (4 + np.sqrt(len(W))) * eps
        Z_error.append(A_error[layer] @ W + unit * (np.abs(A) @ W + b))
        if layer < step.depth - 1:
            phi, Z = step.functions[layer], step.Z[layer]
            crossing.append((np.abs(Z) <= Z_error[layer]) & (layer >= exact) & phi.kink)
            near += [
                (layer, int(sample), int(unit), float(abs(Z[sample, unit])))
                for sample, unit in np.argwhere(crossing[layer])
            ]
            slope = np.minimum(1, np.abs(phi.derivative(Z, step.A[layer + 1])) + phi.curvature * Z_error[layer])
            # Next to a kink an error may pass with the steeper side's slope, which is 1.
            slope = np.where(crossing[layer], 1, slope)
            A_error.append(slope * Z_error[layer] + 4 * eps * np.abs(step.A[layer + 1]))
    Z, P, delta = step.Z[-1], step.P, Z_error[-1]
    shifted = np.abs(Z - Z.max(axis=1, keepdims=True))
    delta = delta + 4 * eps * (1 + shifted)
    spread = delta + (P * delta).sum(axis=1, keepdims=True)
    # First order holds for small errors only; beyond, a probability may be anything.
    # Below the smallest normal number, results may be flushed to zero.
    tiny = float(np.finfo(np.float32 if eps > 1e-10 else np.float64).tiny)
    P_error = np.where(spread < 0.1, 1.2 * P * spread + 4 * eps * P + 4 * tiny, 1.0)
    rows = np.arange(step.n)
    per_sample = (P * delta).sum(axis=1) + delta[rows, step.y] + 4 * eps * (1 + shifted[rows, step.y])
    loss = float(per_sample.mean() + (4 + np.sqrt(step.n)) * eps * abs(step.loss))

    error = P_error / step.n + 4 * eps * np.abs(step.dZ[-1])
    bound: dict[tuple[int, Role], Array] = {}
    unit = (4 + np.sqrt(step.n)) * eps
    for layer in reversed(range(step.depth)):
        A, dZ = np.abs(step.A[layer]), np.abs(step.dZ[layer])
        bound[layer, "kernel"] = A.T @ error + A_error[layer].T @ (dZ + error) + unit * (A.T @ dZ)
        bound[layer, "bias"] = error.sum(axis=0) + unit * dZ.sum(axis=0)
        if layer:
            W, below = np.abs(step.kernel(layer)).T, layer - 1
            phi = step.functions[below]
            slope = np.abs(phi.derivative(step.Z[below], step.A[layer]))
            dA = dZ @ W
            dA_error = error @ W + (4 + np.sqrt(W.shape[0])) * eps * dA
            bend = np.minimum(1, phi.curvature * Z_error[below] + 4 * eps)
            error = dA_error * np.minimum(1, slope + bend) + dA * np.where(crossing[below], 1.0, bend)
    return loss, [bound[weight.layer, weight.role] for weight in step.architecture.weights], near, P_error
