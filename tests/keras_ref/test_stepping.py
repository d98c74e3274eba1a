"""Steps of a copied model are those of the model's own `train_on_batch`, whatever its layers."""

import keras
import numpy as np
import pytest

from keras_ref import copied, kept_copy, masked_steps, model_steps, weight_names
from keras_ref.precision import precision

ONE = np.finfo(np.float64).eps


def dense(loss="categorical_crossentropy", optimizer=None, **options):
    """Two dense layers, the output's activation the loss's own."""
    units, output = {"categorical_crossentropy": (3, "softmax"), "binary_crossentropy": (1, "sigmoid")}[loss]
    layers = [keras.layers.Dense(5, "tanh", **options), keras.layers.Dense(units, output, **options)]
    return compiled((4,), layers, loss, optimizer or keras.optimizers.SGD(0.1))


def compiled(inputs, layers, loss, optimizer):
    model = keras.Sequential([keras.layers.Input(inputs), *layers])
    model.compile(optimizer, loss=loss)
    return model


def convolution():
    layers = [
        keras.layers.Conv2D(3, 2, activation="relu"),
        keras.layers.MaxPooling2D(2),
        keras.layers.Flatten(),
        keras.layers.Dense(3, "softmax"),
    ]
    return compiled((6, 5, 1), layers, "categorical_crossentropy", keras.optimizers.SGD(0.1))


def normalised():
    layers = [keras.layers.Dense(5), keras.layers.BatchNormalization(momentum=0.8), keras.layers.Dense(3, "softmax")]
    return compiled((4,), layers, "categorical_crossentropy", keras.optimizers.RMSprop(0.01))


def recurrent():
    layers = [keras.layers.SimpleRNN(4), keras.layers.Dense(3, "softmax")]
    return compiled((5, 2), layers, "sparse_categorical_crossentropy", keras.optimizers.SGD(0.1))


MODELS = {
    "softmax, adam": lambda: dense(optimizer=keras.optimizers.Adam(0.01)),
    "sigmoid, momentum": lambda: dense("binary_crossentropy", keras.optimizers.SGD(0.1, 0.9)),
    "convolution and pooling": convolution,
    "batch normalisation": normalised,
    "recurrence, sparse labels": recurrent,
}
BATCHES = [np.arange(6), np.arange(6, 9), np.arange(1), np.arange(2, 9)]


def drawn(model, seed=0):
    """Nine samples, and weights for the model: variances are positive."""
    rng = np.random.default_rng(seed)
    X, outputs = rng.normal(size=(9, *model.input_shape[1:])), model.output_shape[-1]
    classes = rng.integers(max(2, outputs), size=9)
    sparse = str(model.loss).startswith("sparse")
    Y = classes if sparse else np.eye(outputs)[classes] if outputs > 1 else classes[:, np.newaxis].astype(float)
    shapes = [w.shape for w in model.get_weights()]
    names = [variable.name for variable in model.weights]
    pairs = zip(names, shapes, strict=True)
    weights = [rng.uniform(0.5, 1.5, s) if "variance" in n else rng.normal(0, 0.5, s) for n, s in pairs]
    return X, Y, weights


def trained(model, X, Y, weights):
    """The losses of `train_on_batch` and the weights after each, from these weights on."""
    losses, after = [], []
    model.run_eagerly = True  # a graph for each size of batch would be traced
    with precision("float64"):
        model.set_weights(weights)
        for rows in BATCHES:
            model.reset_metrics()
            losses.append(float(np.ravel(model.train_on_batch(X[rows], Y[rows]))[0]))
            after.append(model.get_weights())
    return losses, after


def off(found, expected):
    """The largest deviation of any tensor."""
    return max(float(np.abs(a - b).max()) for a, b in zip(found, expected, strict=True))


def at(told, step):
    return [tensor[step] for tensor in told.weights]


@pytest.mark.parametrize("name", MODELS)
def test_steps_are_those_of_train_on_batch(name):
    model = MODELS[name]()
    X, Y, weights = drawn(model)
    told = model_steps(copied(model, "float64"), X, Y, BATCHES, [weights], [0, -1, -1, -1])
    losses, after = trained(copied(model, "float64"), X, Y, weights)
    assert told.loss.dtype == np.float64
    # One graph contracts products and sums where another does not: a few roundings, which four steps amplify.
    assert np.abs(told.loss - losses).max() <= 64 * ONE
    assert all(off(at(told, step), right) <= 64 * ONE for step, right in enumerate(after))
    assert off(at(told, 3), weights) > 1e-3, "it trained"


def test_moving_statistics_are_told_as_they_are_after_each_step():
    model = normalised()
    X, Y, weights = drawn(model)
    mean = weight_names(model).index("moving_mean2")
    told = model_steps(copied(model, "float64"), X, Y, BATCHES[:1], [weights], [0])
    Z = X[BATCHES[0]] @ weights[0] + weights[1]
    assert np.allclose(told.weights[mean][0], 0.8 * weights[mean] + 0.2 * Z.mean(axis=0), rtol=1e-6)  # 0.8 is float32


