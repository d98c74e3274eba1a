"""The network: layers, weights, training. One network and a stack of replicates run through the same code.

Every array may carry a leading replicate axis, over which NumPy broadcasts; one network is the case without it.
All parameters of a network are views of one flat vector, `theta`, so that an update is two calls.
"""

import copy
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from scratch_nn.initializers import INITIALIZERS
from scratch_nn.layers import DenseLayer
from scratch_nn.losses import softmax
from scratch_nn.optimizers import SGD
from scratch_nn.randomness import Seed, Streams
from scratch_nn.work import BatchWork, replicates_per_block

Array = NDArray[np.floating]
Indices = NDArray[np.integer]


class Network:
    """Dense layers, softmax output, categorical cross-entropy, SGD; a stack of `replicates` of them trains as one.

    Parameters
    ----------
    learning_rate : float, or array of shape (replicates,)
    seed : int, SeedSequence, sequence of `replicates` of these, or None
        For one network, an int gives the article's stream: `RandomState(seed)`. A stack given one seed spawns one
        SeedSequence per replicate from it; given a sequence, replicate r equals the network with seed[r]. None
        draws fresh randomness. The global NumPy state is never touched.
    initializer : {"uniform", "glorot_uniform"}
    dtype : {"float64", "float32"}
        Of data, parameters, every intermediate result and the trajectory.
    replicates : int, optional
        None: one network, whose arrays have no replicate axis.

    Attributes
    ----------
    layers : list of DenseLayer
    loss, accuracy : ndarray of shape (epochs,) or (replicates, epochs)
        The trajectory of the last `train`, as Keras's `fit` measures it: the mean over the epoch's batches, weighted
        by batch size, of values taken before each batch's update.

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
        rate = np.asarray(learning_rate, np.float64)
        if not (np.isfinite(rate) & (rate > 0)).all() or rate.shape not in ((), (replicates,)):
            raise ValueError(
                "`learning_rate` must be a positive number, or one for each replicate. "
                f"Received: learning_rate={learning_rate!r}"
            )
        if initializer not in INITIALIZERS:
            known = ", ".join(INITIALIZERS)
            raise ValueError(f"`initializer` must be one of {known}. Received: initializer={initializer!r}")
        if np.dtype(dtype) not in (np.float32, np.float64):
            raise ValueError(f"`dtype` must be float32 or float64. Received: dtype={dtype!r}")
        self.replicates = None if replicates is None else _positive("replicates", replicates)
        self.dtype = np.dtype(dtype)
        self.initializer = initializer
        self.layers: list[DenseLayer] = []
        self.optimizer = SGD(rate, self.dtype)
        self.streams = Streams(seed, replicates)
        self.inputs: int | None = None
        self.loss = self.accuracy = np.empty(0, self.dtype)

    def __repr__(self) -> str:
        stack = "" if self.replicates is None else f", replicates={self.replicates}"
        return f"Network({'-'.join(str(layer.units) for layer in self.layers)}, {self.dtype}{stack})"

    def add(self, layer: DenseLayer) -> None:
        """Append a layer. The last one added is the output."""
        if self.inputs is not None:
            raise ValueError(
                "`add` must come before the weights exist. Received: a layer after they were drawn or set"
            )
        self.layers.append(layer)

    def build(self, inputs: int) -> None:
        """Draw the initial weights for data of `inputs` features. Training and prediction do so when first used."""
        hidden = [layer.activation for layer in self.layers[:-1]]
        if not self.layers or self.layers[-1].activation not in (None, "softmax") or "softmax" in hidden:
            raise ValueError(f"`layers` must end in the only softmax. Received: layers={self.layers}")
        self.inputs = _positive("inputs", inputs)
        leading = () if self.replicates is None else (self.replicates,)
        count = sum(units * (below + 1) for below, units in self._shapes())
        self._bind(np.zeros((*leading, count), self.dtype))
        for W in self._views(self.theta):
            W[..., :-1] = self.streams.draw(INITIALIZERS[self.initializer], *W[..., :-1].shape[-2:]).reshape(
                W[..., :-1].shape
            )

    def _shapes(self) -> list[tuple[int, int]]:
        """Inputs and units of each layer."""
        units = [layer.units for layer in self.layers]
        return list(zip([self.inputs, *units], units, strict=False))

    def _bind(self, theta: Array) -> None:
        """Make `theta`, of shape (parameters,) or (replicates, parameters), this network's parameters."""
        self.theta, self.gradient = theta, np.empty_like(theta)
        self._work: dict[tuple[int, bool], BatchWork] = {}

    def _views(self, flat: Array) -> list[Array]:
        """View a flat vector as each layer's (..., units, inputs + 1), the bias in the last column."""
        stops = np.cumsum([units * (below + 1) for below, units in self._shapes()])
        pieces = np.split(flat, stops[:-1], axis=-1)
        return [
            piece.reshape(*flat.shape[:-1], units, below + 1)
            for piece, (below, units) in zip(pieces, self._shapes(), strict=True)
        ]

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
            The order in which each epoch visits the samples. By default the whole data set is taken as it lies, and
            smaller batches are shuffled afresh every epoch.
        verbose : int
            Print every verbose-th epoch as it ends (of a stack, at the end, the medians). 0: print nothing.
        """
        X_and_ones, labels = self._check_data(X, y)
        n, epochs, verbose = len(labels), _positive("epochs", epochs), int(verbose)
        batch = n if batch_size is None else min(_positive("batch_size", batch_size), n)
        orders = None if batch_orders is None else self._check_orders(batch_orders, epochs, n)
        shape = (epochs,) if self.replicates is None else (self.replicates, epochs)
        self.loss, self.accuracy = np.empty(shape, self.dtype), np.empty(shape, self.dtype)
        with np.errstate(over="ignore", invalid="ignore"):  # a run that diverges records inf and nan
            for rows in self._blocks(batch):
                part = self._part(rows)
                own = orders if orders is None or orders.ndim == 2 or rows is None else orders[rows]
                part._run(X_and_ones, labels, batch, own, verbose if self.replicates is None else 0)
        if verbose and self.replicates is not None:
            for epoch in range(0, epochs, verbose):
                _print_epoch(epoch, np.median(self.loss[:, epoch]), np.median(self.accuracy[:, epoch]))

    def train_on_batch(self, x: ArrayLike, y: ArrayLike) -> tuple[Array, Array]:
        """Make one update; return the batch's loss and accuracy, both before it, each () or (replicates,)."""
        X_and_ones, labels = self._check_data(x, y)
        work = self._work_for(len(labels), shared=True)
        work.load(X_and_ones, labels)
        with np.errstate(over="ignore", invalid="ignore"):
            loss, correct = self._step(work)
        return loss, (correct / len(labels)).astype(self.dtype)

    def gradients(self, x: ArrayLike, y: ArrayLike) -> list[Array]:
        """Return the gradient of the batch's mean loss, in the order and shapes of `get_weights`; no update."""
        X_and_ones, labels = self._check_data(x, y)
        work = self._work_for(len(labels), shared=True)
        work.load(X_and_ones, labels)
        self._loss_and_gradient(work)
        return self._keras_arrays(self.gradient)

    def predict_proba(self, X: ArrayLike) -> Array:
        """Return class probabilities, (n, classes) or (replicates, n, classes)."""
        X_and_ones, _ = self._check_data(X, None)
        work = self._work_for(len(X_and_ones), shared=True)
        np.copyto(work.X, X_and_ones)
        self.forward(work)
        return softmax(work.layers[-1].Z).swapaxes(-1, -2).copy()

    def predict(self, X: ArrayLike) -> Indices:
        """Return the most probable class of each sample, (n,) or (replicates, n)."""
        return self.predict_proba(X).argmax(axis=-1)

    def get_weights(self) -> list[Array]:
        """Return copies: kernel (inputs, units), bias (units,), ..., each with a leading replicate axis in a stack."""
        if self.inputs is None:
            raise ValueError("`get_weights` needs weights: call `build(inputs)`, train, or set them first")
        return self._keras_arrays(self.theta)

    def set_weights(self, weights: Sequence[ArrayLike]) -> None:
        """Set the weights, in the order and shapes of `get_weights`; without a replicate axis, the same for all."""
        arrays = [np.asarray(array) for array in weights]
        if len(arrays) != 2 * len(self.layers):
            raise ValueError(f"`weights` must hold {2 * len(self.layers)} arrays. Received: {len(arrays)}")
        if self.inputs is None:
            self.build(arrays[0].shape[-2])
        expected = [array.shape for array in self._keras_arrays(self.theta)]
        for position, (array, shape) in enumerate(zip(arrays, expected, strict=True)):
            if array.shape != shape and (self.replicates is None or array.shape != shape[1:]):
                raise ValueError(f"`weights[{position}]` must have shape {shape}. Received: {array.shape}")
        for W, kernel, bias in zip(self._views(self.theta), arrays[::2], arrays[1::2], strict=True):
            W[..., :-1] = kernel.swapaxes(-1, -2)
            W[..., -1] = bias

    def _keras_arrays(self, flat: Array) -> list[Array]:
        """Copy a flat vector into Keras's order and shapes."""
        return [
            array
            for W in self._views(flat)
            for array in (W[..., :-1].swapaxes(-1, -2).copy(), W[..., -1].copy())
        ]

    # One step. A fault in compare/faults.py overrides one of these.

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

    def _step(self, work: BatchWork) -> tuple[Array, Indices]:
        """Make one update on the batch loaded in `work`; return its mean loss and correct predictions, before it."""
        measured = self._loss_and_gradient(work)
        self.update()
        return measured

    def _run(self, X_and_ones: Array, y: Indices, batch: int, orders: Indices | None, verbose: int) -> None:
        """Train for as many epochs as `loss` and `accuracy` have room for."""
        n, epochs = len(y), self.loss.shape[-1]
        always_whole = orders is None and batch == n
        if always_whole:
            work = self._work_for(n, shared=True)
            work.load(X_and_ones, y)
        for epoch in range(epochs):
            if always_whole:
                visited, (loss, correct) = n, self._step(work)
            else:
                order = self.streams.permutations(n) if orders is None else orders[..., epoch, :]
                visited, loss, correct = order.shape[-1], 0, 0
                for start in range(0, visited, batch):
                    rows = order[..., start : start + batch]
                    work = self._work_for(rows.shape[-1], shared=rows.ndim == 1)
                    work.load(X_and_ones, y, rows)
                    batch_loss, batch_correct = self._step(work)
                    loss = loss + batch_loss * self.dtype.type(rows.shape[-1])
                    correct = correct + batch_correct
                loss = loss / self.dtype.type(visited)
            self.loss[..., epoch] = loss
            self.accuracy[..., epoch] = correct / visited
            if verbose and epoch % verbose == 0:
                _print_epoch(epoch, loss, correct / visited)

    def _work_for(self, samples: int, shared: bool) -> BatchWork:
        """Return the buffers for batches of this size, made when first needed."""
        key = (samples, shared)
        if key not in self._work:
            self._work[key] = BatchWork(
                self.layers, self._views(self.theta), self._views(self.gradient), samples, shared
            )
        return self._work[key]

    def _blocks(self, samples: int) -> list[slice | None]:
        """Cut the stack into blocks of replicates whose buffers fit the cache; None is the whole network at once."""
        size = replicates_per_block(self._shapes(), samples, self.dtype.itemsize)
        if self.replicates is None or self.replicates <= size:
            return [None]
        return [slice(start, start + size) for start in range(0, self.replicates, size)]

    def _part(self, rows: slice | None) -> "Network":
        """Some of this stack's replicates, as a network on the same parameters and trajectory."""
        if rows is None:
            return self
        part = copy.copy(self)
        part._bind(self.theta[rows])
        part.optimizer, part.streams = self.optimizer.part(rows), self.streams.part(rows)
        part.loss, part.accuracy = self.loss[rows], self.accuracy[rows]
        return part

    def _check_data(self, X: ArrayLike, y: ArrayLike | None) -> tuple[Array, Indices]:
        """Check data against the layers, drawing the weights if there are none yet; append the column of ones to X."""
        X = np.asarray(X, self.dtype)
        if X.ndim != 2 or len(X) == 0:
            raise ValueError(f"`X` must have shape (n, features), n > 0. Received: shape={X.shape}")
        if self.inputs is None:
            self.build(X.shape[1])
        if X.shape[1] != self.inputs:
            raise ValueError(
                f"`X` must have {self.inputs} features, as the weights do. Received: shape={X.shape}"
            )
        labels = np.zeros(len(X), np.intp) if y is None else np.asarray(y)
        classes = self.layers[-1].units
        if labels.shape != (len(X),) or labels.dtype.kind not in "iu":
            raise ValueError(
                f"`y` must be integers of shape ({len(X)},). Received: shape={labels.shape}, dtype={labels.dtype}"
            )
        if labels.min() < 0 or labels.max() >= classes:
            raise ValueError(
                f"`y` must be from 0 to {classes - 1}. Received: {labels.min()} to {labels.max()}"
            )
        return np.column_stack([X, np.ones(len(X), self.dtype)]), labels.astype(np.intp)

    def _check_orders(self, batch_orders: ArrayLike, epochs: int, n: int) -> Indices:
        orders = np.asarray(batch_orders)
        leading = ((epochs,), (self.replicates, epochs))
        if orders.dtype.kind not in "iu" or orders.ndim < 2 or orders.shape[:-1] not in leading:
            raise ValueError(
                f"`batch_orders` must be integers of shape ({epochs}, n), or with a leading replicate axis. "
                f"Received: shape={orders.shape}, dtype={orders.dtype}"
            )
        if orders.size == 0 or orders.min() < 0 or orders.max() >= n:
            raise ValueError(f"`batch_orders` must hold row numbers from 0 to {n - 1}")
        return orders


def _positive(name: str, value: int) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
        raise ValueError(f"`{name}` must be a positive integer. Received: {name}={value!r}")
    return int(value)


def _print_epoch(epoch: int, loss: float, accuracy: float) -> None:
    print(f"epoch {epoch}: accuracy {accuracy}, loss {loss}")
