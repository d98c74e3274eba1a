"""Faults inside a network beside Keras are named: planted in Keras's own step, or in another Keras model as subject."""

import keras
import numpy as np
import pytest

from compare.faults.inside import MODELS
from tests.compare.check.causes.altered_subjects import (
    Alteration,
    built,
    by_rule,
    diagnosed,
    keras_altered,
    keras_other,
    referred,
)

L = keras.layers
N = 12
CROSS = "categorical_crossentropy"


def dense():
    return [L.Flatten(), L.Dense(2)]


def convolution():
    return [L.Conv2D(2, 3, padding="same", activation="relu"), L.MaxPooling2D(2), L.Flatten(), L.Dense(2)]


# What is built, and the targets.
NETWORKS = {
    "tanh, softmax": (
        lambda: built((4,), lambda: [L.Dense(5, "tanh"), L.Dense(3, "softmax")], CROSS),
        np.arange(N) % 3,
    ),
    "sigmoid, mse": (lambda: built((4,), lambda: [L.Dense(5, "relu"), L.Dense(3, "sigmoid")]), None),
    "softmax, mse": (lambda: built((4,), lambda: [L.Dense(5, "elu"), L.Dense(3, "softmax")]), None),
    "sigmoid, bce": (
        lambda: built((4,), lambda: [L.Dense(5, "sigmoid"), L.Dense(1, "sigmoid")], "binary_crossentropy"),
        np.arange(N) % 2,
    ),
    "batch norm": (
        lambda: built((4,), lambda: [L.Dense(4), L.BatchNormalization(), L.Activation("relu"), L.Dense(3)]),
        None,
    ),
    "dropout": (lambda: built((4,), lambda: [L.Dense(6, "tanh"), L.Dropout(0.25), L.Dense(3)]), None),
    "convolution": (lambda: built((4, 4, 2), convolution), None),
    "convolution in time": (
        lambda: built((8, 2), lambda: [L.Conv1D(3, 3, 2, "same"), L.AveragePooling1D(2), L.Flatten(), L.Dense(2)]),
        None,
    ),
    "two convolutions": (
        lambda: built((6, 2), lambda: [L.Conv1D(2, 2, activation="tanh"), L.Conv1D(2, 2), L.MaxPooling1D(2), *dense()]),
        None,
    ),
    "embedding": (lambda: built((5,), lambda: [L.Embedding(6, 3), L.Flatten(), L.Dense(2)]), None),
    "lstm": (lambda: built((4, 3), lambda: [L.LSTM(3), L.Dense(2)]), None),
    "gru": (lambda: built((4, 3), lambda: [L.GRU(3), L.Dense(2)]), None),
    "simple": (lambda: built((4, 3), lambda: [L.SimpleRNN(3), L.Dense(2)]), None),
}


# Of each network, faults planted in Keras's own step: name, layer (None: the loss), and the number if there is one.
PLANTED = [
    ("tanh, softmax", "activation derivative at the output", 0),
    ("tanh, softmax", "leaky slope", 0, 0.123),
    ("tanh, softmax", "epsilon in the reported loss's logarithm", None, 3e-6),
    ("sigmoid, mse", "error of the output as of a cross-entropy", None),
    ("softmax, mse", "ELU in place of the activation", 0, 0.5),
    ("sigmoid, bce", "output activation twice", 1),
    ("batch norm", "variance of n - 1 in the normalisation alone", 1),
    ("batch norm", "batch statistics held constant", 1),
    ("dropout", "dropout not inverted", 1),
    ("dropout", "dropout's gradient not masked", 1),
    ("convolution", "kernel flipped", 0),
    ("two convolutions", "kernel not flipped on the way down", 1),
    ("two convolutions", "maximum's gradient to every tie", 2),
    ("convolution", "flattened in another order, channels first", 2),
    ("convolution in time", "padding at the wrong end", 0),
    ("embedding", "gradient of repeated rows overwritten", 0),
    ("lstm", "truncated to one step through time", 0),
    ("gru", "update gate swapped", 0),
    ("simple", "recurrent activation derivative missing", 0),
]