def test_a_step_may_start_from_other_weights_while_the_optimizer_goes_on():
    model = copied(dense(optimizer=keras.optimizers.SGD(0.1, 0.9)), "float64")
    X, Y, first = drawn(model)
    second = drawn(model, seed=1)[2]
    told = model_steps(model, X, Y, BATCHES[:3], [first, second], [0, 1, -1])
    plain = model_steps(copied(dense(), "float64"), X, Y, [BATCHES[1]], [second], [0])
    velocity = [new - old for new, old in zip(at(told, 0), first, strict=True)]
    remembered = [np.float32(0.9) * v + new for v, new in zip(velocity, at(plain, 0), strict=True)]
    assert off(at(told, 1), remembered) <= 64 * ONE
    assert off(velocity, [0 * v for v in velocity]) > 1e-3, "there was something to remember"
    with precision("float64"):
        model.set_weights(at(told, 1))
        loss = float(np.ravel(model.evaluate(X[:1], Y[:1], verbose=0))[0])
    assert told.loss[2] == pytest.approx(loss, rel=1e-14), "-1 goes on from what the step before left"


def test_slots_are_those_before_each_step():
    model = copied(dense(optimizer=keras.optimizers.SGD(0.1, 0.9)), "float64")
    X, Y, weights = drawn(model)
    told = model_steps(model, X, Y, BATCHES[:2], [weights], [0, -1])
    slots = dict(zip([each.path for each in model.optimizer.variables], told.slots, strict=True))
    count = next(slot for path, slot in slots.items() if path.endswith("iteration"))
    assert count.tolist() == [0, 1]
    momenta = [slot for path, slot in slots.items() if path.endswith("momentum")]
    assert all(not slot[0].any() for slot in momenta)
    moved = [new - old for new, old in zip(at(told, 0), weights, strict=True)]
    assert off([slot[1] for slot in momenta], moved) <= 8 * ONE


@pytest.mark.parametrize("name", ["softmax, adam", "sigmoid, momentum"])
def test_a_second_call_begins_anew(name):
    model = copied(MODELS[name](), "float64")
    X, Y, weights = drawn(model)
    first, second = (model_steps(model, X, Y, BATCHES, [weights], [0, -1, -1, -1]) for _ in range(2))
    assert all(np.array_equal(a, b) for a, b in zip(first.weights, second.weights, strict=True))
    assert not second.slots[0][0].any(), "the optimizer has forgotten"


def adam(gradients, number, rate=0.01, epsilon=1e-3):
    """Adam's updates as `keras.optimizers.Adam` writes them: bases of powers are cast, by `number`."""
    one, two = 0.9, 0.999
    m = v = np.zeros_like(gradients[0])
    for step, gradient in enumerate(gradients, 1):
        m, v = m + (gradient - m) * (1 - one), v + (gradient**2 - v) * (1 - two)
        alpha = rate * np.sqrt(1 - number(two) ** step) / (1 - number(one) ** step)
        yield -alpha * m / (np.sqrt(v) + epsilon)


def gradients_of(X, Y, weights):
    """The kernel gradient of each batch, each from these weights, of one layer of a softmax."""
    for rows in BATCHES[:2]:
        Z = X[rows] @ weights[0] + weights[1]
        P = np.exp(Z) / np.exp(Z).sum(axis=1, keepdims=True)
        yield X[rows].T @ (P - Y[rows]) / len(rows)


def through_float32(number):
    return float(np.float32(number))


@pytest.mark.parametrize(("exact", "same", "other"), [(True, float, through_float32), (False, through_float32, float)])
def test_adam_s_betas_are_taken_through_float32_but_in_an_exact_copy(exact, same, other):
    optimizer = keras.optimizers.Adam(0.01, epsilon=1e-3)
    model = compiled((4,), [keras.layers.Dense(3, "softmax")], "categorical_crossentropy", optimizer)
    X, Y, weights = drawn(model)
    copy = copied(model, "float64", exact)
    copy.optimizer.learning_rate = 0.01  # the model, compiled in float32, keeps it so
    told = model_steps(copy, X, Y, BATCHES[:2], [weights], [0, 0])
    found = told.weights[0][1] - weights[0]
    gradients = list(gradients_of(X, Y, weights))
    right, wrong = ([*adam(gradients, number)][-1] for number in (same, other))
    largest = np.abs(found).max()
    assert np.abs(found - right).max() <= 1e-12 * largest
    assert np.abs(found - wrong).max() > 1e-9 * largest


