import numpy as np
import pytest

from compare.adapters import adapt, each, lists, numbered
from compare.check.subject.handle import Handle, reported
from compare.check.subject.kinds import Refusal, check_subject, make, read_off
from compare.errors import InputError
from compare.recipe.architecture import dense
from compare.recipe.recipe import Recipe
from scratch_nn import DenseLayer, Network

RECIPE = Recipe(dense((4, 5, 3), learning_rate=0.1), 150, 32)
WEIGHTS = [np.arange(20.0).reshape(4, 5), np.arange(5.0), -np.arange(15.0).reshape(5, 3), np.arange(3.0)]


class Recorder:
    def __init__(self, **given):
        self.given = given

    def train_on_batch(self, x, y):
        return 0.0


@pytest.mark.parametrize(
    ("factory", "expected"),
    [
        (lambda layer_sizes, lr: Recorder(a=layer_sizes, b=lr), {"a": [4, 5, 3], "b": 0.1}),
        (lambda dims, eta, m, n_classes: Recorder(a=dims, b=eta, m=m, k=n_classes),
         {"a": [4, 5, 3], "b": 0.1, "m": 150, "k": 3}),
        (lambda shape, speed: Recorder(a=shape, b=speed), {"a": [4, 5, 3], "b": 0.1}),
        (lambda *, batch_size, activations, unknown=7: Recorder(a=batch_size, b=activations, u=unknown),
         {"a": 32, "b": ["relu"], "u": 7}),
        (lambda layer_sizes, lr, layers=(): Recorder(a=layer_sizes, b=lr, objects=layers),
         {"a": [4, 5, 3], "b": 0.1, "objects": ()}),
        (lambda lr=1, layers=(): Recorder(a=layers, b=lr), {"a": [4, 5, 3], "b": 0.1}),
        (lambda: Recorder(), {}),
    ],
)  # fmt: skip
def test_a_factory_gets_what_its_parameters_are_called(factory, expected):
    assert make(factory, RECIPE).given == expected


def test_a_factory_that_wants_more_is_refused():
    with pytest.raises(Refusal, match="needs `third`"):
        make(lambda first, second, third: Recorder(), RECIPE)


def test_an_object_is_copied():
    one = Recorder()
    assert make(one, RECIPE) is not one


@pytest.mark.parametrize("subject", [3, "net", object()])
def test_what_can_be_no_subject_is_bad_input(subject):
    with pytest.raises(InputError, match="`subject` must be"):
        check_subject(subject)


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        (1.5, (1.5, None)),
        ((np.float32(2), 0.5), (2.0, 0.5)),
        ([np.array([3.0])], (3.0, None)),
        ({"loss": 1, "accuracy": 0.25}, (1.0, 0.25)),
        (None, (None, None)),
    ],
)
def test_loss_and_accuracy_are_read_from_what_a_step_returns(result, expected):
    assert reported(result) == expected


def test_a_loss_that_is_no_number_is_refused():
    with pytest.raises(Refusal, match="must return its loss"):
        reported(np.zeros(4))


def test_what_an_object_is_is_read_off():
    network = Network(0.25)
    for layer in (DenseLayer(5, "tanh"), DenseLayer(6), DenseLayer(3)):
        network.add(layer)
    network.build(4)
    found = read_off(network)
    assert found["layer_sizes"] == (4, 5, 6, 3)
    assert found["activations"] == ("tanh", "relu")
    assert found["learning_rate"] == 0.25


class Turned:
    def __init__(self):
        self.weights = [np.zeros((5, 4)), np.zeros(5), np.zeros((3, 5)), np.zeros(3)]

    def get_weights(self):
        return self.weights

    def train_on_batch(self, x, y):
        x[:] = 0
        return 1.0


def test_transposed_kernels_are_told():
    with pytest.raises(Refusal, match="units_inputs"):
        Handle(Turned(), RECIPE).get_weights()


def test_a_step_that_changes_its_batch_is_told_and_does_no_harm():
    handle, x = Handle(Turned(), RECIPE), np.ones((2, 4))
    handle.step(x, np.array([0, 1]))
    assert (x == 1).all()
    assert handle.notes == ["the step changes the x or y that it is given, in place"]


@pytest.mark.parametrize("told", [(0.5,), (0.5, 0.25), ((0.5, 0.25),)])
def test_a_function_of_a_step_returns_its_weights_and_what_it_tells(told):
    def step(weights, x, y, learning_rate):
        return tuple(W + 1 for W in weights), *told

    handle = Handle(step, RECIPE)
    handle.set_weights(WEIGHTS)
    assert handle.step(np.ones((2, 4)), np.array([0, 1])) == (0.5, 0.25 if told != (0.5,) else None)
    assert np.array_equal(handle.get_weights()[1], WEIGHTS[1] + 1)


class Layer:
    def __init__(self, inputs, units):
        self.weights, self.bias = np.zeros((units, inputs)), np.zeros((units, 1))


class Layered:
    def __init__(self, sizes):
        self.layers = [Layer(4, 5), object(), Layer(5, 3)]


class Numbered:
    def __init__(self, sizes):
        self.params = {"W1": np.zeros((4, 5)), "b1": np.zeros((1, 5)), "W2": np.zeros((5, 3)), "b2": np.zeros((1, 3))}


class Own:
    def __init__(self, sizes):
        self.W1, self.b1, self.W2, self.b2 = np.zeros((4, 5)), np.zeros(5), np.zeros((5, 3)), np.zeros(3)


class Listed:
    def __init__(self, sizes):
        self.Ws, self.bs = [np.zeros((4, 5)), np.zeros((5, 3))], [np.zeros(5), np.zeros(3)]


@pytest.mark.parametrize(
    ("network", "parameters", "shape"),
    [
        (Layered, each("layers", "weights", "bias"), {"kernel": "units_inputs", "bias": "column"}),
        (Numbered, numbered("params"), {"bias": "row"}),
        (Own, numbered(None), {}),
        (Listed, lists("Ws", "bs"), {}),
    ],
)
def test_adapters_find_and_turn_the_parameters(network, parameters, shape):
    adapted = make(adapt(network, parameters, **shape), RECIPE)
    adapted.set_weights(WEIGHTS)
    for ours, given in zip(adapted.get_weights(), WEIGHTS, strict=True):
        np.testing.assert_array_equal(ours, given)


def test_adapters_turn_the_batch_and_read_the_loss_before_the_step():
    seen = []
    adapted = make(
        adapt(
            Own, numbered(None), labels="onehot", samples="columns",
            step=lambda net, x, y: seen.append((x.shape, y.tolist())),
            loss=lambda net, x, y: len(seen),
        ),
        RECIPE,
    )  # fmt: skip
    assert adapted.train_on_batch(np.zeros((2, 4)), np.array([2, 0])) == 0
    assert seen == [((4, 2), [[0, 1], [0, 0], [1, 0]])]


def test_an_adapter_names_its_choices():
    with pytest.raises(InputError, match="`kernel` must be one of inputs_units, units_inputs"):
        adapt(Own, numbered(None), kernel="transposed")
