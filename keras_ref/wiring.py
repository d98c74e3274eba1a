"""How the layers of a model are wired: which call of a layer takes what, from the input to the output.

A layer's own number is its place in `layers_of`, from 1. A call is named by it, and where a layer is used several times
by its turn too: "2", or "2 at call 1".
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import keras


@dataclass(frozen=True)
class LayerCall:
    """One use of a layer: `takes` are the names of the tensors that go in, "X" or "A1"; `alone`: it has no other."""

    layer: Any
    number: int
    name: str
    takes: tuple[str, ...]
    node: Any
    alone: bool

    @property
    def makes(self) -> tuple[str, ...]:
        """The names of what comes out: of several tensors, a state beside the output say, "A1 (output 2)"."""
        count = len(self.node.outputs)
        return tuple(f"A{self.name}" + f" (output {n})" * (count > 1) for n in range(1, count + 1))


def layers_of(model: keras.Model) -> list[Any]:
    """Return a model's layers above its inputs, in order; a sum that is written `a + b` is one."""
    wired = graph_of(model)
    of = model.layers if wired is None else wired.operations
    return [layer for layer in of if not isinstance(layer, keras.layers.InputLayer)]


def graph_of(model: keras.Model) -> Any:
    """The graph of a functional or a built sequential model; None for another."""
    wired = getattr(model, "_functional", model)
    return wired if isinstance(wired, keras.Function) else None


def has_one_path(model: keras.Model) -> bool:
    """Whether a model is a graph of layers from one input to one output, which the last of them makes."""
    wired = graph_of(model)
    if wired is None or len(wired.inputs) != 1 or len(wired.outputs) != 1:
        return False
    calls = calls_of(model)
    return bool(calls) and calls[-1].layer is layers_of(model)[-1]


def calls_of(model: keras.Model) -> list[LayerCall]:
    """Return the uses of a model's layers, each after those that it takes something from."""
    wired, layers = graph_of(model), layers_of(model)
    ordered = sorted(wired._nodes_by_depth, reverse=True)
    nodes = [node for depth in ordered for node in wired._nodes_by_depth[depth] if not node.is_input]
    names = {id(tensor): "X" for tensor in wired.inputs}
    found: list[LayerCall] = []
    for node in nodes:
        layer = node.operation
        number = 1 + next(place for place, each in enumerate(layers) if each is layer)
        alone = sum(other.operation is layer for other in nodes) == 1
        turn = 1 + sum(call.layer is layer for call in found)
        name = str(number) if alone else f"{number} at call {turn}"
        takes = tuple(names[id(tensor)] for tensor in node.input_tensors)
        found.append(LayerCall(layer, number, name, takes, node, alone))
        names |= dict(zip(map(id, node.outputs), found[-1].makes, strict=True))
    return found


def takes_of(model: keras.Model) -> dict[str, tuple[str, ...]]:
    """Return, for what each use of a layer makes, what it takes: `A3` takes `A1` and `A2`; the output comes last."""
    return {f"A{call.name}": call.takes for call in calls_of(model)}


def masks_of(model: keras.Model, masks: Sequence[Any]) -> dict[str, Any]:
    """Return what dropout multiplies by at each call, from one for each: in order of layers, and of a layer's calls."""
    layers = keras.layers.Dropout
    calls = [call for call in calls_of(model) if isinstance(call.layer, layers) and call.layer.rate] if masks else []
    dropping = sorted(calls, key=lambda call: call.number)
    return {call.name: mask for call, mask in zip(dropping, masks, strict=True)}


def through(model: keras.Model, X: Any, make: Callable[..., Any]) -> Any:
    """Compute a model's output: `make` is given each use of a layer, and what Keras would call it with."""
    wired = graph_of(model)
    held = {id(wired.inputs[0]): X}
    for call in calls_of(model):
        args, kwargs = call.node.arguments.fill_in(held)
        made = keras.tree.flatten(make(call, *args, **kwargs))
        held |= {id(tensor): value for tensor, value in zip(call.node.outputs, made, strict=True)}
    return held[id(wired.outputs[0])]


def called(call: LayerCall, *args: Any, **kwargs: Any) -> Any:
    """What Keras makes of a layer in training."""
    training = {"training": True} if isinstance(call.layer, keras.layers.Layer) else {}
    return call.layer(*args, **kwargs | training)
