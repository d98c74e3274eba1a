"""How a network of any shape is driven is found out: right of a correct one, and the same of one with a fault."""

from dataclasses import replace

import numpy as np
import pytest

from compare.check.report.pasted import pasted
from compare.check.subject.adapting import adapt
from compare.check.subject.description import describe_subject
from compare.check.subject.factories import WrongDepth
from compare.check.subject.inference.finding import CERTAIN, find, find_only
from compare.check.subject.performing import perform
from compare.check.subject.places import each, lists, numbered
from compare.check.subject.refusal import Refusal
from compare.check.subject.tasks import Task
from compare.recipe.architecture import Dense, dense
from compare.recipe.recipe import Recipe
from tests.compare.check.subject.inference import styles

RECIPE = Recipe(dense((4, 6, 3), ("relu",), 0.1), 20, 8)
ADAPTERS = {
    "Tuples": 'adapt(Tuples, each("layers", 0, 1), step="absorb")',
    "Columns": (
        'adapt(Columns, numbered("p"), kernel="units_inputs", labels="onehot", samples="columns", '
        "step=lambda net, x, y: (out := net.forward_propagation(x), "
        "grads := net.backward_propagation(out[0], y, out[1]), "
        "net.update_parameters(grads))[-1], "
        "loss=lambda net, x, y: net.compute_cost(net.forward_propagation(x)[0], y))"
    ),
    "OneHidden": (
        'adapt(OneHidden, numbered(None), labels="onehot", '
        "step=lambda net, x, y: net.fit(x, y, epochs=1, verbose=False), "
        'loss=lambda net, x, y: net.losses[-1], when="after")'
    ),
    "BiasFirst": (
        'adapt(BiasFirst, [tensor("theta.0", axes=(1, 0), part=np.s_[:, 1:]), tensor("theta.0", part=np.s_[:, 0]), '
        'tensor("theta.1", axes=(1, 0), part=np.s_[:, 1:]), tensor("theta.1", part=np.s_[:, 0])], step="step")'
    ),
    "Flat": (
        'adapt(Flat, [tensor("theta", shape=(-1,), part=np.s_[0:24]), tensor("theta", part=np.s_[24:30]), '
        'tensor("theta", shape=(-1,), part=np.s_[30:48]), tensor("theta", part=np.s_[48:51])], '
        "step=lambda net, x, y, learning_rate: net.step(x, y, learning_rate)[-1])"
    ),
    "make_closure": 'adapt(make_closure, lists("kernels", "biases"), step=lambda net, x, y: net(x, y))',
    "init_params": (
        "adapt(lambda layer_sizes: SimpleNamespace(params=init_params(layer_sizes)), "
        'each("params", 0, 1), labels="onehot", step=lambda net, x, y, learning_rate: '
        'setattr(net, "params", update(net.params, x, y, learning_rate)))'
    ),
    "Named": (
        'adapt(Named, numbered(None), kernel="units_inputs", samples="columns", '
        "step=lambda net, x, y, learning_rate: (out := net.forward_prop(x), "
        "grads := net.backward_prop(out[0], out[1], x, y), "
        "net.update_params(grads[0], grads[1], grads[2], grads[3], learning_rate))[-1])"
    ),
    "Spread": (
        "adapt(lambda layer_sizes, learning_rate: Spread(*layer_sizes, lr=learning_rate), "
        '["W", "b", "above.W", "above.b"], step=lambda net, x, y: (out := net(x), told := cross_entropy(out, y), '
        "net.backward(told[1]), net.step())[1][0])"
    ),
    "Bare": (
        'adapt(Bare, each("params"), step=lambda net, x, y, learning_rate: '
        "train(net, x, y, lr=learning_rate, epochs=1))"
    ),
    "Trainer": 'adapt(Trainer, each("model.layers", 0, 1), step="train_step")',
}


def namespace(*names):
    return {name: getattr(styles, name) for name in names}


def task():
    rng = np.random.default_rng(3)
    weights = [rng.normal(size=weight.shape) for weight in RECIPE.architecture.weights]
    return Task(RECIPE, rng.normal(size=(5, 4)), np.arange(5) % 3, [np.arange(5)], [weights])


@pytest.mark.parametrize("name", ADAPTERS)
@pytest.mark.parametrize("faulty", [False, True])
def test_the_way_is_found_and_is_the_same_with_a_fault(name, faulty, monkeypatch):
    if faulty:
        monkeypatch.setattr(styles, "mean", lambda gradient, n: gradient)
    found = find(name, vars(styles), RECIPE)
    assert found.adapter == ADAPTERS[name]
    assert (found.sure == CERTAIN) is not faulty
    assert found.activations == (("tanh",) if name == "Named" and not faulty else ())


@pytest.mark.parametrize("name", ["Columns", "Flat", "init_params", "Spread"])
def test_the_pasted_lines_drive_it_as_it_was_driven(name):
    found = find(name, vars(styles), RECIPE)
    defined = dict(vars(styles))
    exec(pasted(found.adapter), defined)
    one, other = (perform(subject, task()).steps[0] for subject in (found.subject, defined["subject"]))
    assert one.loss == other.loss
    assert one.before is not None
    assert one.after is not None
    assert other.after is not None
    assert all(map(np.array_equal, one.after, other.after))
    assert not any(map(np.array_equal, one.before, one.after))


