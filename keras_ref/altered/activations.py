"""Other activations, and other derivatives of the right one."""

from typing import Any

import keras
import tensorflow as tf

from keras_ref.altered.call import Call, Function, affine, backward_of


def activation(call: Call, function: str = "", slope: float | None = None, derivative: str = "") -> Any:
    """Apply another function, or hand back another gradient.

    Parameters
    ----------
    call : Call
    function : str
        In Keras's word; by default the layer's own.
    slope : float, optional
        Of a leaky ReLU or an ELU.
    derivative : {"", "missing", "of the output", "formula of the input", "twice", "elementwise"}
        What the error is multiplied by: nothing; the derivative at what comes out; tanh's and the sigmoid's, which is
        a formula of what comes out, with what goes in; its square; of a softmax, P (1 - P) alone.
    """
    f = _named(call, function, slope)
    Z = affine(call)
    if derivative == "missing":
        return backward_of(f(Z), Z)
    if derivative == "of the output":
        return backward_of(f(Z), Z * tf.stop_gradient(slopes(f, f(Z))))
    if derivative == "formula of the input":
        formula = {"tanh": lambda z: 1 - z**2, "sigmoid": lambda z: z * (1 - z)}[f.__name__]
        return backward_of(f(Z), Z * tf.stop_gradient(formula(Z)))
    if derivative == "twice":
        return f(backward_of(Z, Z * tf.stop_gradient(slopes(f, Z))))
    if derivative == "elementwise":
        return backward_of(f(Z), Z * tf.stop_gradient(slopes(f, Z)))
    return f(Z)


def _named(call: Call, function: str, slope: float | None) -> Function:
    own = call.activation
    if function == "leaky_relu":
        return lambda Z: tf.where(Z > 0, Z, slope * Z)
    if function == "elu":
        return lambda Z: tf.where(Z > 0, Z, slope * (tf.exp(tf.minimum(Z, 0.0)) - 1))
    if function == "gelu of tanh":
        return lambda Z: keras.activations.gelu(Z, approximate=True)
    if function == "twice":
        return lambda Z: own(tf.identity(own(Z)))
    return keras.activations.get(function) if function else own


def slopes(f: Function, Z: Any) -> Any:
    """The derivative of an activation, element by element; of a softmax, its diagonal."""
    if f is keras.activations.softmax:
        P = f(Z)
        return P * (1 - P)
    with tf.GradientTape() as tape:
        tape.watch(Z)
        A = f(Z)
    return tape.gradient(A, Z)
