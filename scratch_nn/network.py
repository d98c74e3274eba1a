"""The network as its users see it: arguments are checked, data prepared, weights drawn, set and given out."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from scratch_nn import checks, training
from scratch_nn.initializers import INITIALIZERS
from scratch_nn.layers import DenseLayer, Weight
from scratch_nn.losses import CategoricalCrossentropy, softmax
from scratch_nn.model import Batch, Model
from scratch_nn.optimizers import SGD
from scratch_nn.parameters import Parameters
from scratch_nn.randomness import Seed, Streams

Array = NDArray[np.floating]
Indices = NDArray[np.integer]

# A run that diverges records inf and nan; it is not a reason to warn.
diverging_quietly = np.errstate(over="ignore", invalid="ignore")


class Network(Model):
    """Dense layers, softmax output, categorical cross-entropy, SGD; `replicates` of them train as one stack.

    Parameters
    ----------
    learning_rate : float, or array of shape (replicates,)
    seed : int, SeedSequence, sequence of `replicates` of these, or None
        For one network, an int gives the article's stream: `RandomState(seed)`. A stack given one seed spawns
        one SeedSequence per replicate from it; given a sequence, replicate r equals the network with seed[r].
        None draws fresh randomness. The global NumPy state is never touched.
    initializer : {"uniform", "glorot_uniform"}
    dtype : {"float64", "float32"}
        Of data, parameters, every intermediate result and the trajectory.
    replicates : int, optional
        None: one network, whose arrays have no replicate axis.

    Attributes
    ----------
    layers : list of DenseLayer
    optimizer : Optimizer
        Plain SGD. Another may take its place before the weights exist.
    parameters, theta, gradient, slots
        See `Model`. They exist from `build` on.
    loss, accuracy : ndarray of shape (epochs,) or (replicates, epochs)
        The trajectory of the last `train`, as Keras's `fit` measures it: the mean over the epoch's batches,
        weighted by batch size, of values taken before each batch's update.

    Raises
    ------
    ValueError
        If an argument is out of range; here, in `add`, or where data do not fit the layers.
    """

    def __init__(
        self,
        learning_rate: ArrayLike = 0.01,
        seed: Seed | Sequence[Seed] = None,
        initializer: str = "uniform",
        dtype: DTypeLike = "float64",
        replicates: int | None = None,
    ) -> None:
        if initializer not in INITIALIZERS:
            known = ", ".join(INITIALIZERS)
            raise ValueError(f"`initializer` must be one of {known}. Received: initializer={initializer!r}")
        self.replicates = None if replicates is None else checks.positive("replicates", replicates)
        self.dtype = checks.float_type(dtype)
        self.initializer = initializer
        self.layers: list[DenseLayer] = []
        self.inputs: int | None = None  # until the weights exist
        super().__init__(SGD(checks.learning_rates(learning_rate, replicates), self.dtype))
        self.streams = Streams(seed, replicates)
        self.loss = self.accuracy = np.empty(0, self.dtype)

    def __repr__(self) -> str:
        stack = "" if self.replicates is None else f", replicates={self.replicates}"
        return f"Network({'-'.join(str(layer.units) for layer in self.layers)}, {self.dtype}{stack})"

    def add(self, layer: DenseLayer) -> None:
        """Append a layer. The last one added is the output."""
        if self.inputs is not None:
            raise ValueError("`add` must come before the weights exist. Received: a layer after they were drawn or set")
        self.layers.append(layer)

    def build(self, inputs: int) -> None:
        """Draw the initial weights for data of `inputs` features; training does so when first called."""
        hidden = [layer.activation for layer in self.layers[:-1]]
        if not self.layers or self.layers[-1].activation not in (None, "softmax") or "softmax" in hidden:
            raise ValueError(f"`layers` must end in the only softmax. Received: layers={self.layers}")
        self.inputs = checks.positive("inputs", inputs)
        layers = [*self.layers[:-1], self.layers[-1].with_default(CategoricalCrossentropy.head)]
        parameters = Parameters(layers, self.inputs, self.replicates, self.dtype)
        self.bind(parameters)
        for weight, view in zip(parameters.weights, parameters.views(parameters.theta), strict=True):
            if weight.role == "kernel":
                drawn = self.streams.draw(INITIALIZERS[self.initializer], *reversed(weight.shape))
                view[...] = drawn.swapaxes(-1, -2).reshape(view.shape)

    @property
    def weights(self) -> list[Weight]:
        """Layer, name, role and shape of each array of `get_weights`."""
        return self.parameters.weights

    @diverging_quietly
    def train(
        self,
        X: ArrayLike,
        y: ArrayLike,
        epochs: int,
        batch_size: int | None = None,
        batch_orders: ArrayLike | None = None,
        verbose: int = 0,
    ) -> None:
        """Train from the current weights; leave the trajectory in `loss` and `accuracy`.

        Parameters
        ----------
        X : array of shape (n, features)
        y : array of integers of shape (n,)
            Labels 0 to classes - 1.
        epochs : int
        batch_size : int, optional
            None: the whole data set a step. The last batch of an epoch may be smaller.
        batch_orders : array of integers of shape (epochs, n) or (replicates, epochs, n), optional
            The order in which each epoch visits the samples. By default the whole data set is taken as it
            lies, and smaller batches are shuffled afresh every epoch.
        verbose : int
            Print every verbose-th epoch as it ends (of a stack, at the end, the medians). 0: print nothing.
        """
        X_and_ones, labels = self._check_data(X, y)
        n, epochs, verbose = len(labels), checks.positive("epochs", epochs), checks.non_negative("verbose", verbose)
        batch = n if batch_size is None else min(checks.positive("batch_size", batch_size), n)
        orders = None if batch_orders is None else checks.orders(batch_orders, self.replicates, epochs, n)
        schedule = training.Schedule(epochs, batch, orders, self.streams)
        self.loss, self.accuracy = training.train(self, X_and_ones, labels, schedule, verbose)

    @diverging_quietly
    def train_on_batch(self, x: ArrayLike, y: ArrayLike) -> tuple[Array, Array]:
        """Make one update; return the batch's loss and accuracy, both before it, each () or (replicates,)."""
        loss, correct = self.step(self._loaded(x, y))
        return loss, (correct / len(np.asarray(y))).astype(self.dtype)

    @diverging_quietly
    def gradients(self, x: ArrayLike, y: ArrayLike) -> list[Array]:
        """Return the gradient of the batch's mean loss, ordered as `get_weights` does; no update."""
        self.loss_and_gradient(self._loaded(x, y))
        return self.parameters.copies(self.gradient)

    @diverging_quietly
    def predict_proba(self, X: ArrayLike) -> Array:
        """Return class probabilities, (n, classes) or (replicates, n, classes)."""
        batch = self._loaded(X, None)
        self.forward(batch)
        return softmax(batch.logits).swapaxes(-1, -2).copy()

    def predict(self, X: ArrayLike) -> Indices:
        """Return the most probable class of each sample, (n,) or (replicates, n)."""
        return self.predict_proba(X).argmax(axis=-1)

    def get_weights(self) -> list[Array]:
        """Return copies: kernel (inputs, units), bias (units,), ..., in a stack with replicates first."""
        if self.inputs is None:
            raise ValueError("`get_weights` needs weights: call `build(inputs)`, train, or set them first")
        return self.parameters.copies(self.theta)

    def set_weights(self, weights: Sequence[ArrayLike]) -> None:
        """Set the weights, in the order and shapes of `get_weights`; without a replicate axis, all alike."""
        if self.inputs is None:
            shape = np.shape(weights[0]) if len(weights) else ()
            if len(shape) < 2:
                raise ValueError(f"`weights[0]` must have shape (inputs, units). Received: {shape}")
            self.build(shape[-2])
        self.parameters.set(weights)

    def _loaded(self, x: ArrayLike, y: ArrayLike | None) -> Batch:
        """Return the arrays of a step with these data in them."""
        X_and_ones, labels = self._check_data(x, y)
        batch = self.batch_of(len(labels), shared=True)
        batch.load(X_and_ones, labels)
        return batch

    def _check_data(self, X: ArrayLike, y: ArrayLike | None) -> tuple[Array, Indices]:
        """Check data against the layers, drawing weights if there are none; give X its column of ones."""
        X = checks.features(X, self.dtype)
        if self.inputs is None:
            self.build(X.shape[1])
        if X.shape[1] != self.inputs:
            raise ValueError(f"`X` must have {self.inputs} features, as the weights do. Received: shape={X.shape}")
        labels = checks.labels(np.zeros(len(X), int) if y is None else y, len(X), self.layers[-1].units)
        return np.column_stack([X, np.ones(len(X), self.dtype)]), labels
