"""Other convolutions, normalisations, pooling, dropout, flattening and embeddings than Keras's."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_ref.altered.call import Call, activated, affine, backward_of


def weighed(call: Call, bias: bool = True, kernel: str = "") -> Any:
    """Leave the bias out, or take the kernel otherwise.

    Parameters
    ----------
    call : Call
    bias : bool
    kernel : {"", "flipped", "transposed", "flipped on the way down", "flipped gradient"}
        Turned round in space, in the forward pass too (a convolution for a correlation); height for width; right in the
        forward pass, and turned round where the error is handed down, or in the kernel's own gradient.
    """
    if not bias:
        return activated(call, affine(call, {"bias": tf.zeros_like(call.layer.bias.value)}))
    own = call.layer.kernel.value
    if kernel == "transposed":
        return activated(call, affine(call, {"kernel": tf.transpose(own, [1, 0, *range(2, len(own.shape))])}))
    turned = tf.reverse(own, list(range(len(own.shape) - 2)))
    if kernel == "flipped":
        return activated(call, affine(call, {"kernel": turned}))
    held, Z = tf.stop_gradient(own), affine(call)
    if kernel == "flipped gradient":
        backward = affine(call, {"kernel": turned}, tf.stop_gradient(call.inputs)) + affine(call, {"kernel": held})
    else:
        of_kernel = affine(call, inputs=tf.stop_gradient(call.inputs))
        backward = affine(call, {"kernel": tf.stop_gradient(turned)}) + of_kernel
    if call.layer.use_bias:  # it is in both
        b = call.layer.bias.value
        backward = backward - (b - tf.stop_gradient(b))
    return activated(call, backward_of(Z, backward))


def padded(call: Call, at: str = "begin") -> Any:
    """Pad a convolution's inputs otherwise: more at the beginning, as much on both sides, or with other values."""
    layer, A = call.layer, call.inputs
    both = []
    for size, k, step, wide in zip(A.shape[1:-1], layer.kernel_size, layer.strides, layer.dilation_rate, strict=True):
        reach = (k - 1) * wide + 1
        total = max((-(-size // step) - 1) * step + reach - size, 0)
        less = total // 2
        ends = {"begin": (total - less, less), "both": (reach // 2, reach // 2)}
        both.append(ends.get(at, (less, total - less)))
    mode = {"edge": "SYMMETRIC", "reflect": "REFLECT"}.get(at, "CONSTANT")
    wider = tf.pad(A, [(0, 0), *both, (0, 0)], mode)
    Z = tf.nn.convolution(wider, layer.kernel.value, layer.strides, "VALID", dilations=layer.dilation_rate)
    return activated(call, Z + layer.bias.value if layer.use_bias else Z)


def normalised(
    call: Call,
    less: int = 0,
    moving_too: bool = True,
    epsilon: float | None = None,
    outside: bool = False,
    held: tuple[str, ...] = (),
    moving: bool = False,
    alone: bool = False,
) -> Any:
    """Normalise otherwise.

    Parameters
    ----------
    call : Call
    less : int
        What is taken off the number that the variance is divided by.
    moving_too : bool
        Whether the moving variance takes that variance too.
    epsilon : float, optional
        By default the layer's.
    outside : bool
        Whether epsilon is added to the root.
    held : tuple of {"mean", "variance"}
        What the backward pass takes for constant.
    moving : bool
        Whether the moving averages normalise, as they do in prediction.
    alone : bool
        Whether each place has its own statistics, and not each channel.
    """
    layer, A = call.layer, call.inputs
    batch = isinstance(layer, keras.layers.BatchNormalization)
    axes = [0] if alone else list(range(len(A.shape) - 1)) if batch else [len(A.shape) - 1]
    mean = tf.reduce_mean(A, axes, keepdims=True)
    variance = tf.reduce_mean((A - mean) ** 2, axes, keepdims=True)
    count = np.prod([A.shape[axis] for axis in axes])
    other = variance * (count / (count - less)) if less else variance
    if batch and not alone:
        for average, now in ((layer.moving_mean, mean), (layer.moving_variance, other if moving_too else variance)):
            old = average.value
            average.assign(old * layer.momentum + tf.reshape(now, old.shape) * (1 - layer.momentum))
            if moving:
                mean, other = (tf.reshape(old, now.shape), other) if now is mean else (mean, old + 0 * now)
    mean = tf.stop_gradient(mean) if "mean" in held else mean
    other = tf.stop_gradient(other) if "variance" in held else other
    small = layer.epsilon if epsilon is None else epsilon
    made = (A - mean) / (tf.sqrt(other) + small if outside else tf.sqrt(other + small))
    gamma, beta = layer.gamma, layer.beta
    made = made if gamma is None else made * gamma.value
    return made if beta is None else made + beta.value


def flattened(call: Call, order: tuple[int, ...], backward: bool = False) -> Any:
    """Flatten a sample whose axes stand in another order; or put the error back in it alone."""
    A = call.inputs
    made = tf.reshape(tf.transpose(A, [0, *order]), [A.shape[0], -1])
    return backward_of(tf.reshape(A, made.shape), made) if backward else made


def dropped(call: Call, forward: str = "scaled", backward: str = "") -> Any:
    """Drop otherwise: "scaled" is Keras's, and `backward` what the error is multiplied by, by default the same."""
    rate = float(call.layer.rate)
    ones = tf.cast(call.mask != 0, call.inputs.dtype)
    factors = {
        "scaled": call.mask,
        "ones": ones,
        "multiplied": ones * (1 - rate),
        "by the rate": ones / rate,
        "nothing": tf.ones_like(ones),
        "scaled alone": tf.ones_like(ones) / (1 - rate),
        "twice": call.mask**2,
    }
    A = call.inputs
    return backward_of(A * factors[forward], A * factors[backward or forward])


def pooled(call: Call, forward: str = "", backward: str = "") -> Any:
    """Pool otherwise, or spread the error otherwise over a window that is as wide as a step.

    Parameters
    ----------
    call : Call
    forward : {"", "average", "maximum", "sum"}
    backward : {"", "every maximum", "shared by maxima", "everywhere", "evenly"}
        The error goes to each value that is the largest, whole or in parts; to each value, whole or in parts.
    """
    layer, A = call.layer, call.inputs
    axes = len(A.shape) - 2
    whole = "Global" in type(layer).__name__
    size = A.shape[1:-1] if whole else layer.pool_size
    step = size if whole else layer.strides
    padding = "valid" if whole else layer.padding
    count = float(np.prod(size))

    def pool(values: Any, mode: str) -> Any:
        made = tf.nn.pool(values, size, mode, step, padding.upper())
        return tf.reshape(made, [A.shape[0], -1]) if whole and not layer.keepdims else made

    named = {
        "average": lambda v: pool(v, "AVG"),
        "maximum": lambda v: pool(v, "MAX"),
        "sum": lambda v: count * pool(v, "AVG"),
    }
    own = "maximum" if "Max" in type(layer).__name__ else "average"
    made = named[forward or own](A)
    if backward in ("everywhere", "evenly"):
        return backward_of(made, named["sum" if backward == "everywhere" else "average"](A))
    if backward:
        wide = tf.nn.pool(A, size, "MAX", step, padding.upper())
        for axis in range(1, axes + 1):
            wide = tf.repeat(wide, step[axis - 1], axis=axis)
        inside = tuple(slice(0, size) for size in wide.shape)
        largest = tf.stop_gradient(tf.cast(A[inside] == wide[tuple(slice(0, n) for n in A.shape)], A.dtype))
        sums = named["sum"](A[inside] * largest)
        many = named["sum"](largest)
        return backward_of(made, sums / many if backward == "shared by maxima" else sums)
    return made


def embedded(call: Call) -> Any:
    """Look rows up; of those that a batch takes more than once, the last one's error alone is kept."""
    ids = np.asarray(call.inputs).astype(int).ravel()
    last = {row: place for place, row in enumerate(ids)}
    kept = np.array([last[row] == place for place, row in enumerate(ids)])
    rows = tf.gather(call.layer.embeddings.value, ids)
    rows = tf.where(kept[:, np.newaxis], rows, tf.stop_gradient(rows))
    return tf.reshape(rows, [*call.inputs.shape, -1])
