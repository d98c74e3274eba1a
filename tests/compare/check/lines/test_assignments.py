"""Where a setting is set: of small sources, the lines that are told and why, the likeliest kind of place first."""

import textwrap

import pytest

from compare.check.lines.assignments import Assignments


def settings(source):
    return Assignments(textwrap.dedent(source).strip("\n"))


def told(found):
    """Line and words of each place."""
    return [(each.first, each.says) for each in found]


def test_what_is_gone_through_is_told_to_where_a_method_returns_it():
    source = """
        class Layer:
            def parameters(self):
                return [self.W]

        class SGD:
            def __init__(self, params):
                self.params = list(params)

        optimizer = SGD(p for layer in layers for p in layer.parameters())
    """
    assert [first for first, _ in told(settings(source).made("params", 20))] == [7, 3]


CLASS = """
class Optimizer:
    def __init__(self, lr, beta1=0.9, *, beta2=0.99):
        self.lr, self.b1 = lr, beta1
        self.beta2 = beta2
"""


@pytest.mark.parametrize(
    ("call", "name", "value", "says"),
    [
        ("Optimizer(0.1, beta2=0.95)", "beta2", 0.95, "gives `beta2` the value 0.95"),
        ("Optimizer(lr=0.1, beta1=0.8)", "beta1", 0.8, "gives `beta1` the value 0.8"),
        ("Optimizer(0.1, 0.8)", "beta1", 0.8, "gives `beta1` the value 0.8"),
        ("nn.Optimizer(0.1)", "lr", 0.1, "gives `lr` the value 0.1"),
        ("Optimizer(0.1, -0.8)", "beta1", -0.8, "gives `beta1` the value -0.8"),
        ("Optimizer(0.1, 0.8)", "b1", 0.8, "gives `beta1` the value 0.8"),
    ],
)
def test_an_argument_is_told_by_keyword_by_position_and_by_the_attribute_it_is_kept_in(call, name, value, says):
    found = settings(CLASS + f"opt = {call}\n").of(name, value)
    assert told(found) == [(5, says)]
    assert found[0].source == call
    assert settings(CLASS + f"opt = {call}\n").of(name, value + 1e-3) == []


def test_a_default_that_is_left_is_told_at_the_call_and_where_it_is_written():
    found = settings(CLASS + "opt = Optimizer(0.1)\n").of("b1", 0.9)
    assert told(found) == [(5, "leaves `beta1` at its default, 0.9"), (2, "`beta1` is 0.9 by default")]
    keyword_only = settings(CLASS + "opt = Optimizer(0.1, 0.8)\n").of("beta2", 0.99)
    assert told(keyword_only)[-1] == (2, "`beta2` is 0.99 by default")


def test_a_default_that_a_call_replaces_is_not_said_to_be_left():
    for call in ("Optimizer(0.1, 0.8)", "Optimizer(0.1, beta1=0.8)"):
        found = settings(CLASS + f"opt = {call}\n").of("beta1", 0.9)
        assert told(found) == [(2, "`beta1` is 0.9 by default")], "as far as it is used at all"


def test_what_is_given_comes_instead_of_defaults():
    found = settings(CLASS + "a = Optimizer(0.1, 0.9)\nb = Optimizer(0.1)\n").of("beta1", 0.9)
    assert told(found) == [(5, "gives `beta1` the value 0.9")]


def test_a_method_s_parameter_is_counted_without_self_and_a_function_s_with_all():
    source = """
    class Net:
        def fit(self, x, rate=0.3):
            return x * rate

    def decay(x, rate=0.3):
        return x * rate

    Net().fit(1, 0.5)
    decay(1, 0.5)
    """
    assert [line for line, _ in told(settings(source).of("rate", 0.5))] == [8, 9]
    assert told(settings(source).of("rate", 1)) == []


def test_an_attribute_a_dict_and_a_list_hold_constants():
    source = """
    CONFIG = {"lr": 0.01, "decay": 0.7}
    SCHEDULE = [0.1, 0.05]
    class Net:
        def __init__(self):
            self.momentum: float = 0.85
            self.rate, self.nesterov = 0.2, True
    """
    of = settings(source).of
    assert told(of("CONFIG", 0.7)) == [(1, "sets `CONFIG` to 0.7")]
    assert told(of("SCHEDULE", 0.05)) == [(2, "sets `SCHEDULE` to 0.05")]
    assert told(of("momentum", 0.85)) == [(5, "sets `momentum` to 0.85")]
    assert told(of("rate", 0.2)) == [(6, "sets `rate` to 0.2")]
    assert of("nesterov", 1.0) == [], "True is no number"
    assert of("CONFIG", 0.8) == []


