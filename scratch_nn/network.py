"""The network as its users see it: arguments are checked, data prepared, weights drawn, set and given out."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from scratch_nn import checks, training
from scratch_nn.initializers import INITIALIZERS
from scratch_nn.layers import DenseLayer, Weight
from scratch_nn.losses import LOSSES
from scratch_nn.model import Batch, Model
from scratch_nn.optimizers import SGD
from scratch_nn.parameters import Parameters
from scratch_nn.penalties import Penalty
from scratch_nn.randomness import Seed, Streams

Array = NDArray[np.floating]
Indices = NDArray[np.integer]
Targets = NDArray[np.number]

# A run that diverges records inf and nan; it is not a reason to warn.
diverging_quietly = np.errstate(over="ignore", invalid="ignore")


class Network(Model):
    """Dense layers, a loss and an optimizer; by default softmax output, categorical cross-entropy and SGD.

    `replicates` of them train as one stack.

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
    loss : {"categorical_crossentropy", "binary_crossentropy", "mean_squared_error"}
        The activation of the last layer must go with it: softmax; sigmoid; any of the others.
    l1, l2 : float
        A penalty for each kernel, `l1 * sum(|W|) + l2 * sum(W^2)`.

    Attributes
    ----------
    layers : list of DenseLayer
    optimizer : Optimizer
        Plain SGD. Another of `optimizers` may take its place before the weights exist.
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
        loss: str = "categorical_crossentropy",
        l1: float = 0.0,
        l2: float = 0.0,
    ) -> None:
        self.replicates = None if replicates is None else checks.positive("replicates", replicates)
        self.dtype = checks.float_type(dtype)
        self.initializer = checks.one_of("initializer", initializer, INITIALIZERS)
        self.layers: list[DenseLayer] = []
        self.inputs: int | None = None  # until the weights exist
        super().__init__(
            SGD(checks.learning_rates(learning_rate, replicates), self.dtype),
            LOSSES[checks.one_of("loss", loss, LOSSES)],
            Penalty(checks.amount("l1", l1), checks.amount("l2", l2)) if l1 or l2 else None,
        )
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
        heads = self.objective.heads
        hidden = [layer.activation for layer in self.layers[:-1]]
        if not self.layers or self.layers[-1].activation not in (None, *heads) or "softmax" in hidden:
            end = "the only softmax" if heads == ("softmax",) else f"an output of {', '.join(heads)}"
            raise ValueError(f"`layers` must end in {end}. Received: layers={self.layers}")
        self.inputs = checks.positive("inputs", inputs)
        layers = [*self.layers[:-1], self.layers[-1].with_default(heads[0])]
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
        y : array of shape (n,) or (n, outputs)
            For categorical cross-entropy integers, the labels 0 to classes - 1. For the other losses numbers; labels
            are one-hot encoded where there are several outputs.
        epochs : int
        batch_size : int, optional
            None: the whole data set a step. The last batch of an epoch may be smaller.
        batch_orders : array of integers of shape (epochs, n) or (replicates, epochs, n), optional
            The order in which each epoch visits the samples. By default the whole data set is taken as it
            lies, and smaller batches are shuffled afresh every epoch.
        verbose : int
            Print every verbose-th epoch as it ends (of a stack, at the end, the medians). 0: print nothing.
        """
        X_and_ones, targets = self._check_data(X, y)
        n, epochs, verbose = len(targets), checks.positive("epochs", epochs), checks.non_negative("verbose", verbose)
        batch = n if batch_size is None else min(checks.positive("batch_size", batch_size), n)
        orders = None if batch_orders is None else checks.orders(batch_orders, self.replicates, epochs, n)
        schedule = training.Schedule(epochs, batch, orders, self.streams)
        self.loss, self.accuracy = training.train(self, X_and_ones, targets, schedule, verbose)

    @diverging_quietly
    def train_on_batch(self, x: ArrayLike, y: ArrayLike) -> tuple[Array, Array]:
        """Make one update; return the batch's loss and accuracy, both before it, each () or (replicates,)."""
        loss, correct = self.step(self._loaded(x, y))
        return loss, (correct / len(np.asarray(y))).astype(self.dtype)

    @diverging_quietly
    def gradients(self, x: ArrayLike, y: ArrayLike) -> list[Array]:
        """Return the gradient of the batch's loss, ordered as `get_weights` does; no update."""
        self.loss_and_gradient(self._loaded(x, y))
        return self.parameters.copies(self.gradient)

    @diverging_quietly
    def predict_proba(self, X: ArrayLike) -> Array:
        """Return what comes out: behind a softmax class probabilities, (n, classes) or (replicates, n, classes)."""
        batch = self._loaded(X, None)
        self.forward(batch)
        return batch.loss.predictions().swapaxes(-1, -2).copy()

    def predict(self, X: ArrayLike) -> Indices:
        """Return the most probable class of each sample, (n,) or (replicates, n); of one output, whether it is 1."""
        P = self.predict_proba(X)
        return P.argmax(axis=-1) if P.shape[-1] > 1 else (P[..., 0] > 0.5).astype(np.intp)

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
        X_and_ones, targets = self._check_data(x, y)
        batch = self.batch_of(len(targets), shared=True)
        batch.load(X_and_ones, targets)
        return batch

    def _check_data(self, X: ArrayLike, y: ArrayLike | None) -> tuple[Array, Targets]:
        """Check data against the layers, drawing weights if there are none; give X its column of ones."""
        X = checks.features(X, self.dtype)
        if self.inputs is None:
            self.build(X.shape[1])
        if X.shape[1] != self.inputs:
            raise ValueError(f"`X` must have {self.inputs} features, as the weights do. Received: shape={X.shape}")
        n, outputs, y = len(X), self.layers[-1].units, np.zeros(len(X), int) if y is None else y
        labelled = self.objective is LOSSES["categorical_crossentropy"]
        targets = checks.labels(y, n, outputs) if labelled else checks.targets(y, n, outputs, self.dtype)
        return np.column_stack([X, np.ones(n, self.dtype)]), targets