def planted(reference, name, place, *number):
    layer = reference.model.layers[-1 if place is None else place]
    (variant,) = [each for each in MODELS if each.fault.name == name and each.fits(layer, layer is last(reference))]
    one = Alteration(variant.kind, {**variant.options, **({variant.number: number[0]} if number else {})})
    return {"loss": one} if place is None else {"layers": {place: one}}


def last(reference):
    return reference.model.layers[-1]


@pytest.fixture(scope="module")
def networks():
    found = {}

    def get(name):
        if name not in found:
            build, y = NETWORKS[name]
            model = build()
            shape, outputs, rng = model.input_shape[1:], model.output_shape[-1], np.random.default_rng(1)
            X = rng.integers(0, 6, (N, *shape)).astype(float) if name == "embedding" else rng.normal(size=(N, *shape))
            if name == "two convolutions":
                X[::2] = X[::2, :1]  # of each other sample the same at each time, so that maxima tie
            found[name] = referred(model), X, rng.uniform(0.1, 0.9, (N, outputs)) if y is None else y
        return found[name]

    return get


def names(diagnosis):
    return [each.names for each in diagnosis.explanations]


@pytest.mark.parametrize("case", PLANTED, ids=lambda case: f"{case[0]}: {case[1]}")
def test_a_planted_fault_is_named_with_its_layer_and_number(case, networks):
    network, name, place, *number = case
    reference, X, y = networks(network)
    _, diagnosis = diagnosed(
        reference, X, y, keras_altered(reference, **planted(reference, name, place, *number)), steps=2
    )
    assert (name,) in names(diagnosis)
    (cause,) = diagnosis.explanations[names(diagnosis).index((name,))].causes
    assert cause.parameter == pytest.approx((*([] if place is None else [place]), *number), rel=1e-6)
    assert cause.words
    assert cause.fix


@pytest.mark.parametrize("network", NETWORKS)
def test_a_right_network_is_given_no_name(network, networks):
    reference, X, y = networks(network)
    runs, diagnosis = diagnosed(reference, X, y, keras_altered(reference), steps=2)
    assert all(run.first_wrong is None for run in runs)
    assert diagnosis.explanations == ()


def test_what_nothing_explains_is_given_no_name(networks):
    reference, X, y = networks("batch norm")
    step = keras_altered(reference)

    def odd(*given):
        loss, after = step(*given)
        return loss, [np.cbrt(after[0]), *after[1:]]

    runs, diagnosis = diagnosed(reference, X, y, odd, steps=2)
    assert any(run.first_wrong is not None for run in runs)
    assert diagnosis.explanations == ()


def normalised(momentum=0.99, epsilon=1e-3):
    return [L.Dense(4), L.BatchNormalization(momentum=momentum, epsilon=epsilon), L.Activation("relu"), L.Dense(3)]


def swapped(axes):
    """Blocks of a recurrent layer's tensors in another order; itself again, where that is of two."""
    return lambda weights: [np.concatenate([np.split(W, len(axes), axis=-1)[axis] for axis in axes], axis=-1)
                            for W in weights[:3]] + list(weights[3:])  # fmt: skip


def channels_first(weights):
    *others, W, b = weights
    return [*others, W.reshape(2, 2, 2, -1).transpose(1, 2, 0, 3).reshape(W.shape), b]


def channels_last(weights):
    *others, W, b = weights
    return [*others, W.reshape(2, 2, 2, -1).transpose(2, 0, 1, 3).reshape(W.shape), b]


OTHER_MODELS = [
    ("batch norm", (4,), lambda: normalised(0.01), (list, list), ("moving averages' momentum swapped",)),
    ("batch norm", (4,), lambda: normalised(1.0), (list, list), ("moving averages never updated",)),
    ("batch norm", (4,), lambda: normalised(0.9, 1e-5), (list, list),
     ("epsilon of the normalisation", "momentum of the moving averages")),
    ("lstm", (4, 3), lambda: [L.LSTM(3), L.Dense(2)], (swapped((0, 1, 3, 2)),) * 2,
     ("order of the gates i, f, o, c",)),
    ("gru", (4, 3), lambda: [L.GRU(3), L.Dense(2)], (swapped((1, 0, 2)),) * 2, ("order of the gates r, z, h",)),
    ("convolution", (4, 4, 2), convolution, (channels_first, channels_last),
     ("flattened in another order, channels first",)),
    ("dropout", (4,), None, None, ("dropout's mask not used",)),
    ("simple", (4, 3), lambda: [L.SimpleRNN(3, "relu"), L.Dense(2)], (list, list),
     ("relu in place of the activation",)),
]  # fmt: skip