@pytest.mark.parametrize("exact", [True, False])
def test_an_exact_copy_takes_a_penalty_as_it_was_written(exact):
    model = dense(kernel_regularizer=keras.regularizers.L2(0.01))
    X, Y, weights = drawn(model)
    bare = model_steps(copied(dense(), "float64"), X, Y, BATCHES[:1], [weights], [0])
    told = model_steps(copied(model, "float64", exact), X, Y, BATCHES[:1], [weights], [0])
    pull = (bare.weights[0][0] - told.weights[0][0]) / (2 * 0.1 * weights[0])
    amount = 0.01 if exact else float(np.float32(0.01))
    assert np.allclose(pull, amount, rtol=1e-12)
    squares = sum((W**2).sum() for W in weights[::2])
    assert told.loss[0] - bare.loss[0] == pytest.approx(amount * squares, rel=1e-12)


def test_a_copy_is_kept_while_the_model_is_set_up_as_it_was():
    model = dense(optimizer=keras.optimizers.SGD(0.5))
    first = kept_copy(model, "float64")
    model.set_weights([W + 1 for W in model.get_weights()])
    assert kept_copy(model, "float64") is first
    assert kept_copy(model, "float64", exact=True) is not first
    model.optimizer.learning_rate = 0.25
    other = kept_copy(model, "float64")
    assert other is not first
    assert float(other.optimizer.learning_rate) == 0.25
    model.compile("adam", loss="mse")
    assert type(kept_copy(model, "float64").optimizer) is keras.optimizers.Adam


def test_a_copy_leaves_the_model_and_keras_as_they_were():
    model = dense(optimizer=keras.optimizers.Adam(0.01))
    before, settings = model.get_weights(), (keras.config.floatx(), keras.config.dtype_policy().name)
    copy = copied(model, "float64", exact=True)
    X, Y, weights = drawn(model)
    model_steps(copy, X, Y, BATCHES[:1], [weights], [0])
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))
    assert all(np.array_equal(a, b) for a, b in zip(model_of(model), model_of(copied(model, "float64")), strict=True))
    assert (keras.config.floatx(), keras.config.dtype_policy().name) == settings
    plain = copied(model, "float64")
    exact, rounded = (model_steps(each, X, Y, BATCHES[:2], [weights], [0, -1]).weights[0][1] for each in (copy, plain))
    assert not np.array_equal(exact, rounded), "exactness is the copy's own"


def model_of(model):
    return [np.asarray(W, np.float64) for W in model.get_weights()]


def test_a_model_that_is_not_compiled_is_refused():
    model = keras.Sequential([keras.layers.Input((4,)), keras.layers.Dense(3)])
    with pytest.raises(ValueError, match=r"^the model must be compiled: call `model\.compile\(optimizer, loss\)`$"):
        copied(model, "float64")


def dropping():
    layers = [keras.layers.Dense(5, "tanh"), keras.layers.Dropout(0.25), keras.layers.Dense(3, "softmax")]
    return compiled((4,), layers, "categorical_crossentropy", keras.optimizers.SGD(0.1, 0.9))


def dropout_step(x, Y, weights, mask):
    """Loss and gradients of a tanh layer, dropout with this mask, and a softmax."""
    W1, b1, W2, b2 = weights
    A = np.tanh(x @ W1 + b1)
    D = A * mask
    Z = D @ W2 + b2
    P = np.exp(Z) / np.exp(Z).sum(axis=1, keepdims=True)
    dZ = (P - Y) / len(x)
    dA = dZ @ W2.T * mask * (1 - A**2)
    return -np.log(P[Y == 1]).mean(), [x.T @ dA, dA.sum(axis=0), D.T @ dZ, dZ.sum(axis=0)]


def test_masked_steps_are_steps_with_these_masks_while_the_optimizer_goes_on():
    model = copied(dropping(), "float64")
    model.optimizer.learning_rate = 0.1  # in float64
    X, Y, first = drawn(model)
    second = drawn(model, seed=1)[2]
    rng = np.random.default_rng(2)
    masks = [[(rng.random((len(rows), 5)) > 0.25) / 0.75] for rows in BATCHES[:2]]
    told = masked_steps(model, X, Y, BATCHES[:2], [first, second], masks)
    velocity = [np.zeros_like(W) for W in first]
    for step, (rows, weights, (mask,)) in enumerate(zip(BATCHES, [first, second], masks, strict=False)):
        assert 0 < (mask == 0).mean() < 1
        loss, gradients = dropout_step(X[rows], Y[rows], weights, mask)
        velocity = [float(np.float32(0.9)) * v - 0.1 * g for v, g in zip(velocity, gradients, strict=True)]
        assert told.loss[step] == pytest.approx(loss, rel=1e-14)
        assert off(at(told, step), [W + v for W, v in zip(weights, velocity, strict=True)]) <= 16 * ONE
    count = [slot.tolist() for slot in told.slots if slot.dtype.kind == "i"]
    assert count == [[0, 1]]