def test_pasted_lines_import_what_they_name():
    code = ADAPTERS["Columns"]
    assert pasted(code).startswith("from keras_parity import adapt, numbered\n\nsubject = adapt(\n    Columns,\n")
    assert "from styles import Columns\n" in pasted(code, "styles")
    assert pasted(ADAPTERS["Flat"]).startswith("import numpy as np\nfrom keras_parity import adapt, tensor\n")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Unsure", "it runs with labels='integer' and with labels='onehot', and neither step is right: say which"),
        ("Deaf", "no call of its own is found that makes a step; it has `train_step`. Say which: `adapt(Deaf, lists("),
        ("Draws", "no call of its own is found that makes a step; it has `fit`. Say which: `adapt(Draws, lists("),
        (
            "Squares",
            "its step is that of another output or loss than the ones asked for: declare --output sigmoid --loss m",
        ),
    ],
)
def test_what_cannot_be_told_is_asked_for(name, words):
    with pytest.raises(Refusal) as refused:
        find(name, vars(styles), RECIPE)
    assert words in str(refused.value)


def test_labels_that_are_reckoned_with_are_one_hot_though_neither_step_is_right():
    assert 'labels="onehot"' in find("Reckons", vars(styles), RECIPE).adapter


def test_a_network_of_another_depth_says_so():
    deep = Recipe(dense((4, 6, 5, 3), ("relu", "relu"), 0.1), 20, 8)
    with pytest.raises(WrongDepth, match="1 hidden layer, and 2 are asked for"):
        find("OneHidden", vars(styles), deep)


MADE = {
    "a network beside what it holds": (["Tuples", "Trainer"], {}, "Trainer"),
    "a class beside its object": (["Tuples"], {"net": styles.Tuples((4, 6, 3), 0.1)}, "Tuples"),
    "an adapter beside its network": (
        ["Columns", "Tuples"],
        {"mine": adapt(styles.Tuples, each("layers", 0, 1), step="absorb")},
        "mine",
    ),
    "what makes parameters beside the step": (["init_params", "update"], {}, "init_params"),
    "helpers beside a network": (["mean", "softmax", "pairs", "Columns"], {}, "Columns"),
    "a network that asks beside one that does not": (["Unsure", "Tuples"], {}, "Tuples"),
}


@pytest.mark.parametrize("what", MADE)
def test_the_one_thing_in_a_file_is_found(what):
    names, more, expected = MADE[what]
    assert find_only(namespace(*names) | more, "net.py", styles.__name__, RECIPE).name == expected


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (
            ["Tuples", "Columns"],
            "more than one thing in net.py can be checked: say which, net.py:Tuples and net.py:Col",
        ),
        (["mean", "softmax"], "net.py defines nothing that can be checked"),
        (["Unsure"], "`Unsure`: it runs with labels='integer' and with"),
        (["Draws", "Unsure"], "`Draws`: no call of its own is found that makes a step"),
    ],
)
def test_a_file_without_one_such_thing_says_what_it_has(names, words):
    with pytest.raises(Refusal) as refused:
        find_only(namespace(*names), "net.py", styles.__name__, RECIPE)
    assert words in str(refused.value)


def test_what_is_imported_is_not_the_file_s_own():
    with pytest.raises(Refusal, match="defines nothing"):
        find_only(namespace("Tuples"), "net.py", "another_module", RECIPE)


def test_what_has_keras_s_names_is_left_as_it_is():
    class Network:
        def __init__(self, sizes, rate): ...

        def get_weights(self, *_):
            return []

        set_weights = train_on_batch = get_weights

    assert find("Network", {"Network": Network}, RECIPE).adapter == ""


@pytest.mark.parametrize("name", ["Columns", "OneHidden"])
def test_a_wrong_loss_is_found_by_its_name(name, monkeypatch):
    monkeypatch.setattr(styles, "softmax", lambda z, axis, right=styles.softmax: 0.9 * right(z, axis))
    found = find(name, vars(styles), RECIPE)
    assert found.sure > CERTAIN
    assert found.adapter == ADAPTERS[name]


def test_a_head_that_is_declared_is_driven():
    layers = (Dense(6), Dense(3, "sigmoid"))
    declared = replace(RECIPE.architecture, layers=layers, loss="mean_squared_error")
    found = find("Squares", vars(styles), replace(RECIPE, architecture=declared))
    assert found.adapter == 'adapt(Squares, numbered(None), labels="onehot", step="train")'


def test_a_training_that_an_adapter_leaves_out_is_told():
    found = find("OneHidden", vars(styles), RECIPE)
    told = 'its own `fit` is not driven as a training: `train="fit"` in the adapter has it checked too'
    assert told in describe_subject(found.subject, RECIPE)["notes"]
    said = adapt(styles.OneHidden, numbered(None), labels="onehot", step="fit", train="fit")
    assert told not in describe_subject(said, RECIPE)["notes"]


def test_variables_of_functions_are_places():
    step = styles.make_closure((4, 6, 3), 0.1)
    found = lists("kernels", "biases")(step)
    found[0][0].put(np.ones((4, 6)))
    assert np.array_equal(lists("kernels", "biases")(step)[0][0].held, np.ones((4, 6)))