@pytest.mark.parametrize("case", OTHER_MODELS, ids=lambda case: " and ".join(case[-1]))
def test_another_keras_model_is_named_for_what_it_does_otherwise(case, networks):
    network, inputs, layers, maps, expected = case
    reference, X, y = networks(network)
    if layers is None:
        other, maps = built(inputs, lambda: [L.Dense(6, "tanh"), L.Dense(3)]), (list, list)
    else:
        other = built(inputs, layers)
    _, diagnosis = diagnosed(reference, X, y, keras_other(reference, other, *maps), steps=2)
    assert expected in names(diagnosis)


Schedule = keras.optimizers.schedules.ExponentialDecay
RULES = [
    ("learning rate outside the velocity", lambda: keras.optimizers.SGD(Schedule(0.125, 1, 0.5), 0.75),
     {"outside": True}),
    ("learning rate's schedule a step early", lambda: keras.optimizers.SGD(Schedule(0.125, 1, 0.5)), {"early": 1}),
    ("weight decay coupled to the gradient", lambda: keras.optimizers.SGD(0.125, 0.75, weight_decay=0.125),
     {"coupled": True}),
    ("gradients clipped all together", lambda: keras.optimizers.SGD(0.125, clipnorm=0.03125), {"together": True}),
    ("gradient clipping left out", lambda: keras.optimizers.SGD(0.125, clipnorm=0.03125), {}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "optimizer", "how"), RULES, ids=[rule[0] for rule in RULES])
def test_an_update_beside_schedules_decay_and_clipping_is_named(name, optimizer, how):
    reference = referred(built((4,), lambda: [L.Dense(5, "tanh"), L.Dense(2)], optimizer=optimizer))
    rng = np.random.default_rng(1)
    X, y = rng.normal(size=(N, 4)), rng.normal(size=(N, 2))
    _, diagnosis = diagnosed(reference, X, y, by_rule(reference, **how), steps=4)
    assert (name,) in names(diagnosis)
    runs, diagnosis = diagnosed(reference, X, y, keras_other(reference, reference.model), steps=4)
    assert all(run.first_wrong is None for run in runs)
    assert diagnosis.explanations == ()


@pytest.mark.parametrize("clip", ["clipnorm", "global_clipnorm"])
def test_a_gradient_that_is_clipped_once_an_embeddings_rows_are_added_up_is_told(clip):
    layers = lambda: [L.Embedding(7, 3), L.GlobalAveragePooling1D(), L.Dense(2)]  # noqa: E731
    optimizer = lambda: keras.optimizers.SGD(0.125, **{clip: 0.03125})  # noqa: E731
    reference = referred(built((5,), layers, optimizer=optimizer))
    rng = np.random.default_rng(1)
    X, y = rng.integers(0, 7, (N, 5)), rng.normal(size=(N, 2))
    how = {"each" if clip == "clipnorm" else "together": True}
    _, diagnosis = diagnosed(reference, X, y, by_rule(reference, **how), steps=4)
    assert ("gradients clipped once an embedding's rows are added up",) in names(diagnosis)
    runs, diagnosis = diagnosed(reference, X, y, keras_other(reference, reference.model), steps=4)
    assert all(run.first_wrong is None for run in runs)
    assert diagnosis.explanations == ()


def test_a_fault_inside_and_one_of_all_gradients_are_told_together(networks):
    reference, X, y = networks("tanh, softmax")
    step = keras_altered(reference, layers={0: Alteration("activation", {"derivative": "missing"})})

    def summed(x, labels, weights, *others):
        loss, after = step(x, labels, weights, *others)
        return loss, [W + len(x) * (new - W) for W, new in zip(weights, after, strict=True)]

    _, diagnosis = diagnosed(reference, X, y, summed, steps=2)
    assert ("activation derivative missing", "gradient not averaged") in names(diagnosis)
