"""The unseeded experiment: whether two sides are alike whose runs each draw weights and orders of their own."""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from compare import engine, randomness
from compare.comparison import Comparison, compare_runs
from compare.config import Experiment, Protocol
from compare.data import Dataset
from compare.errors import InputError
from compare.matched import scratch_network
from compare.reference import load_keras

if TYPE_CHECKING:
    import keras

Array = NDArray[np.floating]
MEASURES = ("loss", "accuracy")
SHARD = 50  # replicates: about a second of Keras
FEWEST = 2  # replicates that can be compared


@dataclass(frozen=True)
class Procedure:
    """A way to train: who, from which initial weights, over which batches.

    Attributes
    ----------
    side : {"scratch", "keras"}
    initializer : str
    protocol : Protocol
    """

    side: str
    initializer: str
    protocol: Protocol

    def __str__(self) -> str:
        return f"{self.side}, {self.initializer}, {self.protocol}"


@dataclass(frozen=True)
class Setting:
    """Two procedures to compare.

    Attributes
    ----------
    name : str
    scratch, keras : Procedure
    """

    name: str
    scratch: Procedure
    keras: Procedure


@dataclass(frozen=True)
class Unseeded:
    """What the unseeded experiment found.

    Attributes
    ----------
    settings : tuple of Setting
    trajectories : DataFrame
        side, initializer, protocol, dtype, replicate, epoch, loss, accuracy.
    comparisons : dict of str to Comparison
        By the setting's name.
    failures : list of engine.Failure
        The shards whose replicates are missing.
    """

    settings: tuple[Setting, ...]
    trajectories: pd.DataFrame
    comparisons: dict[str, Comparison]
    failures: list[engine.Failure]

    def tests(self) -> pd.DataFrame:
        """Return one row a test: setting, outcome, verdict, and the figures of `Equivalence`.

        The rows "all" hold each setting's verdict; tests of whole curves have a p-value alone.
        """
        return pd.DataFrame([row for name, each in self.comparisons.items() for row in _tests(name, each)])


def _tests(setting: str, comparison: Comparison) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = [
        {"outcome": "all", "verdict": comparison.verdict, "replicates_80": comparison.replicates_80}
    ]
    rows += [{"outcome": name, **asdict(scalar)} for name, scalar in comparison.scalars.items()]
    rows += [
        {
            "outcome": name,
            "p_different": p,
            "verdict": "different" if name in comparison.differing else "not shown",
        }
        for name, p in comparison.adjusted.items()
        if name not in comparison.scalars
    ]
    for row in rows:
        row.pop("excluded", None)
        row["p_adjusted"] = comparison.adjusted.get(str(row["outcome"]))
    diverged = dict(zip(("diverged_scratch", "diverged_keras"), comparison.divergence.diverged, strict=True))
    return [{"setting": setting, **row, **diverged} for row in rows]


def settings(experiment: Experiment) -> tuple[Setting, ...]:
    """Return what is compared: as published, unless one protocol is chosen; like for like from each initializer."""
    published = Setting(
        "as published",
        Procedure("scratch", "uniform", experiment.adapted("article")),
        Procedure("keras", "glorot_uniform", experiment.adapted("keras")),
    )
    common = experiment.adapted(experiment.protocol or "keras")
    alike = tuple(
        Setting(
            f"like for like, {initializer}",
            Procedure("scratch", initializer, common),
            Procedure("keras", initializer, common),
        )
        for initializer in ("glorot_uniform", "uniform")
    )
    return alike if experiment.protocol else (published, *alike)


def procedures(experiment: Experiment) -> list[Procedure]:
    """Return every procedure of the settings once: like for like shares Keras's published runs."""
    return list(dict.fromkeys(p for setting in settings(experiment) for p in (setting.scratch, setting.keras)))


def run_unseeded(
    experiment: Experiment,
    dataset: Dataset,
    advance: Callable[[int], None] = lambda replicates: None,
    finished: MutableMapping[str, pd.DataFrame] | None = None,
    place: engine.Place = engine.HERE,
) -> Unseeded:
    """Train `experiment.replicates` runs of every procedure and compare the sides.

    Parameters
    ----------
    experiment : Experiment
    dataset : Dataset
    advance : callable
        Called with the number of replicates just finished.
    finished : mutable mapping of str to DataFrame, optional
        Where finished shards are kept, and from where an interrupted run goes on.
    place : engine.Place
        Where replicates run.

    Returns
    -------
    Unseeded

    Raises
    ------
    InputError
        If too few replicates of a procedure are left to compare, or the workers fail as a whole.
    """
    finished = {} if finished is None else finished
    shards = {
        procedure: engine.cut(
            "-".join((procedure.side, procedure.initializer, procedure.protocol.name)),
            replicate_table,
            (experiment, dataset, procedure),
            procedure_stream(experiment.seed, procedure),
            experiment.replicates,
            SHARD,
        )
        for procedure in procedures(experiment)
    }
    failures = engine.run([shard for parts in shards.values() for shard in parts], finished, place, advance)
    runs, tables = {}, []
    for procedure, parts in shards.items():
        joined = _join(procedure, [finished[shard.name] for shard in parts if shard.name in finished], failures)
        loss, accuracy = (joined[name].to_numpy().reshape(-1, procedure.protocol.epochs) for name in MEASURES)
        runs[procedure] = loss, accuracy
        tables.append(
            joined.astype(dict.fromkeys(MEASURES, np.float64)).assign(
                side=procedure.side,
                initializer=procedure.initializer,
                protocol=procedure.protocol.name,
                dtype=unseeded_dtype(experiment),
            )
        )
    rng = np.random.default_rng(randomness.stream(experiment.seed, "permutation test"))
    compared = settings(experiment)
    comparisons = {each.name: compare_runs(*runs[each.scratch], *runs[each.keras], rng=rng) for each in compared}
    return Unseeded(compared, pd.concat(tables, ignore_index=True), comparisons, failures)


