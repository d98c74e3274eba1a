"""Update rules, over flat vectors of all parameters; each is Keras's, term by term.

Keras computes with some constants as float32 has them, even where the parameters are float64: they pass through
TensorFlow's `cast`, whose Python numbers are float32. Here they are `_rounded` alike.
"""

import copy
import math
from collections.abc import Sequence
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

Array = NDArray[np.floating]


def _rounded(constant: float) -> float:
    return float(np.float32(constant))


class Optimizer:
    """What all update rules share.

    Parameters
    ----------
    learning_rate : float, or array of shape (replicates,)
        One step size for all, or one for each replicate of a stack.
    dtype : dtype
        The parameters' dtype; the rate is rounded to it once, so that no update is computed in a wider one.

    Attributes
    ----------
    learning_rate : ndarray of shape () or (replicates, 1)
    """

    def __init__(self, learning_rate: ArrayLike, dtype: DTypeLike) -> None:
        rate = np.asarray(learning_rate, dtype)
        self.learning_rate: Array = rate[:, np.newaxis] if rate.ndim else rate

    def slots(self, theta: Array) -> list[Array]:
        """Return what the rule keeps from step to step, as it starts; the model holds it.

        Each is a vector like theta, (parameters,) or (replicates, parameters), or one number a replicate.
        """
        return []

    def update(self, theta: Array, gradient: Array, slots: Sequence[Array] = ()) -> None:
        """Update theta and the slots in place; use up `gradient`."""
        raise NotImplementedError

    def part(self, rows: slice) -> Self:
        """The optimizer of some of a stack's replicates."""
        some = copy.copy(self)
        some.learning_rate = self.learning_rate[rows] if self.learning_rate.ndim else self.learning_rate
        return some


class SGD(Optimizer):
    """Stochastic gradient descent, with or without momentum.

    ::

        theta = theta - learning_rate * gradient

        velocity = momentum * velocity - learning_rate * gradient
        theta = theta + velocity                                              # or, with nesterov:
        theta = theta + momentum * velocity - learning_rate * gradient
    """

    def __init__(
        self, learning_rate: ArrayLike, dtype: DTypeLike, momentum: float = 0.0, nesterov: bool = False
    ) -> None:
        super().__init__(learning_rate, dtype)
        self.momentum, self.nesterov = _rounded(momentum), nesterov

    def slots(self, theta: Array) -> list[Array]:
        """Velocity, if there is momentum."""
        return [np.zeros_like(theta)] if self.momentum else []

    def update(self, theta: Array, gradient: Array, slots: Sequence[Array] = ()) -> None:
        """Update theta in place; see `Optimizer`."""
        np.multiply(gradient, self.learning_rate, out=gradient)
        if self.momentum:
            (velocity,) = slots
            velocity *= self.momentum
            velocity -= gradient
            theta += self.momentum * velocity - gradient if self.nesterov else velocity
        else:
            np.subtract(theta, gradient, out=theta)


class RMSprop(Optimizer):
    """Steps divided by the root of a running mean of squares (Tieleman and Hinton, 2012).

    ::

        velocity = rho * velocity + (1 - rho) * gradient^2
        theta = theta - learning_rate * gradient / sqrt(velocity + epsilon)
    """

    def __init__(self, learning_rate: ArrayLike, dtype: DTypeLike, rho: float = 0.9, epsilon: float = 1e-7) -> None:
        super().__init__(learning_rate, dtype)
        self.rho, self.epsilon = rho, epsilon

    def slots(self, theta: Array) -> list[Array]:
        """Velocity."""
        return [np.zeros_like(theta)]

    def update(self, theta: Array, gradient: Array, slots: Sequence[Array] = ()) -> None:
        """Update theta in place; see `Optimizer`."""
        (velocity,) = slots
        velocity *= self.rho
        velocity += (1 - self.rho) * np.square(gradient)
        theta -= self.learning_rate * gradient / np.sqrt(velocity + self.epsilon)


class Adagrad(Optimizer):
    """Steps divided by the root of a sum of squares (Duchi, Hazan and Singer, 2011), which starts above zero.

    ::

        accumulator = accumulator + gradient^2
        theta = theta - learning_rate * gradient / sqrt(accumulator + epsilon)
    """

    def __init__(
        self,
        learning_rate: ArrayLike,
        dtype: DTypeLike,
        initial_accumulator_value: float = 0.1,
        epsilon: float = 1e-7,
    ) -> None:
        super().__init__(learning_rate, dtype)
        self.initial, self.epsilon = _rounded(initial_accumulator_value), epsilon

    def slots(self, theta: Array) -> list[Array]:
        """Accumulator."""
        return [np.full_like(theta, self.initial)]

    def update(self, theta: Array, gradient: Array, slots: Sequence[Array] = ()) -> None:
        """Update theta in place; see `Optimizer`."""
        (accumulator,) = slots
        accumulator += np.square(gradient)
        theta -= self.learning_rate * gradient / np.sqrt(accumulator + self.epsilon)


class Adam(Optimizer):
    """Running means of gradients and of their squares, freed of their start at zero (Kingma and Ba, 2015, section 2).

    ::

        alpha = learning_rate * sqrt(1 - beta_2^t) / (1 - beta_1^t)           # in step t = 1, 2, ...
        m = m + (gradient - m) * (1 - beta_1)
        v = v + (gradient^2 - v) * (1 - beta_2)
        theta = theta - alpha * m / (sqrt(v) + epsilon)
    """

    def __init__(
        self,
        learning_rate: ArrayLike,
        dtype: DTypeLike,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
    ) -> None:
        super().__init__(learning_rate, dtype)
        # Keras rounds the betas that it raises to a power, and not those that it averages with.
        self.betas = tuple(np.array([_rounded(beta_1), _rounded(beta_2)], dtype))
        self.shares = [np.array(1 - beta, dtype) for beta in (beta_1, beta_2)]
        self.epsilon = np.array(epsilon, dtype)

    def slots(self, theta: Array) -> list[Array]:
        """Both means, and the number of the step."""
        return [np.zeros_like(theta), np.zeros_like(theta), np.zeros_like(theta[..., :1])]

    def update(self, theta: Array, gradient: Array, slots: Sequence[Array] = ()) -> None:
        """Update theta in place; see `Optimizer`."""
        m, v, t = slots
        now = t.flat[0] + 1  # the replicates of a stack make their steps together
        t.fill(now)
        beta_1, beta_2 = self.betas
        alpha = self.learning_rate[()] * math.sqrt(1 - beta_2**now) / (1 - beta_1**now)
        # In place: to make arrays anew takes as long as to compute what is in them.
        room = np.subtract(gradient, m)
        np.multiply(room, self.shares[0], out=room)
        np.add(m, room, out=m)
        np.square(gradient, out=gradient)
        np.subtract(gradient, v, out=gradient)
        np.multiply(gradient, self.shares[1], out=gradient)
        np.add(v, gradient, out=v)
        np.sqrt(v, out=gradient)
        np.add(gradient, self.epsilon, out=gradient)
        np.multiply(m, alpha, out=room)
        np.divide(room, gradient, out=room)
        np.subtract(theta, room, out=theta)


OPTIMIZERS: dict[str, type[Optimizer]] = {"sgd": SGD, "rmsprop": RMSprop, "adagrad": Adagrad, "adam": Adam}
