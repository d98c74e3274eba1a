"""What goes wrong in update rules beside any Keras model: options of an optimizer that are other than Keras's."""

from dataclasses import dataclass, field
from typing import Any

from compare.faults.fault import Fault
from compare.faults.variants import variant_of


@dataclass(frozen=True)
class OfUpdate:
    """A fault of an optimizer: options of `updated` that are other than Keras's."""

    fault: Fault
    options: dict[str, Any] = field(default_factory=dict)


def _update(name: str, words: str, fix: str, **options: Any) -> OfUpdate:
    return OfUpdate(variant_of(name, words, fix), options)


EPSILONS = (1e-8, 1e-7, 1e-6, 1e-5, 1e-10, 1e-12, 0.0)
_OUTSIDE = "Keras adds it under the root: sqrt(v + epsilon)"
_ADAM = (
    _update("bias correction missing", "the moments are not corrected", "divide by 1 - beta ** t", correction="none"),
    _update(
        "bias correction without powers", "the moments are divided by 1 - beta, in every step", "use beta ** t",
        correction="no powers",
    ),
    _update(
        "bias correction without the root", "the second moment's correction is taken without its root",
        "use sqrt(1 - beta_2 ** t)", correction="no root",
    ),
    _update("bias correction begins late", "the first step counts as the second", "begin with t = 1", offset=1),
    _update("bias correction begins early", "the first step counts as step 0", "begin with t = 1", offset=-1),
    _update("epsilon inside the root", "epsilon is added under the root", "use sqrt(v) + epsilon", epsilon_at="inside"),
    _update(
        "epsilon on the corrected root", "epsilon is added to the root of the corrected moment, as in the paper",
        "add it to sqrt(v) before the correction, as Keras does: epsilon hat", epsilon_at="corrected",
    ),
    _update("second moment of the first", "the second moment averages m ** 2", "average g ** 2", second_of="m"),
    _update("betas swapped", "beta_1 and beta_2 stand in each other's place", "swap them", swapped=True),
)  # fmt: skip
_MOMENTUM = (
    _update("momentum as a moving average", "the velocity is m v + (1 - m) g", "use m v - rate g", average=True),
    _update("momentum left out", "the update is the gradient alone", "keep a velocity", momentum=0.0),
    _update("Nesterov left out", "the step is the plain velocity", "look ahead, as nesterov=True does", nesterov=False),
    _update("Nesterov's step instead of momentum", "the step looks ahead", "use the plain velocity", nesterov=True),
    _update(
        "learning rate outside the velocity", "the velocity is m v + g, and the step -rate v, as PyTorch's",
        "use m v - rate g: they part where the rate changes", rate_outside=True,
    ),
    _update("Nesterov's step without the gradient", "the step is m v_new", "use m v_new - rate g", ahead="alone"),
    _update("Nesterov's step of the whole velocity", "the step is (1 + m) v_new", "use m v_new - rate g",
            ahead="whole"),
    _update("momentum of kernels alone", "biases have no velocity", "keep one for each tensor", plain_biases=True),
    _update(
        "Nesterov's old velocity with the wrong sign", "the old velocity is added where it should be taken away",
        "w += (1 + m) v_new - m v_old", old_sign=True,
    ),
)  # fmt: skip
_ROOT = (
    _update("epsilon outside the root", "epsilon is added to the root", _OUTSIDE, epsilon_at="outside"),
    _update("memory forgotten", "squares of earlier gradients are forgotten", "average them", memory=False),
)
UPDATES: dict[str, tuple[OfUpdate, ...]] = {
    "sgd": _MOMENTUM,
    "adam": _ADAM,
    "adamw": _ADAM,
    "rmsprop": (
        *_ROOT,
        _update("rho and 1 - rho swapped", "the past counts as 1 - rho", "use rho v + (1 - rho) g ** 2", swapped=True),
        _update("rho is 0.99", "the average forgets more slowly than Keras's", "use rho = 0.9", rho=0.99),
        _update("root left out", "it divides by v", "divide by sqrt(v + epsilon)", root=False),
    ),
    "adagrad": (
        *_ROOT,
        _update("accumulator starts at zero", "Keras's starts at 0.1", "start as Keras does", start=0.0),
        _update("accumulated after the step", "the gradient is added afterwards", "add it before", late=True),
        _update(
            "accumulator starts at zero, epsilon outside the root", "Keras's starts at 0.1, and epsilon is inside",
            "start as Keras does", start=0.0, epsilon_at="outside",
        ),
    ),
}  # fmt: skip
SCHEDULED = (
    _update("learning rate's schedule left out", "the learning rate stays what it was at first", "follow the schedule",
            rate_at="first"),
    _update("learning rate's schedule a step early", "the schedule is asked with t = 1 at first", "begin with step 0",
            rate_at="next"),
    _update("learning rate's schedule a step late", "the second step has the first one's learning rate",
            "ask the schedule with the number of steps made", rate_at="last"),
    _update("learning rate's schedule by whole steps of decay", "the learning rate falls in stairs",
            "let it fall with each step, or tell Keras staircase=True", rate_at="stairs"),
    _update("learning rate's schedule not by stairs", "the learning rate falls with each step",
            "let it fall in stairs: staircase=True", rate_at="slope"),
)  # fmt: skip
DECAYED = (
    _update("weight decay coupled to the gradient", "weight_decay * W is added to the gradient: an L2 penalty",
            "take rate * weight_decay * W from the weights themselves", decay_at="gradient"),
    _update("weight decay without the learning rate", "weight_decay * W is taken from the weights",
            "take rate * weight_decay * W", decay_at="weights"),
    _update("weight decay left out", "there is no weight decay", "take rate * weight_decay * W from the weights",
            decay_at="nowhere"),
    _update("weight decay of kernels alone", "biases do not decay", "let every tensor decay, as Keras does",
            decay_at="kernels"),
    _update("weight decay after the update", "the new weights decay", "let the old weights decay", decay_at="after"),
)  # fmt: skip
CLIPPED = (
    _update("gradient clipping left out", "gradients are not clipped", "clip as the model does", clip="none"),
    _update("gradients clipped all together", "one factor clips the gradients, by the norm of all", "clip each tensor",
            clip="global_clipnorm"),
    _update("gradients clipped one by one", "each tensor's gradient is clipped by its own norm",
            "clip by the norm of all", clip="clipnorm"),
    _update("gradients clipped by value", "each value is clipped", "clip by the norm", clip="clipvalue"),
)  # fmt: skip
# No option is other than Keras's: it is Keras that clips what comes of each index, before it adds up what is alike.
CLIPPED_WHOLE = _update(
    "gradients clipped once an embedding's rows are added up", "what comes of an index that occurs again is one row",
    "Keras clips before it adds up what comes of one index: the rule is right, and Keras's another",
)  # fmt: skip
