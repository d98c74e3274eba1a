import keras
import numpy as np
import pytest

from keras_ref import quantities, updated, weight_names
from keras_ref.model import assemble
from keras_ref.precision import precision


def dense(units, activation, **options):
    return keras.layers.Dense(units, activation, **options)


MODELS: dict[str, tuple[tuple[int, ...], list[tuple[int, str | None]], str]] = {
    "softmax": ((4,), [(6, "relu"), (5, "tanh"), (3, "softmax")], "categorical_crossentropy"),
    "sigmoid": ((4,), [(6, "sigmoid"), (1, "sigmoid")], "binary_crossentropy"),
    "regression": ((4,), [(6, "elu"), (2, None)], "mse"),
}
OPTIMIZERS = {
    "sgd": lambda: keras.optimizers.SGD(0.1),
    "momentum": lambda: keras.optimizers.SGD(0.1, 0.9, nesterov=True),
    "adam": lambda: keras.optimizers.Adam(0.01),
    "rmsprop": lambda: keras.optimizers.RMSprop(0.01),
}


def made(name="softmax", optimizer="sgd", dtype="float64", **options):
    inputs, layers, loss = MODELS[name]
    return assemble(inputs, lambda: [dense(*each, **options) for each in layers], loss, OPTIMIZERS[optimizer], dtype)


def batch(model, n=9, seed=0):
    rng = np.random.default_rng(seed)
    weights = [rng.normal(0, 0.5, w.shape) for w in model.get_weights()]
    x, outputs = rng.normal(size=(n, *model.input_shape[1:])), model.output_shape[-1]
    y = np.eye(outputs)[rng.integers(outputs, size=n)] if outputs > 1 else rng.integers(2, size=(n, 1))
    return weights, x, y


def trained(model, weights, x, y):
    with precision(str(model.compute_dtype)):
        model.set_weights(weights)
        loss = model.train_on_batch(x, y)[0]
    return loss, model.get_weights()


def tensors(model, told, prefix=""):
    return [value for name, value in told.items() if name.startswith(f"{prefix}W") or name.startswith(f"{prefix}b")]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("name", MODELS)
def test_the_step_is_train_on_batch_bit_for_bit_or_to_rounding(name, optimizer, dtype):
    model = made(name, optimizer, dtype)
    weights, x, y = batch(model)
    told = quantities(model, weights, x, y)
    loss, after = trained(model, weights, x, y)
    new = [told[f"new {symbol}{layer}"] for layer in range(1, len(model.layers) + 1) for symbol in "Wb"]
    # A graph contracts products and sums of float32, and RMSprop's of float64, where single operations do not.
    eps = np.finfo(dtype).eps if dtype == "float32" or optimizer == "rmsprop" else 0.0
    scale = max(np.abs(w).max() for w in after)
    assert abs(told["loss"] - loss) <= 4 * eps * loss
    assert all(np.abs(a - b).max() <= 8 * eps * scale for a, b in zip(new, after, strict=True))


def test_a_convolution_with_pooling_and_a_penalty_is_train_on_batch_bit_for_bit():
    def layers():
        return [
            keras.layers.Conv2D(3, 2, activation="relu", kernel_regularizer=keras.regularizers.L2(0.01)),
            keras.layers.MaxPooling2D(2),
            keras.layers.Flatten(),
            keras.layers.Dense(3, "softmax"),
        ]

    model = assemble((6, 5, 1), layers, "categorical_crossentropy", OPTIMIZERS["sgd"], "float64")
    weights, x, y = batch(model)
    told = quantities(model, weights, x, y)
    loss, after = trained(model, weights, x, y)
    assert told["loss"] == loss
    new = [told[name] for name in ("new W1", "new b1", "new W4", "new b4")]
    assert all(np.array_equal(a, b) for a, b in zip(new, after, strict=True))
    assert told["Z1"].shape == told["A1"].shape == (9, 5, 4, 3)


def test_every_quantity_of_dense_layers_is_told_and_fits_the_others():
    model = made()
    weights, x, y = batch(model)
    q = quantities(model, weights, x, y)
    assert {f"{d}{symbol}{layer}" for d in ("", "d") for symbol in "ZAWb" for layer in (1, 2, 3)} <= q.keys()
    for layer, below in ((1, "X"), (2, "A1"), (3, "A2")):
        assert np.allclose(q[f"Z{layer}"], q[below] @ q[f"W{layer}"] + q[f"b{layer}"], rtol=1e-12)
        assert np.allclose(q[f"dW{layer}"], q[below].T @ q[f"dZ{layer}"], rtol=1e-10, atol=1e-15)
        assert np.allclose(q[f"db{layer}"], q[f"dZ{layer}"].sum(axis=0), rtol=1e-10, atol=1e-15)
    for layer in (1, 2):
        assert np.allclose(q[f"dZ{layer}"], q[f"dA{layer}"] * q[f"slope{layer}"], rtol=1e-12)
        assert np.allclose(q[f"dA{layer}"], q[f"dZ{layer + 1}"] @ q[f"W{layer + 1}"].T, rtol=1e-12)
    assert np.allclose(q["dZ3"], (q["A3"] - q["Y"]) / 9, rtol=1e-12, atol=1e-16)
    assert np.allclose(q["dA3"], (1 - q["Y"] / q["A3"]) / 9, rtol=1e-10)  # Keras divides each row by its sum


