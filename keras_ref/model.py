"""The Keras model that a scratch network is compared with."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from keras_ref.precision import precision


def build_model(
    n_features: int,
    layers: Sequence[int],
    learning_rate: float = 0.01,
    dtype: str = "float32",
    initializer: str = "glorot_uniform",
    activations: Sequence[str] | None = None,
    seed: int | None = None,
) -> keras.Sequential:
    """Build the compiled `Sequential`: SGD, categorical cross-entropy, accuracy.

    Parameters
    ----------
    n_features : int
    layers : sequence of int
        Units of each layer; the last one is the number of classes.
    learning_rate : float
    dtype : {"float32", "float64"}
    initializer : {"glorot_uniform", "uniform"}
        Keras's default, or U(-1, 1).
    activations : sequence of str, optional
        One Keras activation for each hidden layer; all "relu" by default. The last layer is softmax.
    seed : int, optional
        Seeds the initial weights, layer l with seed + l. None draws them afresh.

    Returns
    -------
    keras.Sequential
        Weights in Keras's order: kernel (inputs, units), bias (units,), ...
    """
    hidden = list(activations) if activations is not None else ["relu"] * (len(layers) - 1)
    if len(hidden) != len(layers) - 1:
        raise ValueError(f"`activations` must name {len(layers) - 1} hidden layers. Received: {hidden}")

    def stack() -> list[keras.layers.Layer]:
        kernels = [_initializer(initializer, None if seed is None else seed + depth) for depth in range(len(layers))]
        settings = zip(layers, [*hidden, "softmax"], kernels, strict=True)
        return [
            keras.layers.Dense(units, activation, kernel_initializer=kernel) for units, activation, kernel in settings
        ]

    return assemble(
        (n_features,), stack, "categorical_crossentropy", lambda: keras.optimizers.SGD(learning_rate), dtype
    )


def assemble(
    inputs: tuple[int, ...],
    layers: Callable[[], Sequence[keras.layers.Layer]],
    loss: str,
    optimizer: Callable[[], keras.optimizers.Optimizer],
    dtype: str,
) -> keras.Sequential:
    """Build and compile a `Sequential` in one precision; its layers and optimizer are made inside that precision.

    Parameters
    ----------
    inputs : tuple of int
        Shape of a sample.
    layers : callable
        Makes the layers, the output's last.
    loss : str
        In Keras's word.
    optimizer : callable
        Makes the optimizer.
    dtype : {"float32", "float64"}
    """
    with precision(dtype):
        model = keras.Sequential([keras.layers.Input(inputs), *layers()])
        model.compile(optimizer(), loss=loss, metrics=["accuracy"])
    return model


def _initializer(name: str, seed: int | keras.random.SeedGenerator | None) -> keras.initializers.Initializer:
    if name == "glorot_uniform":
        return keras.initializers.GlorotUniform(seed)
    if name == "uniform":
        return keras.initializers.RandomUniform(-1, 1, seed)
    raise ValueError(f"`initializer` must be one of uniform, glorot_uniform. Received: initializer={name!r}")


def draw_weights(
    n_features: int,
    layers: Sequence[int],
    seed: int | Sequence[int],
    initializer: str = "glorot_uniform",
    dtype: str = "float32",
) -> list[NDArray[np.floating]]:
    """Draw the initial weights that `build_model` gives with this seed, without building a model.

    Several seeds give each tensor a leading axis of replicates, in a quarter of the time.
    """
    if isinstance(seed, int):
        kernels = _kernels(n_features, layers, range(seed, seed + len(layers)), initializer, dtype)
    else:
        kernels = _drawing(n_features, tuple(layers), initializer, dtype)(np.asarray(seed, np.int64))
    weights: list[NDArray[np.floating]] = []
    for kernel in map(keras.ops.convert_to_numpy, kernels):
        weights += [kernel, np.zeros((*kernel.shape[:-2], kernel.shape[-1]), dtype)]
    return weights


def _kernels(
    n_features: int,
    layers: Sequence[int],
    seeds: Sequence[int | keras.random.SeedGenerator],
    initializer: str,
    dtype: str,
) -> list[Any]:
    """Draw each layer's kernel with a seed of its own."""
    shapes = zip([n_features, *layers], layers, strict=False)
    return [_initializer(initializer, seed)(shape, dtype=dtype) for seed, shape in zip(seeds, shapes, strict=True)]


@lru_cache(maxsize=8)
def _drawing(n_features: int, layers: tuple[int, ...], initializer: str, dtype: str) -> Any:
    """A graph from seeds to kernels: Keras's initializers, with seed generators whose first draw is an integer's."""
    generators = [keras.random.SeedGenerator(0) for _ in layers]

    def one(seed: tf.Tensor) -> list[tf.Tensor]:
        for depth, generator in enumerate(generators):
            generator.state.assign(tf.cast(tf.stack([seed + depth, 0]), generator.state.dtype))
        return _kernels(n_features, layers, generators, initializer, dtype)

    @tf.function(input_signature=[tf.TensorSpec((None,), tf.int64)], autograph=False)
    def draw(seeds: tf.Tensor) -> list[tf.Tensor]:
        return tf.map_fn(one, seeds, fn_output_signature=[tf.as_dtype(dtype)] * len(layers))

    return draw
