"""What a subject predicts with, by Keras's name or by scikit-learn's, and the forms in which it may tell it."""

from typing import Any, Literal

import numpy as np

from compare.check.subject.handle import Handle
from compare.check.subject.kinds import Array
from compare.check.subject.tasks import Predicted

METHODS: tuple[Literal["predict"], Literal["predict_proba"]] = ("predict", "predict_proba")


def offered(thing: Any) -> list[str]:
    """Return the methods that a subject has to predict with."""
    return [name for name in METHODS if callable(getattr(thing, name, None))]


def predicted(handle: Handle, x: Array) -> list[Predicted]:
    """Ask each of them, twice; what fails or has another form is noted, and left out."""
    found: list[Predicted] = []
    outputs = handle.recipe.architecture.shapes[-1]
    for name in METHODS:
        method = getattr(handle.thing, name, None)
        if not callable(method):
            continue
        before = handle.get_weights()
        try:
            given, again = (np.array(method(np.array(x))) for _ in range(2))
        except Exception as error:
            handle.note(f"`{name}` failed and was left out: {type(error).__name__}: {error}")
            continue
        values = _as_outputs(given, len(x), outputs)
        if values is None:
            what = f"{given.dtype} of shape {given.shape}, neither Keras's outputs, {(len(x), *outputs)}, nor classes"
            handle.note(f"`{name}` gives {what}, and was left out")
            continue
        repeats = given.shape == again.shape and np.allclose(given, again, rtol=1e-9, atol=0, equal_nan=True)
        keeps = all(np.array_equal(a, b, equal_nan=True) for a, b in zip(before, handle.get_weights(), strict=True))
        found.append(Predicted(name, values, bool(repeats), keeps))
    return found


def fits_outputs(values: Array, samples: int, outputs: tuple[int, ...]) -> bool:
    """Whether these are predictions: of the outputs' shape, or a class in place of several outputs."""
    several = outputs[-1] > 1
    classes = values.dtype.kind == "i" and several and values.shape == (samples, *outputs[:-1])
    return classes or (values.dtype.kind in "fi" and values.shape == (samples, *outputs))


def _as_outputs(given: Array, samples: int, outputs: tuple[int, ...]) -> Array | None:
    """Predictions as floats or integers of one of these shapes; None where they have no such form."""
    if given.dtype.kind not in "biuf":
        return None
    if outputs == (1,) and given.shape == (samples, 2) and given.dtype.kind == "f":
        given = given[:, 1:]  # of both classes, as scikit-learn has it
    if given.shape == (samples, *outputs[:-1]) and outputs[-1] == 1:
        given = given[..., np.newaxis]
    whole = given.shape == (samples, *outputs[:-1]) and bool((given == np.round(given)).all())
    values: Array = given.astype(np.int64 if whole or given.dtype.kind in "biu" else np.float64)
    signs = outputs[-1] == 1 and values.dtype.kind == "i" and not np.isin(values, (0, 1)).all()
    return values if fits_outputs(values, samples, outputs) and not signs else None