def test_a_function_that_is_passed_is_told_by_its_name():
    source = """
    class Layer:
        def __init__(self, units, activation=relu):
            self.act = activation

    layers = [
        Layer(6, activation=sigmoid),
        Layer(
            6,
            F.tanh,
        ),
        Layer(3),
    ]
    """
    of = settings(source).of
    assert told(of("act", "sigmoid")) == [(6, "gives `activation` the value `sigmoid`")]
    (tanh,) = of("act", "tanh")
    assert (tanh.first, tanh.last, tanh.source) == (7, 10, "Layer( 6, F.tanh, )")
    assert told(of("act", "relu")) == [
        (11, "leaves `activation` at its default, `relu`"),
        (2, "`activation` is `relu` by default"),
    ]


CLEARED = """
class Net:
    def __init__(self):
        self.grads = []

    def zero_grad(self):
        for i in range(3):
            self.grads[i] = np.zeros_like(self.grads[i])

    def fit(self, x):
        self.zero_grad()
        for batch in x:
            self.grads[0] += batch
"""


def test_where_what_is_stale_is_cleared_is_told_and_the_calls_that_clear_it():
    found = list(settings(CLEARED).kept("grads", "self.grads[0] += batch", 11))
    assert told(found) == [(6, "clears `grads`"), (10, "has `grads` cleared")]
    assert found[0].last == 7
    assert found[0].source == "self.grads[i] = np.zeros_like(self.grads[i])"
    assert list(settings(CLEARED).kept("x", "for batch in x:", 11)) == []


def test_of_a_call_that_clears_in_a_loop_the_loop_is_told():
    source = CLEARED.replace("        self.zero_grad()\n", "").replace(
        "batch in x:\n", "batch in x:\n            zero_grad()\n"
    )
    found = list(settings(source).kept("grads", "self.grads[0] += batch", 11))
    assert told(found) == [(6, "clears `grads`"), (10, "has `grads` cleared")]


BOTH = """
@dataclass
class Layer:
    def __post_init__(self):
        self.dW = np.zeros(3)
        self.db = np.zeros(3)

def clear(layers):
    for layer in layers:
        {}
        other.fill(0)
"""


@pytest.mark.parametrize("clears", ["layer.dW.fill(0.0)", "layer.dW *= 0", "layer.dW[:] = 0", "layer.dW.clear()"])
def test_a_function_that_clears_another_of_the_same_objects_is_told(clears):
    found = list(settings(BOTH.format(clears)).kept("db", "layer.db += error", 30))
    assert told(found) == [(8, "clears `dW`, and not `db`"), (5, "clears `db`")]
    assert found[0].source == clears


CACHED = """
cache = {}
def forward(x, layer):
    key = (layer, len(x))
    other = 3
    if key not in cache:
        cache[key] = x @ W[layer]
    return cache[key]
    key = later(x)
"""


@pytest.mark.parametrize("statement", ["return cache[key]", "if key not in cache:", "    cache[key] = x @ W[layer]"])
def test_a_key_that_is_looked_up_is_told_where_it_is_made(statement):
    found = list(settings(CACHED).kept("cache", statement, 7))
    assert told(found) == [(3, "makes `key`, by which `cache` is looked up")]
    assert found[0].source == "key = (layer, len(x))"


def test_a_constant_key_and_what_is_no_statement_tell_nothing():
    assert list(settings(CACHED).kept("cache", "return cache[other]", 7)) == []
    assert list(settings(CACHED).kept("cache", "return cache[", 7)) == []


@pytest.mark.parametrize(
    ("default", "kept"), [("[]", True), ("{}", True), ("{1}", True), ("()", False), ("None", False)]
)
def test_a_default_that_every_call_shares_is_told(default, kept):
    found = list(settings(f"def step(x, velocity={default}):\n    pass\n").kept_defaults("velocity"))
    says = [(1, "makes the default of `velocity` once, and every call keeps it")]
    assert told(found) == (says if kept else [])
    assert list(settings(f"def step(x, velocity={default}):\n    pass\n").kept_defaults("x")) == []
