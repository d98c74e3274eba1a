"""Adapters: what scratch networks really look like, declared in a line or two instead of written out.

    subject = adapt(MyNetwork, numbered("params", "W", "b"), kernel="units_inputs", samples="columns")
    subject = adapt(make, each("layers", "weights", "bias"), labels="onehot", step=lambda net, x, y: net.fit(x, y, 1))

    subject = adapt(Net, [tensor("conv.kernel", axes=(2, 3, 1, 0)), "conv.bias", tensor("out.W", axes=(1, 0)), "out.b"])

Anything else is a class of a few lines with `get_weights`, `set_weights` and `train_on_batch`.
"""

from collections.abc import Callable, Sequence
from typing import Any

from compare.check.subject.adapted import CHOICES, Adapted, Declaration, Step
from compare.check.subject.kinds import make
from compare.check.subject.places import Array, Tensors
from compare.check.subject.tensors import Joined, Tensor, whole
from compare.errors import InputError
from compare.recipe.architecture import dense
from compare.recipe.recipe import Recipe


def adapt(
    network: Any,
    parameters: Tensors | Sequence[Tensor | Joined | str],
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
    parameters : callable or list
        Where the network keeps them: of dense layers `each`, `numbered`, `lists`, or a function from the network to a
        list of (dict or object, key of the kernel, key of the bias, or None where there is none); of any layers a list
        of `tensor` and `joined` in Keras's order, where a str is `tensor(path)`.
    kernel : {"inputs_units", "units_inputs"}
        Orientation; in a list, `axes` says it of each tensor.
    bias : {"own", "flat", "row", "column"}
        The shape that the network's own biases have before anything is set; or (units,), (1, units) or (units, 1).
    labels : {"integer", "onehot"}
    samples : {"rows", "columns"}
        Of x, and of one-hot labels: samples are the first axis, or the last.
    step : callable or str, optional
        (network, x, y) -> the loss, or loss and accuracy, or the name of such a method of (x, y); by default its
        `train_on_batch`. A function of four parameters is given the learning rate as well.
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
        parameters = _listed(parameters, given)
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
        return of_recipe(Recipe(dense(layer_sizes, activations, learning_rate), n_samples, batch_size))

    def of_recipe(recipe: Recipe) -> Adapted:
        return Adapted(make(network, recipe, "any"), recipe.architecture, declared)

    factory.network, factory.of_recipe = network, of_recipe  # type: ignore[attr-defined]
    factory.takes_rate = declared.takes_rate  # type: ignore[attr-defined]
    return factory


def _listed(parameters: object, given: dict[str, str]) -> list[Tensor | Joined]:
    """Return tensors that are said one by one."""
    if not isinstance(parameters, list | tuple) or not all(isinstance(p, Tensor | Joined | str) for p in parameters):
        raise InputError(
            "`parameters` must say where the network keeps its parameters: each(...), numbered(...), lists(...), a "
            "function from the network to a list, or a list of tensor(...) and joined(...) in Keras's order. "
            f"Received: {parameters!r}"
        )
    for name, usual in (("kernel", "inputs_units"), ("bias", "own")):
        if given[name] != usual:
            raise InputError(
                f"`{name}` goes with each, numbered and lists: in a list, `tensor` takes `axes` and `shape`. "
                f"Received: {given[name]!r}"
            )
    return [each if isinstance(each, Joined) else whole(each) for each in parameters]
