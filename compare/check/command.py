"""The `check` command: one network against Keras, from the shell, in a process of its own."""

import inspect
import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter

from compare.errors import InputError
from compare.progress import progress
from compare.provenance import command_line
from compare.summary import REPORT

Many = Parameter(consume_multiple=True, negative="")
Flag = Parameter(negative="")


def check(
    subject: str,
    *,
    data: str = "iris",
    index_column: bool = True,
    layers: Annotated[tuple[int, ...] | None, Many] = None,
    activations: Annotated[tuple[str, ...] | None, Many] = None,
    learning_rate: float | None = None,
    dtype: Literal["float64", "float32"] | None = None,
    labels: Literal["auto", "integer", "onehot"] = "auto",
    steps: int = 50,
    batch_size: int = 32,
    tolerance: float = 1.0,
    seed: int = 0,
    time_limit: float = 60.0,
    definitions_only: Annotated[bool, Flag] = False,
    as_json: Annotated[bool, Parameter(name="--json", negative="")] = False,
    quiet: Annotated[bool, Flag] = False,
    out: Path | None = Path("results"),
    record: bool = True,
) -> int:
    """Check whether your network trains exactly as Keras does; if not, say where and why.

    This runs the code in FILE.py, in a process of its own. Examples: `keras-parity check net.py:Network`,
    `keras-parity check net.py:make --data wine --layers 16 3 --activations tanh --json`.

    Parameters
    ----------
    subject
        FILE.py:NAME. NAME is an object with get_weights, set_weights and train_on_batch, a function
        step(weights, x, y, learning_rate), a factory of either, or an adapted one (compare.adapters).
    data
        iris, wine, breast_cancer, digits, or the path of a CSV file; used standardised and raw.
    index_column
        Whether a CSV file's first column is an index.
    layers
        Units of each layer, the last one the number of classes. Default: what the subject says, else 6 10 8 and the
        classes.
    activations
        Of the hidden layers: relu, sigmoid, tanh, linear, leaky_relu, or with a slope: "leaky_relu(0.01)".
    learning_rate
        Default: what the subject says, else 0.01.
    dtype
        Precision of the reference. Default: float64, which shows most, or a Keras model's own.
    labels
        How the subject wants labels.
    steps
        Steps of each ordinary training.
    batch_size
        Size of small batches; taken smaller if it leaves no ragged last batch.
    tolerance
        Multiplies the bound on rounding that each tensor is held to.
    seed
        Of weights and orders.
    time_limit
        Seconds that the subject may take for one situation.
    definitions_only
        Load the file's imports, functions, classes and constants only: for files that train when imported.
    as_json
        Print the report as JSON.
    quiet
        Print the verdict and the report's path alone.
    out
        Folder in which the run's folder is made.
    record
        Whether to write a run's folder.
    """
    from compare.check.loading import split_target

    path, name = split_target(subject)
    if not time_limit > 0:
        raise InputError(f"`time_limit` must be a positive number of seconds. Received: {time_limit}")
    from compare.check.isolation import Isolated
    from compare.check.parity_check import check_driver
    from compare.check.settings import Settings

    settings = Settings(layers, activations, learning_rate, dtype, labels, steps, batch_size, tolerance, seed)
    with Isolated(path, name, time_limit, definitions_only) as driver, progress(quiet) as stage:
        report = check_driver(driver, data, index_column, settings, stage)
    folder = None
    if record and out is not None:
        from compare.check.record import record_check

        options: dict[str, Any] = {"data": data, "index_column": index_column, **asdict(settings)}
        options |= {"time_limit": time_limit, "definitions_only": definitions_only}
        defaults = {each.name: each.default for each in inspect.signature(check).parameters.values()}
        command = command_line(("check", subject), options, defaults)
        folder = record_check(report, out, f"{path.name}:{name}", command)
    if as_json:
        print(json.dumps(report.to_json() | {"run": None if folder is None else str(folder)}, indent=2))
    else:
        print(report.headline if quiet else report)
        if folder is not None:
            print(f"Report: {folder / REPORT}")
    return 0 if report.passed else 1
