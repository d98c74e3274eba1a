"""Implementations of one task, side by side: SGD of a dense ReLU network with a softmax output, in float32.

Each function takes a `Task` and returns a function that trains for a number of epochs and gives back the losses
it recorded, so that a test can see that all do the same work. What can be prepared once (building, tracing,
compiling, moving data) is prepared before; initial weights are the task's. Peers are optional, and imported only
where they are used.
"""

import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scratch_nn import DenseLayer, Network
from scratch_nn.optimizers import Optimizer

Array = NDArray[np.floating]
Train = Callable[[int], Array]

LEARNING_RATE = 0.01


@dataclass(frozen=True)
class Task:
    """Data, layer sizes and batch size; `replicates` makes it a stack."""

    X: Array
    y: NDArray[np.integer]
    layers: tuple[int, ...]
    batch: int
    replicates: int | None = None

    @property
    def full(self) -> bool:
        """Whether a step takes the whole data set."""
        return self.batch == len(self.y)

    def orders(self, epochs: int) -> NDArray[np.integer]:
        """Row numbers, (epochs, n): shuffled every epoch, but a full batch as it lies."""
        n, rng = len(self.y), np.random.default_rng(0)
        return np.stack([np.arange(n) if self.full else rng.permutation(n) for _ in range(epochs)])

    def batches(self, epochs: int) -> list[NDArray[np.integer]]:
        """The same rows, cut into the batches of all steps."""
        return [order[at : at + self.batch] for order in self.orders(epochs) for at in range(0, len(order), self.batch)]

    def network(self, optimizer: Optimizer | None = None) -> Network:
        """A scratch network with this task's initial weights."""
        net = Network(LEARNING_RATE, 0, "glorot_uniform", "float32", self.replicates)
        if optimizer is not None:
            net.optimizer = optimizer
        for units in self.layers:
            net.add(DenseLayer(units))
        net.build(self.X.shape[1])
        return net

    def arrays(self, role: str) -> list[Array]:
        """The initial weights of one role, "kernel" or "bias", from the first layer to the last."""
        net = self.network()
        return [array for weight, array in zip(net.weights, net.get_weights(), strict=True) if weight.role == role]


def scratch(task: Task, optimizer: Optimizer | None = None) -> Train:
    """Train the scratch network, or a stack of them; by plain SGD, unless another optimizer is given."""
    net = task.network(optimizer)

    def train(epochs: int) -> Array:
        net.train(task.X, task.y, epochs, task.batch, None if task.full else task.orders(epochs))
        return net.loss

    return train


