"""Says where a subject first departs from Keras: step, phase, layer, tensor, element, and by how much."""

from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import numpy as np

from compare.check.steps.lockstep import Driven, Judged
from compare.mathematics.functions import Array
from compare.recipe.architecture import SYMBOLS, Role


@dataclass(frozen=True, kw_only=True)
class Divergence:
    """The first thing out of tolerance in one situation, in order of computation.

    `tensor` is "loss", "kernel" or "bias"; layers count from 0, the first above the inputs. `value` and
    `expected` are the element's, of gradients for the phases dZ, dW and db; `ratio` is that of the norms,
    `cosine` of the angle. `tolerances` is the deviation in units of the tolerance.
    """

    situation: str
    step: int
    samples: int
    phase: str
    expected: float
    tolerances: float
    layer: int | None = None
    tensor: str = ""
    element: tuple[int, ...] = ()
    value: float | None = None
    ratio: float | None = None
    cosine: float | None = None
    error: str | None = None

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return asdict(self)

    def __str__(self) -> str:
        place = "" if self.layer is None else f" of layer {self.layer + 1}"
        nth = f"{self.situation}: step {self.step + 1}"
        if self.error is not None:
            return f"{nth}, with {self.samples} samples: {self.error}"
        element = f"[{', '.join(map(str, self.element))}]" if self.element else ""
        what = {"dW": "kernel gradient", "db": "bias gradient", "dZ": f"shown by its {self.tensor} gradient"}
        told = what.get(self.phase, self.tensor if self.phase.startswith("updated") else "")
        parts = [f"{nth}, {self.phase}{place}{f' ({told})' if told else ''}{element}: {_number(self.value)}"]
        parts.append(f"Keras {_number(self.expected)}")
        if self.ratio is not None and self.cosine is not None and np.isfinite((self.ratio, self.cosine)).all():
            parts.append(f"ratio {self.ratio:.4g}, cosine {self.cosine:.4g}")
        if np.isfinite(self.tolerances):
            parts.append(f"{self.tolerances:.2g} tolerances")
        return "; ".join(parts)


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:.12g}"


def first_divergence(run: Driven, losses: bool = True) -> Divergence | None:
    """The first divergence of a situation; without `losses`, the first in gradients and weights."""
    for index, judged in enumerate(run.steps):
        diverged = partial(Divergence, situation=run.situation.name, step=index, samples=judged.step.n)
        if judged.did.error is not None:
            return diverged(phase="step", expected=judged.loss, tolerances=np.inf, error=judged.did.error)
        if losses and judged.wrong_loss:
            assert judged.did.loss is not None
            ratio = judged.did.loss / judged.loss if judged.loss else None
            return diverged(
                phase="loss",
                tensor="loss",
                value=judged.did.loss,
                expected=judged.loss,
                ratio=ratio,
                cosine=float(np.sign(ratio)) if ratio is not None else None,
                tolerances=judged.loss_ratio,
            )
        if judged.wrong_weights:
            return diverged(**_in_weights(judged))
    return None


def _in_weights(judged: Judged) -> dict[str, Any]:
    """The first wrong tensor in order of the backward pass: from the last layer down, dZ before dW before db."""
    tensors = judged.step.architecture.weights
    wrong = [place for place, ratio in enumerate(judged.ratios) if not ratio <= 1]
    layer = max(tensors[place].layer for place in wrong)
    here = {tensors[place].role: place for place in wrong if tensors[place].layer == layer}
    role: Role = next((role for role in ("kernel", "bias") if role in here), next(iter(here)))
    position, symbol = here[role], SYMBOLS[role]
    # Of other updates than plain descent, new weights tell no gradient.
    optimizer = judged.step.architecture.optimizer
    inferred = optimizer.name == "sgd" and not optimizer.arguments and role != "state"
    clean_gradients = not inferred or (bool(judged.gradient_ratios) and max(judged.gradient_ratios) <= 1)
    phase = f"updated {symbol}" if clean_gradients else "dZ" if {"kernel", "bias"} <= here.keys() else f"d{symbol}"
    assert judged.did.after is not None
    rate = judged.step.learning_rate
    seen, right = judged.did.after[position], judged.after[position]
    with np.errstate(all="ignore"):
        off = np.where(np.isfinite(seen), np.abs(seen - right), np.inf)
        element = tuple(int(i) for i in np.unravel_index(int(np.argmax(off)), off.shape))
        if not clean_gradients:
            start = judged.step.weights[position]
            seen, right = (start - seen) / rate, (start - right) / rate
        ratio, cosine = ratio_and_cosine(seen, right)
    return {
        "phase": phase,
        "layer": layer,
        "tensor": role,
        "element": element,
        "value": float(seen[element]),
        "expected": float(right[element]),
        "ratio": ratio,
        "cosine": cosine,
        "tolerances": judged.ratios[position],
    }


def ratio_and_cosine(a: Array, b: Array) -> tuple[float | None, float | None]:
    """The norm of a over that of b, and the cosine between them; None where undefined."""
    norms = float(np.linalg.norm(a)), float(np.linalg.norm(b))
    if not np.isfinite(norms).all() or norms[1] == 0:
        return None, None
    cosine = float(np.vdot(a, b) / (norms[0] * norms[1])) if norms[0] else None
    return norms[0] / norms[1], cosine
