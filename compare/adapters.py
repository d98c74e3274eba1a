"""Adapters: what scratch networks really look like, declared in a line or two instead of written out.

    subject = adapt(MyNetwork, numbered("params", "W", "b"), kernel="units_inputs", samples="columns")
    subject = adapt(make, each("layers", "weights", "bias"), labels="onehot", step=lambda net, x, y: net.fit(x, y, 1))

Anything else is a class of a few lines with `get_weights`, `set_weights` and `train_on_batch`.
"""

from collections.abc import Callable, Sequence
from typing import Any

from compare.check.subject.adapted import CHOICES, Adapted, Declaration, Step
from compare.check.subject.kinds import make
from compare.check.subject.places import Array, Tensors
from compare.check.subject.places import each as each
from compare.check.subject.places import lists as lists
from compare.check.subject.places import numbered as numbered
from compare.errors import InputError
from compare.recipe.architecture import dense
from compare.recipe.recipe import Recipe


def adapt(
    network: Any,
    parameters: Tensors,
    *,
    kernel: str = "inputs_units",
    bias: str = "own",
    labels: str = "integer",
    samples: str = "rows",
    step: Step | None = None,
    loss: Callable[[Any, Array, Array], float] | None = None,
    when: str = "before",
    train: Callable[..., Any] | str | None = None,
) -> Callable[..., Adapted]:
    """Turn a network of another shape into a subject.

    Parameters are written in place where that can be, so that whatever else holds the same arrays sees it.

    Parameters
    ----------
    network : class or factory
        Makes the network; takes layer sizes, learning rate and so on as any factory does.
    parameters : callable
        Where the network keeps them: `each`, `numbered`, `lists`, or a function from the network to a list of
        (dict or object, key of the kernel, key of the bias, or None where there is none).
    kernel : {"inputs_units", "units_inputs"}
        Orientation.
    bias : {"own", "flat", "row", "column"}
        The shape that the network's own biases have before anything is set; or (units,), (1, units) or (units, 1).
    labels : {"integer", "onehot"}
    samples : {"rows", "columns"}
        Of x, and of one-hot labels.
    step : callable or str, optional
        (network, x, y) -> the loss, or loss and accuracy, or the name of such a method of (x, y); by default its
        `train_on_batch`.
    loss : callable, optional
        (network, x, y) -> the loss, where `step` does not return it.
    when : {"before", "after"}
        Whether `loss` is asked for before the update, as Keras measures it, or after.
    train : callable or str, optional
        The network's own training of some epochs: (network, X, y, epochs) and, if it takes them, `batch_size`,
        `shuffle`, `verbose`, `batch_orders`, under these names; or the name of such a method, "fit" for instance.
        It is then checked too.

    Returns
    -------
    callable
        A factory of subjects, (layer_sizes, learning_rate, n_samples, batch_size, activations) -> an object with
        `get_weights`, `set_weights` and `train_on_batch`.

    Raises
    ------
    InputError
        If an argument is none of these.
    """
    given = {"kernel": kernel, "bias": bias, "labels": labels, "samples": samples, "when": when}
    for name, value in given.items():
        if value not in CHOICES[name]:
            raise InputError(f"`{name}` must be one of {', '.join(CHOICES[name])}. Received: {value!r}")
    if not callable(parameters):
        raise InputError(
            "`parameters` must say where the network keeps its parameters: each(...), numbered(...), lists(...), or a "
            f"function from the network to a list. Received: {parameters!r}"
        )
    for name, method in (("step", step), ("loss", loss), ("train", train)):
        if method is not None and not callable(method) and (name == "loss" or not isinstance(method, str)):
            what = "a function" if name == "loss" else "a function, or a method's name"
            raise InputError(f"`{name}` must be {what}. Received: {method!r}")
    declared = Declaration(network, parameters, given, step, loss, train)

    def factory(
        layer_sizes: Sequence[int],
        learning_rate: float,
        n_samples: int,
        batch_size: int,
        activations: Sequence[str],
    ) -> Adapted:
        recipe = Recipe(dense(layer_sizes, activations, learning_rate), n_samples, batch_size)
        return Adapted(make(network, recipe, "any"), layer_sizes[-1], declared)

    factory.network = network  # type: ignore[attr-defined]
    return factory
