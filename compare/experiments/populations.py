"""The replicates of several procedures: trained in shards, wherever those run, and joined."""

from __future__ import annotations

from collections.abc import Callable, MutableMapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from compare.data.dataset import Dataset
from compare.errors import InputError
from compare.experiments.experiment import FEWEST, Experiment
from compare.experiments.replicates import Procedure, procedure_stream, replicate_table
from compare.recipe.protocol import MEASURES
from compare.work import engine
from compare.work.companion import Companion
from compare.work.place import Place

Trajectories = tuple[NDArray[np.floating], NDArray[np.floating]]  # loss and accuracy, (replicates, epochs)
SHARD = 50  # replicates: about a second of Keras


@dataclass(frozen=True)
class Population:
    """All replicates of some procedures.

    Attributes
    ----------
    runs : dict of Procedure to Trajectories
    trajectories : DataFrame
        side, initializer, protocol, dtype, replicate, epoch, loss, accuracy.
    failures : list of engine.Failure
        The shards whose replicates are missing.
    """

    runs: dict[Procedure, Trajectories]
    trajectories: pd.DataFrame
    failures: list[engine.Failure]


def begin(
    experiment: Experiment,
    dataset: Dataset,
    procedures: Sequence[Procedure],
    finished: MutableMapping[str, pd.DataFrame],
    beside: Companion,
) -> engine.Begun:
    """Let a companion begin with the replicates, before `train` is asked for them."""
    shards = [shard for parts in _shards(experiment, dataset, procedures).values() for shard in parts]
    return engine.begin(shards, finished, beside)


def train(
    experiment: Experiment,
    dataset: Dataset,
    procedures: Sequence[Procedure],
    advance: Callable[[int], None],
    finished: MutableMapping[str, pd.DataFrame],
    place: Place,
    begun: engine.Begun | None = None,
) -> Population:
    """Train `experiment.replicates` runs of every procedure.

    `begun` is what `begin` gave for the same arguments; the others are as for `run_unseeded`.

    Raises
    ------
    InputError
        If too few replicates of a procedure are left to compare, or the workers fail as a whole.
    """
    shards = _shards(experiment, dataset, procedures)
    failures = engine.run([shard for parts in shards.values() for shard in parts], finished, place, advance, begun)
    runs, tables = {}, []
    for procedure, parts in shards.items():
        joined = _join(procedure, [finished[shard.name] for shard in parts if shard.name in finished], failures)
        loss, accuracy = (joined[name].to_numpy().reshape(-1, procedure.protocol.epochs) for name in MEASURES)
        runs[procedure] = loss, accuracy
        tables.append(_labelled(joined, procedure, list(shards), experiment.dtypes[0]))
    return Population(runs, pd.concat(tables, ignore_index=True), failures)


def _shards(
    experiment: Experiment, dataset: Dataset, procedures: Sequence[Procedure]
) -> dict[Procedure, list[engine.Shard]]:
    architecture = experiment.architecture(dataset)
    return {
        procedure: engine.cut(
            "-".join((procedure.side, procedure.initializer, procedure.protocol.name)),
            replicate_table,
            (architecture, dataset, procedure, experiment.keras_fit),
            procedure_stream(experiment.seed, procedure),
            experiment.replicates,
            SHARD,
            heavy=procedure.side == "keras",
        )
        for procedure in procedures
    }


def _join(procedure: Procedure, tables: list[pd.DataFrame], failures: list[engine.Failure]) -> pd.DataFrame:
    """Join a procedure's shards, if they are enough to say anything."""
    left = sum(table["replicate"].nunique() for table in tables)
    if left < FEWEST:
        why = f"; the last error: {failures[-1].traceback.splitlines()[-1]}" if failures else "; ask for more"
        raise InputError(
            f"`replicates` must leave at least {FEWEST} of each procedure. Received: {left} of {procedure}{why}"
        )
    return pd.concat(tables, ignore_index=True)


def _labelled(table: pd.DataFrame, procedure: Procedure, every: list[Procedure], dtype: str) -> pd.DataFrame:
    """Add a procedure's labels, as categories: there may be a million replicates."""
    labels = {
        "side": (procedure.side, [each.side for each in every]),
        "initializer": (procedure.initializer, [each.initializer for each in every]),
        "protocol": (procedure.protocol.name, [each.protocol.name for each in every]),
        "dtype": (dtype, [dtype]),
    }
    columns = {
        name: pd.Categorical([value], sorted(set(values))).take(np.zeros(len(table), np.intp))
        for name, (value, values) in labels.items()
    }
    kinds: dict[str, type] = {"replicate": np.int32, "epoch": np.int32, **dict.fromkeys(MEASURES, np.float64)}
    return table.astype(kinds).assign(**columns)
