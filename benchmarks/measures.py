"""The ratios that speed is judged by, each with its bar, measured in groups of contestants that take turns."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

import numpy as np
from sklearn.datasets import load_iris

from benchmarks import contestants
from benchmarks.contestants import LEARNING_RATE, Task, Train
from benchmarks.timing import interleaved
from scratch_nn import DenseLayer, Network
from scratch_nn.optimizers import SGD, Adam


class Measure(NamedTuple):
    """One ratio; `ours` and `theirs` are in `unit`, and each the least of its repeats."""

    what: str
    against: str
    unit: str
    ours: float
    theirs: float
    ratio: float
    paired: float  # the median of the ratios of the repeats
    bar: float

    @property
    def met(self) -> bool:
        """Whether the ratio is within its bar."""
        return self.ratio <= self.bar


class Effort(NamedTuple):
    """How much is measured."""

    repeats: int
    fit_repeats: int  # where Keras's own fit takes most of the time
    fit_epochs: tuple[int, int]  # of batch 32, and of the whole data set
    epochs: int
    most_epochs: int
    pairs: int
    hidden: int  # units of each hidden layer of the wide network
    samples: int  # of the wide network's data


FULL = Effort(
    repeats=15,
    fit_repeats=3,
    fit_epochs=(30, 200),
    epochs=1000,
    most_epochs=100_000,
    pairs=1000,
    hidden=512,
    samples=4096,
)
QUICK = Effort(
    repeats=2, fit_repeats=1, fit_epochs=(2, 2), epochs=10, most_epochs=100, pairs=2, hidden=16, samples=1024
)


class Contestant(NamedTuple):
    """A call to be timed, and how many units of work (steps, replicates) it does."""

    call: Callable[[], object]
    work: float


def compare(
    what: str, unit: str, ours: Contestant, rivals: dict[str, tuple[Contestant, float]], repeats: int
) -> Iterator[Measure]:
    """Time ours and all its rivals in turn; judge ours by each rival's bar."""
    calls = {"": ours.call, **{name: rival.call for name, (rival, _) in rivals.items()}}
    seconds = interleaved(calls, repeats)
    own = seconds[""] / ours.work
    for name, (rival, bar) in rivals.items():
        other = seconds[name] / rival.work
        ratio, paired = own.min() / other.min(), float(np.median(own / other))
        yield Measure(what, name, unit, own.min() * 1e6, other.min() * 1e6, ratio, paired, bar)


def iris(batch: int = 150, replicates: int | None = None) -> Task:
    """The article's data and layers."""
    X, y = load_iris(return_X_y=True)
    return Task(X.astype(np.float32), y, (6, 10, 8, 3), batch, replicates)


