"""Every head, loss, optimizer and penalty that the scratch network has, in both dtypes, step by step beside Keras.

    python -m benchmarks.parity_matrix [--seeds 5] [--out benchmarks/results]

Each cell of the matrix is trained for some full-batch steps from weights and on data drawn anew for each seed, in two
ways. In lockstep, each step starts from Keras's weights. Running free, each side goes on from its own. Told is the
largest gap of a loss or a weight, in units of what is tolerated: in float64 1e-12 of the value's size, not below one;
in float32 the least of the tolerance theory for a step, and for a run what `judge_pairs` allows. Writes a table and a
figure, and ends with status 1 if a cell is beyond.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from compare.agreement import parity, tolerance
from compare.data.dataset import Dataset
from compare.experiments.judgement import judge_pairs
from compare.experiments.pair import Course, Pair
from compare.recipe.architecture import Architecture, Dense, Penalty
from compare.recipe.optimizer_words import optimizer
from compare.recipe.protocol import Protocol
from compare.recipe.streams import stream
from compare.sides.models import reused_model
from compare.sides.quiet_keras import choose_backend, load_keras
from compare.sides.sides import Weights, initial_weights, scratch_network

SAMPLES, FEATURES, STEPS = 40, 4, 12
WITHIN = 1e-12  # float64, of a value's size: rounding made 6e-15 of it at most, in 12 steps of 5 seeds

# Output, loss, outputs.
HEADS = (
    ("softmax", "categorical_crossentropy", 3),
    ("sigmoid", "binary_crossentropy", 1),
    ("sigmoid", "binary_crossentropy", 3),
    ("linear", "mean_squared_error", 1),
    ("linear", "mean_squared_error", 2),
    ("sigmoid", "mean_squared_error", 3),
)
OPTIMIZERS = (
    "sgd(learning_rate=0.1)",
    "sgd(learning_rate=0.05, momentum=0.9)",
    "sgd(learning_rate=0.05, momentum=0.9, nesterov=True)",
    "rmsprop(learning_rate=0.01)",
    "adagrad(learning_rate=0.1)",
    "adam(learning_rate=0.01)",
)
# Penalty, and whether layers have biases.
PENALTIES = (
    (Penalty(), True),
    (Penalty(l2=0.01), True),
    (Penalty(l1=0.003, l2=0.01), False),
)


@dataclass(frozen=True)
class Cell:
    """One combination."""

    head: tuple[str, str, int]
    optimizer: str
    penalty: tuple[Penalty, bool]
    dtype: str

    @property
    def architecture(self) -> Architecture:
        """What is trained."""
        output, loss, outputs = self.head
        penalty, use_bias = self.penalty
        units = (("tanh", 6), ("relu", 5), (output, outputs))
        layers = tuple(Dense(count, activation, use_bias) for activation, count in units)
        return Architecture((FEATURES,), layers, loss, optimizer(self.optimizer), penalty, self.dtype)

    @property
    def row(self) -> str:
        """The cell's row in the figure; its column is the optimizer."""
        output, loss, outputs = self.head
        penalty, use_bias = self.penalty
        told = [f"{name} {value:g}" for name, value in vars(penalty).items() if value]
        told += ["no bias"] * (not use_bias)
        return ", ".join([f"{output} x {outputs}, {loss.replace('_', ' ')}", *told, self.dtype])


def cells() -> list[Cell]:
    """Return the matrix."""
    return [
        Cell(head, words, penalty, dtype)
        for head, penalty, dtype, words in product(HEADS, PENALTIES, ("float64", "float32"), OPTIMIZERS)
    ]


def data(cell: Cell, seed: int) -> Dataset:
    """Draw features, and targets that go with the loss."""
    rng = np.random.default_rng([seed, 1])
    X = rng.normal(size=(SAMPLES, FEATURES))
    _, loss, outputs = cell.head
    y: NDArray[Any] = rng.normal(size=(SAMPLES, outputs))
    if loss == "categorical_crossentropy":
        y = rng.integers(0, outputs, SAMPLES)
    elif loss == "binary_crossentropy":
        y = rng.integers(0, 2, (SAMPLES, outputs))
    return Dataset("drawn", X, y, (), (), "")


def measure(cell: Cell, seed: int) -> dict[str, float]:
    """Return the largest gap in lockstep and running free, in units of what is tolerated."""
    dataset, architecture, reference = data(cell, seed), cell.architecture, load_keras()
    start = initial_weights(architecture, seed, "keras")
    model = reused_model(architecture)
    model.set_weights(start)
    steps = reference.steps_compiled(model, dataset.X, dataset.y, [np.arange(SAMPLES)] * STEPS)
    return {
        "lockstep": _lockstep(architecture, dataset, start, steps),
        "free": _free(architecture, dataset, start, steps, seed),
    }


