import builtins
import importlib
import sys

import numpy as np
import pytest

from benchmarks.styles.faults import FAULTS
from compare.check.subject import tracing
from compare.check.subject.performing import perform
from compare.check.subject.rewriting import SEEN
from compare.check.subject.tasks import Task
from compare.recipe.architecture import dense
from compare.recipe.recipe import Recipe


def task(trace=(), steps=2, labels="integer"):
    architecture = dense((4, 6, 3), ("relu",), 0.1)
    rng = np.random.default_rng(0)
    weights = [rng.normal(size=weight.shape) for weight in architecture.weights]
    X, y = rng.normal(size=(16, 4)), rng.integers(3, size=16)
    batches = [np.arange(8 * step, 8 * step + 8) for step in range(steps)]
    return Task(Recipe(architecture, 16, 8, labels), X, y, batches, [weights], True, trace=trace)


def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def make(layer_sizes, learning_rate):
    """A step made of closures and a lambda."""
    mask = lambda z: z > 0  # noqa: E731

    def step(weights, x, y, rate):
        W1, b1, W2, b2 = weights
        Z = x @ W1 + b1
        A = np.where(mask(Z), Z, 0)
        P = softmax(A @ W2 + b2)
        d = P.copy()
        d[np.arange(len(y)), y] -= 1
        d /= len(y)
        e = d @ W2.T * mask(Z)
        gradients = [x.T @ e, e.sum(0), A.T @ d, d.sum(0)]
        return [w - rate * g for w, g in zip(weights, gradients, strict=True)], -np.log(P[np.arange(len(y)), y]).mean()

    return step


def traced(*steps, **options):
    """A trace of these steps."""
    trace = perform(make, task(steps, **options)).trace
    assert trace is not None
    return trace


def equal(one, other):
    return all(
        np.array_equal(a, b)
        for p, q in zip(one.steps, other.steps, strict=True)
        for a, b in zip([*p.after, np.array(p.loss)], [*q.after, np.array(q.loss)], strict=True)
    )


def test_what_is_traced_computes_the_same_bit_for_bit_and_is_put_back():
    code = softmax.__code__
    plain, done = perform(make, task()), perform(make, task(trace=(0, 1)))
    assert equal(plain, done)
    assert plain.trace is None
    assert done.trace is not None
    assert done.trace.not_traced is None
    assert len(done.trace.events) > 50
    assert softmax.__code__ is code
    assert not hasattr(builtins, SEEN)


@pytest.mark.parametrize("style", FAULTS)
def test_networks_of_every_style_compute_the_same_when_they_are_traced(style):
    network = importlib.import_module(f"benchmarks.styles.{style}").subject
    labels = "onehot" if style == "columns" else "integer"
    plain, done = perform(network, task(labels=labels)), perform(network, task((1,), labels=labels))
    assert done.refusal is None
    assert equal(plain, done)
    assert done.trace is not None
    assert set(done.trace.events[:, 2].tolist()) == {1}


def test_every_array_of_a_step_is_found_where_it_is_made():
    trace = traced(0)
    lines = trace.sources[0].splitlines()
    made = {
        lines[trace.sites[site][1] - 1].strip(): trace.values[value].shape
        for site, value, _ in trace.events.tolist()
        if trace.sites[site][8] in ("value", "changed")
    }
    assert made["Z = x @ W1 + b1"] == (8, 6)
    assert made["d /= len(y)"] == (8, 3)
    assert made["return e / e.sum(axis=1, keepdims=True)"] == (8, 3)


def test_copies_are_kept_of_what_is_changed_later():
    trace = traced(0)
    errors = [v for v in trace.values if v.shape == (8, 3) and np.allclose(v.sum(axis=1), 1)]
    assert len(errors) == 1  # P, and not what it became


def test_too_much_is_told_and_not_traced(monkeypatch):
    monkeypatch.setattr(tracing, "EVENTS", 30)
    assert traced(0).not_traced == "more than 30 values in 1 steps"
    assert equal(perform(make, task()), perform(make, task((0,))))
    monkeypatch.setattr(tracing, "EVENTS", 200_000)
    monkeypatch.setattr(tracing, "BYTES", 100)
    assert "MB of arrays" in traced(0).not_traced
    monkeypatch.setattr(tracing, "BYTES", 2**26)
    monkeypatch.setattr(tracing, "SECONDS", 0.0)
    assert "longer than" in traced(0).not_traced


def test_a_profiler_that_runs_is_left_alone():
    calls = []
    before = sys.getprofile()
    sys.setprofile(lambda *event: calls.append(event))
    try:
        trace = traced(0)
        assert sys.getprofile() is not None
    finally:
        sys.setprofile(before)
    assert not len(trace.events)
    assert calls


def test_installed_code_is_not_the_users():
    assert not tracing.own(np.__file__)
    assert not tracing.own(tracing.__file__)
    assert not tracing.own("<string>")
    assert tracing.own(__file__)


def test_the_global_generators_are_seeded_alike_in_the_rehearsal_and_in_the_trace():
    def step(weights, x, y, rate):
        noise = np.random.normal()  # noqa: NPY002
        return [w + noise for w in weights], noise

    assert equal(perform(step, task()), perform(step, task(trace=(0,))))