def test_the_model_is_left_as_it_was():
    model = made(optimizer="adam")
    weights, x, y = batch(model)
    trained(model, weights, x, y)
    before = [v.numpy() for v in (*model.variables, *model.optimizer.variables)]
    quantities(model, [w + 1 for w in weights], x, y)
    after = [v.numpy() for v in (*model.variables, *model.optimizer.variables)]
    assert all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))
    assert [layer.activation.__name__ for layer in model.layers] == ["relu", "tanh", "softmax"]


def test_slots_are_told_by_the_weight_they_belong_to():
    model = made(optimizer="momentum")
    weights, x, y = batch(model)
    q = quantities(model, weights, x, y)
    assert np.allclose(q["momentum of W2"], -0.1 * q["dW2"], rtol=1e-12)


@pytest.mark.parametrize("name", ["Z2", "A1", "dZ2", "dA1", "dW2", "A3", "Y", "X"])
def test_what_follows_from_a_replaced_quantity_follows_from_the_given_value(name):
    model = made()
    weights, x, y = batch(model)
    q = quantities(model, weights, x, y)
    value = 0.5 * q[name] + 0.1
    r = quantities(model, weights, x, y, {name: value})
    assert np.array_equal(r[name], value)
    assert np.allclose(r["Z3"], r["A2"] @ r["W3"] + r["b3"], rtol=1e-12)
    assert np.allclose(r["dZ3"], (r["A3"] - r["Y"]) / 9, rtol=1e-10, atol=1e-16)
    if name != "dZ2":
        assert np.allclose(r["dZ2"], r["dA2"] * (1 - np.tanh(r["Z2"]) ** 2), rtol=1e-10)
    if name != "dW2":
        assert np.allclose(r["dW2"], r["A1"].T @ r["dZ2"], rtol=1e-10, atol=1e-15)
    if name != "dA1":
        assert np.allclose(r["dA1"], r["dZ2"] @ r["W2"].T, rtol=1e-12)
    assert np.allclose(r["new W2"], r["W2"] - 0.1 * r["dW2"], rtol=1e-12)
    changed = {each for each in q if not np.array_equal(q[each], r[each])}
    assert name in changed
    if name == "dW2":
        assert changed == {"dW2", "new W2"}


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("of_update", [["dW2"], ["dW1", "db3"], ["new W2"], ["dW2", "new b2"]])
def test_an_update_by_itself_is_that_of_the_whole_step(of_update, optimizer, dtype):
    model = made("softmax", optimizer, dtype)
    weights, x, y = batch(model)
    q = quantities(model, weights, x, y)
    rng = np.random.default_rng(1)
    slots = [rng.random(slot.shape) if len(slot.shape) else slot.numpy() for slot in model.optimizer.variables]
    other = {"dZ3": 0.5 * q["dZ3"] + 0.1, "loss": np.array(7.0)}
    instead = {name: 0.5 * q[name] + 0.1 for name in of_update}
    before = [*model.get_weights(), *(slot.numpy() for slot in model.optimizer.variables)]
    whole = quantities(model, weights, x, y, other | instead, slots)
    alone = updated(model, quantities(model, weights, x, y, other, slots), instead, slots)
    assert alone.keys() == whole.keys()
    assert [name for name in whole if not np.array_equal(whole[name], alone[name])] == []
    after = [*model.get_weights(), *(slot.numpy() for slot in model.optimizer.variables)]
    assert all(map(np.array_equal, before, after))


def test_of_the_loss_and_new_weights_nothing_follows():
    model = made()
    weights, x, y = batch(model)
    q = quantities(model, weights, x, y)
    r = quantities(model, weights, x, y, {"loss": np.array(7.0), "new b1": q["new b1"] + 1})
    assert {name for name in q if not np.array_equal(q[name], r[name])} == {"loss", "new b1"}