def _lockstep(architecture: Architecture, dataset: Dataset, start: Weights, steps: Any) -> float:
    """Step from Keras's weights, each time."""
    network, before, worst = scratch_network(architecture), start, 0.0
    for step in range(STEPS):
        network.set_weights(before)
        loss, _ = network.train_on_batch(dataset.X, dataset.y)
        before = [tensor[step] for tensor in steps.weights]
        pairs = [(loss, steps.loss[step]), *zip(network.get_weights(), before, strict=True)]
        worst = max(worst, *(_excess(*pair, architecture.dtype) for pair in pairs))
    return worst


def _free(architecture: Architecture, dataset: Dataset, start: Weights, steps: Any, seed: int) -> float:
    """Go on from each side's own weights."""
    protocol = Protocol("matrix", STEPS, None)  # an epoch is a step
    course = Course(architecture, dataset, protocol, protocol.orders(stream(seed), SAMPLES), start)
    network = scratch_network(architecture)
    network.set_weights(start)
    network.train(*course.training)
    after = [tensor[-1] for tensor in steps.weights]
    if architecture.dtype == "float64":
        pairs = [(network.loss, steps.loss), *zip(network.get_weights(), after, strict=True)]
        return max(_excess(*pair, "float64") for pair in pairs)
    history = load_keras().History(steps.loss, steps.accuracy)
    (judged,) = judge_pairs([Pair(course, network, history, after, {})], [stream(seed, "floor")])
    return max(float(parity.excess(row["nearest"], row["tolerance"])) for row in judged.rows)


def _excess(ours: ArrayLike, theirs: ArrayLike, dtype: str) -> float:
    """The largest gap, in units of what is tolerated of a value of that size."""
    allowed = WITHIN * tolerance.size(theirs) if dtype == "float64" else tolerance.least(theirs, dtype)
    return float((parity.gap(ours, theirs) / allowed).max())


def measured(matrix: Sequence[Cell], seeds: Sequence[int]) -> pd.DataFrame:
    """Return one row for each cell, seed and way: row, optimizer, seed, way, ratio."""
    return pd.DataFrame(
        [
            {"row": cell.row, "optimizer": cell.optimizer, "seed": seed, "way": way, "ratio": ratio}
            for cell, seed in product(matrix, seeds)
            for way, ratio in measure(cell, seed).items()
        ]
    )


def draw(table: pd.DataFrame, path: Path) -> None:
    """Draw each cell's largest ratio, lockstep and free side by side."""
    import matplotlib.pyplot as plt
    from matplotlib.colors import LogNorm

    rows, columns = table["row"].unique(), table["optimizer"].unique()
    figure, axes = plt.subplots(1, 2, figsize=(15, 0.32 * len(rows) + 3), layout="constrained", sharey=True)
    for ax, (way, of) in zip(axes, table.groupby("way", sort=False), strict=True):
        worst = of.pivot_table(index="row", columns="optimizer", values="ratio", aggfunc="max").loc[rows, columns]
        image = ax.imshow(worst.clip(lower=1e-4), norm=LogNorm(1e-4, 1), cmap="viridis", aspect="auto")
        for (line, column), ratio in np.ndenumerate(worst.to_numpy()):
            ax.text(column, line, f"{ratio:.2g}", ha="center", va="center", fontsize=7, color="white")
        ax.set_title(f"{way}: largest gap / tolerated")
        ax.set_xticks(range(len(columns)), columns, rotation=30, ha="right")
    axes[0].set_yticks(range(len(rows)), rows)
    figure.colorbar(image, ax=axes, shrink=0.5)
    figure.savefig(path, dpi=80)
    plt.close(figure)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure the matrix, write parity_matrix.csv and parity_matrix.png, print the worst cells."""
    choose_backend()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results"))
    options = parser.parse_args(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    table = measured(cells(), range(options.seeds))
    worst = table.sort_values("ratio", ascending=False).groupby(["row", "optimizer", "way"], sort=False).head(1)
    worst.to_csv(options.out / "parity_matrix.csv", index=False, float_format="%.3g")
    draw(table, options.out / "parity_matrix.png")
    print(worst.head(5).to_string(index=False))
    beyond = worst[worst["ratio"] > 1]
    print(f"{len(worst)} cells and ways, {options.seeds} seeds each; worst ratio {worst['ratio'].max():.3g}; ", end="")
    print(f"{len(beyond)} beyond what is tolerated")
    return int(len(beyond) > 0)


if __name__ == "__main__":
    raise SystemExit(main())