def _join(procedure: Procedure, tables: list[pd.DataFrame], failures: list[engine.Failure]) -> pd.DataFrame:
    """Join a procedure's shards, if they are enough to say anything."""
    left = sum(table["replicate"].nunique() for table in tables)
    if left < FEWEST:
        why = f"; the last error: {failures[-1].traceback.splitlines()[-1]}" if failures else "; ask for more"
        raise InputError(
            f"`replicates` must leave at least {FEWEST} of each procedure. Received: {left} of {procedure}{why}"
        )
    return pd.concat(tables, ignore_index=True)


def unseeded_dtype(experiment: Experiment) -> str:
    """What Keras users run, unless the experiment is about float64 alone."""
    return experiment.dtypes[0]


def procedure_stream(seed: int, procedure: Procedure) -> np.random.SeedSequence:
    """Return where a procedure's replicates draw from; each side has its own."""
    return randomness.stream(seed, "unseeded", procedure.side, procedure.initializer, procedure.protocol.name)


def replicate_table(
    experiment: Experiment, dataset: Dataset, procedure: Procedure, seeds: list[np.random.SeedSequence]
) -> pd.DataFrame:
    """Train one replicate for each seed, as a table: replicate, epoch, loss and accuracy in the run's own dtype."""
    load_keras()  # by a worker's first shard, whatever it is: joblib restarts workers that grow much after that
    measured = run_replicates(experiment, dataset, procedure, seeds)
    replicate, epoch = np.indices(measured[0].shape).reshape(2, -1)
    columns = {name: values.ravel() for name, values in zip(MEASURES, measured, strict=True)}
    return pd.DataFrame({"replicate": replicate, "epoch": epoch, **columns})


def run_replicates(
    experiment: Experiment, dataset: Dataset, procedure: Procedure, seeds: list[np.random.SeedSequence]
) -> tuple[Array, Array]:
    """Train one replicate for each seed; a replicate's numbers depend on its seed alone.

    Returns
    -------
    loss, accuracy : ndarray of shape (replicates, epochs)
    """
    units, dtype, protocol = experiment.units(dataset), unseeded_dtype(experiment), procedure.protocol
    if procedure.side == "scratch":
        stack = scratch_network(
            units,
            experiment.learning_rate,
            dtype,
            seed=seeds,
            initializer=procedure.initializer,
            replicates=len(seeds),
        )
        stack.train(dataset.X, dataset.y, protocol.epochs, protocol.batch_size)
        return stack.loss, stack.accuracy
    return _keras_replicates(experiment, dataset, procedure, seeds)


def reused_model(n_features: int, units: tuple[int, ...], learning_rate: float, dtype: str) -> keras.Sequential:
    """Return this process's one model of that shape: the graph traced for it serves any weights and learning rate."""
    model = _model(n_features, units, dtype)
    model.optimizer.learning_rate = learning_rate
    return model


@lru_cache(maxsize=8)
def _model(n_features: int, units: tuple[int, ...], dtype: str) -> keras.Sequential:
    load_keras()
    from keras_ref import build_model

    return build_model(n_features, units, dtype=dtype)


def _keras_replicates(
    experiment: Experiment, dataset: Dataset, procedure: Procedure, seeds: list[np.random.SeedSequence]
) -> tuple[Array, Array]:
    units, dtype, protocol = experiment.units(dataset), unseeded_dtype(experiment), procedure.protocol
    model = reused_model(dataset.n_features, units, experiment.learning_rate, dtype)
    from keras_ref import draw_weights, fit, fit_compiled

    train = fit if experiment.keras_fit else fit_compiled
    histories = []
    for seed in seeds:
        weight_seed, order_seed = seed.spawn(2)
        integer = randomness.integer_seeds(weight_seed, 1)[0]
        model.set_weights(draw_weights(dataset.n_features, units, integer, procedure.initializer, dtype))
        if protocol.batch_size is None:
            orders = randomness.in_order(protocol.epochs, dataset.n)
        else:
            orders = randomness.batch_orders(order_seed, protocol.epochs, dataset.n)
        histories.append(train(model, dataset.X, dataset.y, protocol.epochs, protocol.batch_size, orders))
    loss, accuracy = (np.stack(series) for series in zip(*histories, strict=True))
    return loss, accuracy
