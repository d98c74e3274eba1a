"""The network: layers, weights, training. One network and a stack of replicates run through the same code.

Every array may carry a leading replicate axis, over which NumPy broadcasts; one network is the case without.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from scratch_nn import checks, training
from scratch_nn.initializers import INITIALIZERS
from scratch_nn.layers import DenseLayer
from scratch_nn.losses import softmax
from scratch_nn.optimizers import SGD
from scratch_nn.parameters import Parameters, keras_arrays, parameter_count
from scratch_nn.randomness import Seed, Streams
from scratch_nn.work import BatchWork

Array = NDArray[np.floating]
Indices = NDArray[np.integer]

# A run that diverges records inf and nan; it is not a reason to warn.
diverging_quietly = np.errstate(over="ignore", invalid="ignore")


class Network:
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
    theta, gradient : ndarray of shape (parameters,) or (replicates, parameters)
        All parameters, and the last step's gradient.
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
        self.optimizer = SGD(checks.learning_rates(learning_rate, replicates), self.dtype)
        self.streams = Streams(seed, replicates)
        self.inputs: int | None = None
        self.loss = self.accuracy = np.empty(0, self.dtype)

    def __getstate__(self) -> dict[str, Any]:
        # Buffers are views of this network's own parameters; a copy's would not be of the copy's.
        return {**self.__dict__, "_work": {}}

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
        units = [layer.units for layer in self.layers]
        shapes = list(zip([self.inputs, *units], units, strict=False))
        leading = () if self.replicates is None else (self.replicates,)
        self.bind(Parameters(np.zeros((*leading, parameter_count(shapes)), self.dtype), shapes))
        for W in self.parameters.W:
            kernel = W[..., :-1]
            drawn = self.streams.draw(INITIALIZERS[self.initializer], *kernel.shape[-2:])
            kernel[...] = drawn.reshape(kernel.shape)

    def bind(self, parameters: Parameters) -> None:
        """Make these the network's parameters."""
        self.parameters, self.theta, self.gradient = parameters, parameters.theta, parameters.gradient
        self._work: dict[tuple[int, bool], BatchWork] = {}

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
        shape = (epochs,) if self.replicates is None else (self.replicates, epochs)
        self.loss, self.accuracy = np.empty(shape, self.dtype), np.empty(shape, self.dtype)
        training.train(self, X_and_ones, labels, batch, orders, verbose)

    @diverging_quietly
    def train_on_batch(self, x: ArrayLike, y: ArrayLike) -> tuple[Array, Array]:
        """Make one update; return the batch's loss and accuracy, both before it, each () or (replicates,)."""
        loss, correct = self.step(self._loaded(x, y))
        return loss, (correct / len(np.asarray(y))).astype(self.dtype)

    @diverging_quietly
    def gradients(self, x: ArrayLike, y: ArrayLike) -> list[Array]:
        """Return the gradient of the batch's mean loss, ordered as `get_weights` does; no update."""
        self._loss_and_gradient(self._loaded(x, y))
        return keras_arrays(self.parameters.dW)

    @diverging_quietly
    def predict_proba(self, X: ArrayLike) -> Array:
        """Return class probabilities, (n, classes) or (replicates, n, classes)."""
        work = self._loaded(X, None)
        self.forward(work)
        return softmax(work.layers[-1].Z).swapaxes(-1, -2).copy()

    def predict(self, X: ArrayLike) -> Indices:
        """Return the most probable class of each sample, (n,) or (replicates, n)."""
        return self.predict_proba(X).argmax(axis=-1)

    def get_weights(self) -> list[Array]:
        """Return copies: kernel (inputs, units), bias (units,), ..., in a stack with replicates first."""
        if self.inputs is None:
            raise ValueError("`get_weights` needs weights: call `build(inputs)`, train, or set them first")
        return keras_arrays(self.parameters.W)

    def set_weights(self, weights: Sequence[ArrayLike]) -> None:
        """Set the weights, in the order and shapes of `get_weights`; without a replicate axis, all alike."""
        if self.inputs is None:
            shape = np.shape(weights[0]) if len(weights) else ()
            if len(shape) < 2:
                raise ValueError(f"`weights[0]` must have shape (inputs, units). Received: {shape}")
            self.build(shape[-2])
        self.parameters.set(weights)

    # One step. A fault overrides one of these.

    def forward(self, work: BatchWork) -> None:
        """Forward pass: every layer's Z and A, from the batch loaded in `work`."""
        for layer, own in zip(self.layers, work.layers, strict=True):
            layer.forward(own)

    def backward(self, work: BatchWork) -> None:
        """Backward pass: every layer's dW, from the dZ that the loss left in the output layer."""
        for depth in range(len(self.layers) - 1, -1, -1):
            below = work.layers[depth - 1] if depth else None
            self.layers[depth].backward(work.layers[depth], below)

    def update(self) -> None:
        """Apply the gradient."""
        self.optimizer.update(self.theta, self.gradient)

    def _loss_and_gradient(self, work: BatchWork) -> tuple[Array, Indices]:
        self.forward(work)
        loss, correct = work.loss.value(work.layers[-1].Z), work.loss.correct()
        work.loss.gradient()
        self.backward(work)
        return loss, correct

    def step(self, work: BatchWork) -> tuple[Array, Indices]:
        """Update on the batch loaded in `work`; return its mean loss and correct predictions, before it."""
        measured = self._loss_and_gradient(work)
        self.update()
        return measured

    def _loaded(self, x: ArrayLike, y: ArrayLike | None) -> BatchWork:
        """Return the buffers with this batch in them."""
        X_and_ones, labels = self._check_data(x, y)
        work = self.work_for(len(labels), shared=True)
        work.load(X_and_ones, labels)
        return work

    def work_for(self, samples: int, shared: bool) -> BatchWork:
        """Return the buffers for batches of this size, made when first needed."""
        key = (samples, shared)
        if key not in self._work:
            self._work[key] = BatchWork(self.layers, self.parameters.W, self.parameters.dW, samples, shared)
        return self._work[key]

    def _check_data(self, X: ArrayLike, y: ArrayLike | None) -> tuple[Array, Indices]:
        """Check data against the layers, drawing weights if there are none; give X its column of ones."""
        X = checks.features(X, self.dtype)
        if self.inputs is None:
            self.build(X.shape[1])
        if X.shape[1] != self.inputs:
            raise ValueError(f"`X` must have {self.inputs} features, as the weights do. Received: shape={X.shape}")
        labels = checks.labels(np.zeros(len(X), int) if y is None else y, len(X), self.layers[-1].units)
        return np.column_stack([X, np.ones(len(X), self.dtype)]), labels
