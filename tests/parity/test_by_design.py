"""Where a right network may differ from Keras by design: each fact of docs/by-design.md that no other test asserts."""

import os

import keras
import numpy as np
import pytest
import tensorflow as tf

from compare.sides.quiet_keras import choose_backend
from keras_ref import assemble
from keras_ref.precision import precision

X = np.array([[1.0, 2.0], [-1.0, 0.5], [0.25, -3.0]])


def made(outputs=1, activation="sigmoid", loss="binary_crossentropy", rate=0.0, l2=0.0):
    """A model of one layer, its kernel of ones."""
    model = assemble(
        (2,),
        lambda: [keras.layers.Dense(outputs, activation, kernel_regularizer=keras.regularizers.L2(l2) if l2 else None)],
        loss,
        lambda: keras.optimizers.SGD(rate),
        "float64",
    )
    model.set_weights([np.ones((2, outputs)), np.zeros(outputs)])
    return model


def updated(optimizer, gradient):
    """Where a variable of 0 is after one step in float64."""
    with precision("float64"):
        variable = keras.Variable([0.0], dtype="float64")
        optimizer().apply([tf.constant([gradient], "float64")], [variable])
        return float(variable[0])


def test_a_check_runs_on_the_processor(monkeypatch):
    monkeypatch.setattr(os, "environ", dict(os.environ, CUDA_VISIBLE_DEVICES="0"))
    choose_backend()
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "-1"


def test_tensorflow_allows_tf32_until_it_is_told_not_to():
    assert tf.config.experimental.tensor_float_32_execution_enabled()


def test_class_weights_multiply_each_loss_are_not_divided_by_and_leave_accuracy_alone():
    y, weights = np.array([[1.0], [0.0], [1.0]]), {0: 1.0, 1: 3.0}
    Z = X.sum(axis=1, keepdims=True)
    each = (np.logaddexp(0, Z) - Z * y) * np.array([[3.0], [1.0], [3.0]])
    model = made(rate=1.0)
    with precision("float64"):
        history = model.fit(X, y, batch_size=3, epochs=1, class_weight=weights, verbose=0).history
    assert history["loss"][0] == pytest.approx(each.sum() / 3, rel=1e-12), "and not by 7, their sum"
    dZ = (1 / (1 + np.exp(-Z)) - y) * np.array([[3.0], [1.0], [3.0]]) / 3
    assert model.get_weights()[0] == pytest.approx(1 - X.T @ dZ, rel=1e-12)
    assert history["accuracy"][0] == pytest.approx(2 / 3), "and not 4 / 7"


def test_the_gradient_of_l2_is_twice_the_kernel_whatever_the_batch():
    models = made(rate=1.0), made(rate=1.0, l2=0.25)
    for rows in (slice(0, 3), slice(0, 1)):
        for model in models:
            model.set_weights([np.ones((2, 1)), np.zeros(1)])
            with precision("float64"):
                model.train_on_batch(X[rows], np.ones((len(X[rows]), 1)))
        plain, penalised = (model.get_weights()[0] for model in models)
        assert penalised - plain == pytest.approx(-2 * 0.25 * np.ones((2, 1)), rel=1e-12)


@pytest.mark.parametrize("gradient", [1e-8, 1e-3])
def test_adams_epsilon_is_added_before_the_second_moment_is_corrected(gradient):
    step = updated(lambda: keras.optimizers.Adam(1.0, beta_1=0.5, beta_2=0.75, epsilon=1e-7), gradient)
    m, v = 0.5 * gradient, 0.25 * gradient**2
    keras_has, paper = m / 0.5 * 0.5 / (v**0.5 + 1e-7), m / 0.5 / ((v / 0.25) ** 0.5 + 1e-7)
    assert step == pytest.approx(-keras_has, rel=1e-12)
    assert (abs(keras_has / paper - 1) > 0.4) is (gradient == 1e-8), "for gradients as small as epsilon"


def test_rmsprop_and_adagrad_add_epsilon_under_the_root_and_adagrad_starts_at_a_tenth():
    assert updated(lambda: keras.optimizers.RMSprop(1.0, rho=0.75, epsilon=1e-2), 0.5) == pytest.approx(
        -0.5 / (0.25 * 0.25 + 1e-2) ** 0.5, rel=1e-12
    )
    assert updated(lambda: keras.optimizers.Adagrad(1.0, epsilon=1e-2), 0.5) == pytest.approx(
        -0.5 / (np.float64(np.float32(0.1)) + 0.25 + 1e-2) ** 0.5, rel=1e-12
    )


def test_the_defaults_of_adam_rmsprop_and_adagrad():
    adam, rms, adagrad = keras.optimizers.Adam(), keras.optimizers.RMSprop(), keras.optimizers.Adagrad()
    assert [adam.epsilon, rms.epsilon, adagrad.epsilon] == [1e-7] * 3
    assert [adam.beta_1, adam.beta_2, rms.rho, adagrad.initial_accumulator_value] == [0.9, 0.999, 0.9, 0.1]


def test_weight_decay_of_an_optimizer_is_no_l2_it_takes_the_rate_and_every_variable():
    with precision("float64"):
        variables = [keras.Variable([2.0], dtype="float64"), keras.Variable([3.0], dtype="float64", name="bias")]
        optimizer = keras.optimizers.SGD(0.5, weight_decay=0.25)
        optimizer.apply([tf.zeros(1, "float64"), tf.zeros(1, "float64")], variables)
    assert [float(each[0]) for each in variables] == [2 - 2 * 0.25 * 0.5, 3 - 3 * 0.25 * 0.5]


@pytest.mark.parametrize("clip", ["clipnorm", "global_clipnorm"])
def test_an_embeddings_gradient_is_clipped_before_its_rows_are_added_up(clip):
    layers = [keras.layers.Input((2,), dtype="int32"), keras.layers.Embedding(3, 1), keras.layers.Flatten()]
    model = keras.Sequential([*layers, keras.layers.Dense(1, use_bias=False)])
    model.compile(keras.optimizers.SGD(1.0, **{clip: 1.0}), "mse")
    model.layers[-1].trainable = False
    model.set_weights([np.zeros((3, 1)), np.array([[3.0], [4.0]])])
    model.train_on_batch(np.array([[1, 1]]), np.array([[-0.5]]))  # what comes of the index is 3, and 4
    moved = -model.get_weights()[0].ravel()
    assert moved == pytest.approx([0, 7 / 5, 0]), "the norm is 5, and not 7"
