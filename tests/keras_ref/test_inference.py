"""Inference from given weights is `model.predict`, and layers with two modes are those that heed them."""

import keras
import numpy as np

from keras_ref.inference import layers_with_modes, predictions
from keras_ref.model import assemble


def model(*layers, shape=(4,)):
    return assemble(shape, lambda: layers, "mse", lambda: keras.optimizers.SGD(0.1), "float64")


def test_predictions_are_those_of_predict_whatever_the_weights_are_now():
    made = model(keras.layers.Dense(3), keras.layers.BatchNormalization(), keras.layers.Dropout(0.5))
    rng = np.random.default_rng(0)
    X, weights = rng.normal(size=(7, 4)), [rng.uniform(0.5, 1.5, W.shape) for W in made.get_weights()]
    made.set_weights(weights)
    expected = made.predict(X, verbose=0)
    made.set_weights([0 * W for W in weights])
    np.testing.assert_allclose(predictions(made, weights, X), expected, rtol=1e-12)
    assert not np.allclose(predictions(made, weights, X, training=True), expected)


def test_layers_have_modes_where_what_they_make_differs():
    heeding = [keras.layers.BatchNormalization(), keras.layers.Dropout(0.5), keras.layers.Dropout(0.1)]
    made = model(keras.layers.Dense(3), *heeding)
    before = made.get_weights()
    assert layers_with_modes(made) == ["BatchNormalization", "Dropout"]
    for now, then in zip(made.get_weights(), before, strict=True):
        np.testing.assert_array_equal(now, then)
    frozen = keras.layers.BatchNormalization(trainable=False)
    assert layers_with_modes(model(keras.layers.Dropout(0.0), frozen, keras.layers.LayerNormalization())) == []
    assert layers_with_modes(model(keras.layers.SimpleRNN(2), shape=(5, 4))) == []