def matrix_products(task: Task) -> Train:
    """Compute a step's matrix products and move the kernels: no bias, activation, loss or gather."""
    sizes = [task.X.shape[1], *task.layers]
    A = [np.ones((task.batch, units), np.float32) for units in sizes]
    W = [np.ones((inputs, units), np.float32) for inputs, units in pairwise(sizes)]
    Z, dW = [np.empty_like(a) for a in A], [np.empty_like(w) for w in W]

    def train(epochs: int) -> Array:
        for _ in range(epochs * (len(task.y) // task.batch)):
            for depth, kernel in enumerate(W):
                np.matmul(A[depth], kernel, out=Z[depth + 1])
            for depth in range(len(W) - 1, -1, -1):
                np.matmul(A[depth].T, A[depth + 1], out=dW[depth])
                if depth:
                    np.matmul(A[depth + 1], W[depth].T, out=Z[depth])
            for kernel, gradient in zip(W, dW, strict=True):
                np.multiply(gradient, 1e-9, out=gradient)
                np.subtract(kernel, gradient, out=kernel)
        return np.empty(0)

    return train


def scikit_learn(task: Task) -> Train:
    """Train MLPClassifier by plain SGD, no penalty, no early stop. It draws its own weights, records no accuracy."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPClassifier

    def train(epochs: int) -> Array:
        model = MLPClassifier(
            task.layers[:-1], solver="sgd", alpha=0, batch_size=task.batch, learning_rate_init=LEARNING_RATE,
            max_iter=epochs, shuffle=not task.full, random_state=0, tol=0,
            momentum=0, nesterovs_momentum=False, n_iter_no_change=epochs + 1,
        )  # fmt: skip
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.fit(task.X, task.y)
        return np.asarray(model.loss_curve_)

    return train


def pytorch(task: Task) -> Train:
    """Train PyTorch's eager nn.Sequential with cross_entropy and optim.SGD."""
    torch: Any = import_module("torch")
    X, y = torch.from_numpy(task.X), torch.from_numpy(task.y)
    stack: list[Any] = []
    for kernel in task.arrays("kernel"):
        linear = torch.nn.Linear(*kernel.shape)
        with torch.no_grad():
            linear.weight.copy_(torch.from_numpy(kernel.T.copy()))
            linear.bias.zero_()
        stack += [linear, torch.nn.ReLU()]
    model = torch.nn.Sequential(*stack[:-1])
    optimizer = torch.optim.SGD(model.parameters(), LEARNING_RATE)

    def train(epochs: int) -> Array:
        batches = [None] * epochs if task.full else [torch.from_numpy(rows) for rows in task.batches(epochs)]
        loss, right = torch.empty(len(batches)), torch.empty(len(batches))
        for step, rows in enumerate(batches):
            x, labels = (X, y) if rows is None else (X[rows], y[rows])
            logits = model(x)
            value = torch.nn.functional.cross_entropy(logits, labels)
            optimizer.zero_grad()
            value.backward()
            optimizer.step()
            loss[step], right[step] = value.detach(), (logits.argmax(1) == labels).sum()
        return np.asarray(loss.numpy())

    return train


def jax_scan(task: Task) -> Train:
    """Train full batches with JAX: the step under scan, for a stack under vmap, under jit; one compiled call in all."""
    jax: Any = import_module("jax")
    jnp: Any = import_module("jax.numpy")
    layers = zip(task.arrays("kernel"), task.arrays("bias"), strict=True)
    start = [(jnp.asarray(kernel), jnp.asarray(bias)) for kernel, bias in layers]
    X, y = jnp.asarray(task.X), jnp.asarray(task.y)

    def objective(weights: Any, x: Any, labels: Any) -> tuple[Any, Any]:
        for kernel, bias in weights[:-1]:
            x = jax.nn.relu(x @ kernel + bias)
        logits = x @ weights[-1][0] + weights[-1][1]
        picked = jnp.take_along_axis(jax.nn.log_softmax(logits), labels[:, None], 1)
        return -picked.mean(), (logits.argmax(1) == labels).mean()

    def step(weights: Any, _: Any) -> tuple[Any, Any]:
        measured, gradient = jax.value_and_grad(objective, has_aux=True)(weights, X, y)
        return jax.tree.map(lambda w, g: w - LEARNING_RATE * g, weights, gradient), measured

    def run(weights: Any, epochs: int) -> Any:
        return jax.lax.scan(step, weights, length=epochs)

    stacked = run if task.replicates is None else jax.vmap(run, in_axes=(0, None))
    compiled = jax.jit(stacked, static_argnums=1)

    def train(epochs: int) -> Array:
        _, (loss, _) = jax.block_until_ready(compiled(start, epochs))
        return np.asarray(loss)

    return train


def keras_fit(task: Task) -> Train:
    """Train with Keras's own `fit` on arrays, as its users call it."""
    from keras_ref.variables import put

    model, start = _keras_model(task)
    Y = np.eye(task.layers[-1], dtype=np.float32)[task.y]

    def train(epochs: int) -> Array:
        put(model.weights, start)
        log = model.fit(task.X, Y, epochs=epochs, batch_size=task.batch, verbose=0)
        return np.asarray(log.history["loss"])

    return train


def keras_compiled(task: Task) -> Train:
    """Train with Keras's own training step, driven by one graph loop; often, and so by one for this shape."""
    from keras_ref import fit_compiled
    from keras_ref.graphs import TRACING
    from keras_ref.variables import put

    model, start = _keras_model(task)

    def train(epochs: int) -> Array:
        put(model.weights, start)
        return fit_compiled(model, task.X, task.y, epochs, task.batch, task.orders(epochs)).loss

    train(TRACING // math.ceil(len(task.y) / task.batch) + 1)
    return train


def _keras_model(task: Task) -> tuple[Any, list[Array]]:
    from keras_ref import build_model

    return build_model(task.X.shape[1], task.layers, LEARNING_RATE), task.network().get_weights()