def conv_norm_rnn():
    """A convolution, batch normalisation, a recurrent layer over its rows, and a softmax."""
    return [
        keras.layers.Conv2D(2, 2, activation="relu"),
        keras.layers.BatchNormalization(),
        keras.layers.Reshape((4, 6)),
        keras.layers.SimpleRNN(3),
        keras.layers.Dense(3, "softmax"),
    ]


def test_weights_are_named_by_their_symbol_and_layer_whatever_the_layer():
    model = assemble((5, 4, 1), conv_norm_rnn, "categorical_crossentropy", OPTIMIZERS["sgd"], "float64")
    assert weight_names(model) == [
        *("W1", "b1", "gamma2", "beta2", "moving_mean2", "moving_variance2", "W4", "U4", "b4", "W5", "b5")
    ]
    weights, x, y = batch(model)
    weights[5] = np.abs(weights[5]) + 0.5
    told = quantities(model, weights, x, y)
    assert all(np.array_equal(told[name], W) for name, W in zip(weight_names(model), weights, strict=True))
    _, after = trained(model, weights, x, y)
    moved = [told[f"new {name}"] for name in weight_names(model)]
    assert all(np.allclose(a, b, rtol=1e-13, atol=1e-15) for a, b in zip(moved, after, strict=True))
    assert all(not np.array_equal(a, b) for a, b in zip(moved, weights, strict=True)), "every one of them moved"


def test_the_moving_statistics_of_a_batch_normalisation_are_told_before_and_after():
    def layers():
        return [dense(3, None), keras.layers.BatchNormalization(momentum=0.75), dense(3, "softmax")]

    model = assemble((4,), layers, "categorical_crossentropy", OPTIMIZERS["sgd"], "float64")
    weights, x, y = batch(model)
    weights[5] = np.abs(weights[5]) + 0.5
    told = quantities(model, weights, x, y)
    Z = x @ weights[0] + weights[1]
    assert np.array_equal(told["moving_mean2"], weights[4])
    # 0.75 is a float32 too.
    assert np.allclose(told["new moving_mean2"], 0.75 * weights[4] + 0.25 * Z.mean(axis=0), rtol=1e-13)
    assert np.allclose(told["new moving_variance2"], 0.75 * weights[5] + 0.25 * Z.var(axis=0), rtol=1e-13)
    normal = (Z - Z.mean(axis=0)) / np.sqrt(Z.var(axis=0) + np.float32(1e-3))
    assert np.allclose(told["A2"], normal * weights[2] + weights[3], rtol=1e-9), "by the batch's own statistics"


def test_slots_are_what_the_optimizer_remembers_before_the_step_and_put_back_after_it():
    model = made("sigmoid", "momentum")
    weights, x, y = batch(model)
    q = quantities(model, weights, x, y)
    rng = np.random.default_rng(1)
    slots = [rng.normal(size=slot.shape) if len(slot.shape) else slot.numpy() for slot in model.optimizer.variables]
    before = [slot.numpy() for slot in model.optimizer.variables]
    r = quantities(model, weights, x, y, slots=slots)
    momentum = slots[[slot.shape for slot in model.optimizer.variables].index((4, 6))]
    velocity = np.float32(0.9) * momentum - 0.1 * q["dW1"]
    assert np.allclose(r["momentum of W1"], velocity, rtol=1e-12)
    assert np.allclose(r["new W1"], weights[0] + np.float32(0.9) * velocity - 0.1 * q["dW1"], rtol=1e-12)
    assert np.array_equal(r["dW1"], q["dW1"])
    assert not np.allclose(r["new W1"], q["new W1"])
    after = [slot.numpy() for slot in model.optimizer.variables]
    assert all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))


def test_masks_are_what_each_layer_of_dropout_multiplies_by_in_order():
    def layers():
        drops = [keras.layers.Dropout(rate) for rate in (0.5, 0.0, 0.2)]
        return [dense(5, "tanh"), *drops[:2], dense(5, "tanh"), drops[2], dense(3, "softmax")]

    model = assemble((4,), layers, "categorical_crossentropy", OPTIMIZERS["sgd"], "float64")
    weights, x, y = batch(model)
    rng = np.random.default_rng(3)
    masks = [(rng.random((9, 5)) > rate) / (1 - rate) for rate in (0.5, 0.2)]
    q = quantities(model, weights, x, y, masks=masks)
    assert np.array_equal(q["A2"], q["A1"] * masks[0])
    assert np.array_equal(q["A3"], q["A2"]), "a layer that drops nothing takes no mask"
    assert np.array_equal(q["A5"], q["A4"] * masks[1])
    assert np.allclose(q["dA4"], q["dA5"] * masks[1], rtol=1e-14)
    assert np.allclose(q["dW1"], x.T @ (q["dA2"] * masks[0] * q["slope1"]), rtol=1e-12)
