"""Says where a subject first departs from Keras: step, phase, layer, tensor, element, and by how much."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from compare.check.lockstep import Judged, Run
from compare.faults.mathematics import Array


@dataclass(frozen=True)
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
    layer: int | None
    tensor: str
    element: tuple[int, ...]
    value: float | None
    expected: float
    ratio: float | None
    cosine: float | None
    tolerances: float
    error: str | None = None

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return asdict(self)

    def __str__(self) -> str:
        place = "" if self.layer is None else f" of layer {self.layer}"
        nth = f"{self.situation}: step {self.step}" + (" (the second)" if self.step == 1 else "")
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


def first_divergence(run: Run, losses: bool = True) -> Divergence | None:
    """The first divergence of a run; without `losses`, the first in gradients and weights."""
    for index, judged in enumerate(run.steps):
        if judged.did.error is not None:
            loss = judged.loss
            return Divergence(
                run.situation.name, index, judged.step.n, "step", None, "", (), None, loss, None, None, np.inf,
                judged.did.error,
            )  # fmt: skip
        if losses and judged.wrong_loss:
            assert judged.did.loss is not None
            ratio = judged.did.loss / judged.loss if judged.loss else None
            return Divergence(
                run.situation.name, index, judged.step.n, "loss", None, "loss", (), judged.did.loss, judged.loss,
                ratio, float(np.sign(ratio)) if ratio is not None else None, judged.loss_ratio,
            )  # fmt: skip
        if judged.wrong_weights:
            return _in_weights(run, index, judged)
    return None


def _in_weights(run: Run, index: int, judged: Judged) -> Divergence:
    """The first wrong tensor in order of the backward pass: from the last layer down, dZ before dW before db."""
    wrong = [not ratio <= 1 for ratio in judged.ratios]
    clean_gradients = bool(judged.gradient_ratios) and max(judged.gradient_ratios) <= 1
    for layer in reversed(range(judged.step.depth)):
        kernel, bias = wrong[2 * layer], wrong[2 * layer + 1]
        if kernel or bias:
            break
    position = 2 * layer if kernel else 2 * layer + 1
    if clean_gradients:
        phase = "updated W" if kernel else "updated b"
    else:
        phase = "dZ" if kernel and bias else "dW" if kernel else "db"
    assert judged.did.after is not None
    assert judged.did.before is not None
    rate = judged.step.setting.learning_rate
    seen, right = judged.did.after[position], judged.after[position]
    with np.errstate(all="ignore"):
        off = np.where(np.isfinite(seen), np.abs(seen - right), np.inf)
        element = tuple(int(i) for i in np.unravel_index(int(np.argmax(off)), off.shape))
        if not clean_gradients:
            start = judged.step.weights[position]
            seen, right = (start - seen) / rate, (start - right) / rate
        ratio, cosine = ratio_and_cosine(seen, right)
    return Divergence(
        run.situation.name, index, judged.step.n, phase, layer, "kernel" if position % 2 == 0 else "bias", element,
        float(seen[element]), float(right[element]), ratio, cosine, judged.ratios[position],
    )  # fmt: skip


def ratio_and_cosine(a: Array, b: Array) -> tuple[float | None, float | None]:
    """The norm of a over that of b, and the cosine between them; None where undefined."""
    norms = float(np.linalg.norm(a)), float(np.linalg.norm(b))
    if not np.isfinite(norms).all() or norms[1] == 0:
        return None, None
    cosine = float(np.vdot(a, b) / (norms[0] * norms[1])) if norms[0] else None
    return norms[0] / norms[1], cosine