def random_digits(effort: Effort, batch: int) -> Task:
    """Random data with as many features and classes as handwritten digits have, and a wide network."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(effort.samples, 784)).astype(np.float32)
    return Task(X, rng.integers(0, 10, len(X)), (effort.hidden, effort.hidden, 10), batch)


def small_network(effort: Effort, missing: list[str]) -> Iterator[Measure]:
    """One full-batch step of a small network."""

    def contestant(make: Callable[[Task], Train]) -> Contestant:
        return Contestant(partial(make(iris()), effort.epochs), effort.epochs)

    rivals = {"scikit-learn MLPClassifier": (contestant(contestants.scikit_learn), 0.28)}
    if "pytorch" not in missing:
        rivals["PyTorch eager"] = (contestant(contestants.pytorch), 0.25)
    yield from compare("one step", "us per step", contestant(contestants.scratch), rivals, effort.repeats)


def optimizers(effort: Effort, missing: list[str]) -> Iterator[Measure]:
    """One full-batch step of a small network with another optimizer than plain SGD."""
    plain = Contestant(partial(contestants.scratch(iris()), effort.epochs), effort.epochs)
    for name, optimizer, bar in (
        ("momentum", SGD(LEARNING_RATE, "float32", 0.9), 1.05),
        ("Adam", Adam(LEARNING_RATE, "float32"), 1.2),
    ):
        ours = Contestant(partial(contestants.scratch(iris(), optimizer), effort.epochs), effort.epochs)
        yield from compare(f"one step, {name}", "us per step", ours, {"plain SGD": (plain, bar)}, effort.repeats)


def stack(effort: Effort, missing: list[str]) -> Iterator[Measure]:
    """A step of 64 small networks at once."""
    task, epochs = iris(replicates=64), max(1, effort.epochs // 10)
    ours = Contestant(partial(contestants.scratch(task), epochs), 64 * epochs)
    single = Contestant(partial(contestants.scratch(iris()), effort.epochs), effort.epochs)
    rivals = {"the single network": (single, 0.22)}
    if "jax_scan" not in missing:
        rivals["JAX jit + scan + vmap"] = (Contestant(partial(contestants.jax_scan(task), epochs), 64 * epochs), 0.41)
    yield from compare("stack of 64", "us per replicate and step", ours, rivals, effort.repeats)


def wide_network(effort: Effort, missing: list[str]) -> Iterator[Measure]:
    """A step of a network whose time is in its matrix products."""
    for batch, bar in ((128, 1.06), (1024, 1.12)):
        task = random_digits(effort, batch)

        def contestant(make: Callable[[Task], Train], task: Task = task) -> Contestant:
            return Contestant(partial(make(task), 1), len(task.y) / task.batch)

        rivals = {
            "its matrix products and update alone": (contestant(contestants.matrix_products), bar),
            "scikit-learn MLPClassifier": (contestant(contestants.scikit_learn), 1.0),
            "Keras fit": (contestant(contestants.keras_fit), 1.0),
        }
        if "pytorch" not in missing:
            rivals["PyTorch eager"] = (contestant(contestants.pytorch), 1.0)
        yield from compare(
            f"wide, batch {batch}", "us per step", contestant(contestants.scratch), rivals, effort.repeats
        )


def compiled_keras(effort: Effort, missing: list[str]) -> Iterator[Measure]:
    """The reference without `fit`'s overhead, and matched pairs with both sides without it."""
    few, many = effort.fit_epochs
    replicates = 5  # in a timed call of ours, which is short
    for batch, epochs, bar in ((32, few, 1 / 100), (150, many, 1 / 200)):
        task = iris(batch)
        ours = Contestant(partial(_repeat, replicates, contestants.keras_compiled(task), epochs), replicates)
        fit = Contestant(partial(contestants.keras_fit(task), epochs), 1)
        what = f"compiled Keras, {epochs} epochs of batch {batch}"
        (measure,) = compare(what, "us per replicate", ours, {"Keras fit on arrays": (fit, bar)}, effort.fit_repeats)
        yield measure
    pairs = interleaved({"": partial(matched_pairs, effort.pairs, many)}, 1)[""].min() * 1e6 / effort.pairs
    ratio = pairs / measure.theirs
    what = f"{effort.pairs} matched pairs, {many} epochs of batch 150"
    yield Measure(what, "as many Keras fits", "us per pair", pairs, measure.theirs, ratio, ratio, 1 / 150)


def _repeat(times: int, train: Train, epochs: int) -> None:
    for _ in range(times):
        train(epochs)


def matched_pairs(pairs: int, epochs: int) -> float:
    """Train both sides of so many pairs from the same weights; return the largest difference of loss."""
    from keras_ref import build_model, fit_compiled

    task = iris()
    stack = Network(LEARNING_RATE, 0, "glorot_uniform", "float32", pairs)
    for units in task.layers:
        stack.add(DenseLayer(units))
    stack.build(task.X.shape[1])
    starts = stack.get_weights()
    stack.train(task.X, task.y, epochs)
    model, orders = build_model(task.X.shape[1], task.layers, LEARNING_RATE), task.orders(epochs)
    largest = 0.0
    for pair, loss in enumerate(stack.loss):
        model.set_weights([array[pair] for array in starts])
        keras_loss = fit_compiled(model, task.X, task.y, epochs, None, orders).loss
        largest = max(largest, float(np.abs(loss - keras_loss).max()))
    return largest
