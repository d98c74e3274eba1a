"""What a check is asked for, and the plan that it makes of that and of what the subject says about itself."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from compare.check.introduction import Driver
from compare.check.probes import ragged_size
from compare.check.subjects import Plan
from compare.data import Dataset
from compare.errors import InputError
from compare.faults.mathematics import FUNCTIONS, slope_of

HIDDEN = (6, 10, 8)


@dataclass(frozen=True)
class Settings:
    """How to check, as in `check_parity`.

    Raises
    ------
    InputError
        If one is out of range.
    """

    layers: Sequence[int] | None = None
    activations: Sequence[str] | None = None
    learning_rate: float | None = None
    dtype: str | None = None
    labels: str = "auto"
    steps: int = 50
    batch_size: int = 32
    tolerance: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        layers, activations, dtype, labels = self.layers, self.activations, self.dtype, self.labels
        if layers is not None and (not layers or any(not isinstance(u, int | np.integer) or u < 1 for u in layers)):
            raise InputError(f"`layers` must be positive integers, the output's last. Received: {layers}")
        for name in activations or ():
            try:
                known = name in FUNCTIONS or slope_of(name) is not None
            except ValueError:
                known = False
            if not known:
                raise InputError(
                    f"`activations` must be of {', '.join(FUNCTIONS)} or leaky_relu(slope). Received: {name!r}"
                )
        if layers is not None and activations is not None and len(activations) != len(layers) - 1:
            raise InputError(f"`activations` must name {len(layers) - 1} hidden layers. Received: {len(activations)}")
        for name, value in (("learning_rate", self.learning_rate), ("tolerance", self.tolerance)):
            if value is not None and not (np.isfinite(value) and value > 0):
                raise InputError(f"`{name}` must be a positive number. Received: {value}")
        if dtype not in (None, "float64", "float32"):
            raise InputError(f"`dtype` must be float64 or float32. Received: {dtype!r}")
        if labels not in ("auto", "integer", "onehot"):
            raise InputError(f"`labels` must be auto, integer or onehot. Received: {labels!r}")
        for name, count, least in (("steps", self.steps, 2), ("batch_size", self.batch_size, 2)):
            if isinstance(count, bool) or not isinstance(count, int | np.integer) or count < least:
                raise InputError(f"`{name}` must be an integer of at least {least}. Received: {count}")


def plan(driver: Driver, data: Dataset, settings: Settings) -> tuple[Plan, str, list[str]]:
    """Return what was given, else what the subject says, else the default: plan, dtype, and what was read off."""
    layers, activations, learning_rate = settings.layers, settings.activations, settings.learning_rate
    sizes = (data.n_features, *(layers or (*HIDDEN, data.n_classes)))
    if sizes[-1] < data.n_classes:
        raise InputError(f"`layers` must end in at least {data.n_classes}, the classes of `data`. Received: {layers}")
    hidden = tuple(activations or ["relu"] * (len(sizes) - 2))
    batch = ragged_size(data.n, settings.batch_size)
    said = driver.describe(Plan(sizes, learning_rate or 0.01, data.n, batch, hidden, settings.labels))
    told = []
    if layers is None and "layer_sizes" in said and tuple(said["layer_sizes"]) != sizes:
        sizes = tuple(said["layer_sizes"])
        if sizes[0] != data.n_features or sizes[-1] < data.n_classes:
            raise InputError(
                f"`data` must fit the subject, which has {sizes[0]} inputs and {sizes[-1]} outputs. "
                f"Received: {data.n_features} features, {data.n_classes} classes"
            )
        told.append(f"layer sizes {'-'.join(map(str, sizes))} read off its weights")
    if activations is None:
        hidden = tuple(said.get("activations", ["relu"] * (len(sizes) - 2)))
        if "activations" in said:
            told.append(f"activations read off: {', '.join(hidden)}")
    if len(hidden) != len(sizes) - 2:
        raise InputError(f"`activations` must name {len(sizes) - 2} hidden layers. Received: {len(hidden)}")
    rate = learning_rate
    if rate is None:
        rate = said.get("learning_rate", 0.01)
        if "learning_rate" in said:
            told.append(f"learning rate {rate:g} read off")
    own_labels = said.get("labels", "auto") if settings.labels == "auto" else settings.labels
    return (
        Plan(sizes, float(rate), data.n, batch, hidden, own_labels),
        settings.dtype or said.get("dtype", "float64"),
        told,
    )
