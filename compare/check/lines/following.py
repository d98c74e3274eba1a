"""What follows from Keras's quantities in an operation or two: what code makes on the way from one to the next."""

import math
import re
from collections.abc import Iterator, Mapping

import numpy as np

from compare.mathematics.functions import Array

MANY = 6  # samples: of fewer, classes may be any small numbers
MOST = 1_000_000  # elements of the patches that a convolution looks at


def following(
    of: Mapping[str, Array], rate: float, takes: Mapping[str, tuple[str, ...]]
) -> Iterator[tuple[str, Array]]:
    """Yield what one or two operations make of the quantities: so much is said of a line that makes no more.

    `takes` is what each layer takes, by the name of what it makes; the output comes last.
    """
    with np.errstate(all="ignore"):
        for made, names in takes.items():
            call, name = made[1:], names[0]
            layer = call.split()[0]
            if f"Z{call}" in of:
                yield from _activated(of, call)
            yield from _updates(of, layer, rate)
            if len(names) > 1 or name not in of or made not in of:
                continue
            if f"{made} at time 1" in of:
                yield from _over_time(of, layer, of[name])
                yield from _of_gates(of, layer, rate)
            elif f"gamma{layer}" in of:
                yield from _normalised(of, layer, call, name)
            elif of[name].ndim == of[made].ndim > 2:
                yield from _convolved(of, layer, call, name) if f"W{layer}" in of else _pooled(of, call, of[name])
            elif f"W{layer}" in of and f"Z{call}" in of and of[name].ndim == of[f"W{layer}"].ndim == 2:
                yield from _dense(of, layer, call, name)
        yield from _in_one(of, rate)
        last = [*takes][-1][1:]
        yield from _softmax(of, last)
        yield from _errors(of, last)


def orders(of: Mapping[str, Array]) -> list[list[str]]:
    """The orders in which all weights may lie in one vector; none of one layer alone."""
    names = [name for name in of if re.fullmatch(r"[WbU]\d+", name)]
    kernels_first = sorted(names, key=lambda name: name[0] == "b")
    return [] if len(names) <= 2 else [names] if names == kernels_first else [names, kernels_first]


def _in_one(of: Mapping[str, Array], rate: float) -> Iterator[tuple[str, Array]]:
    """All weights in one vector, and their gradients, updates and new values."""
    for order in orders(of):
        for words, start in (("weights", ""), ("gradients", "d"), ("new weights", "new ")):
            whole = np.concatenate([of[f"{start}{name}"].ravel() for name in order])
            yield f"all {words}", whole
            if start == "d":
                yield "all updates", rate * whole


def _activated(of: Mapping[str, Array], call: str) -> Iterator[tuple[str, Array]]:
    """What activations and their slopes are computed by: a mask, and the steps of a sigmoid, which swish has too."""
    Z = of[f"Z{call}"]
    yield f"mask{call}", (Z > 0).astype(float)
    yield from _sloping(f"A{call}", of[f"A{call}"])
    power = np.exp(-Z)
    sigmoid = 1 / (1 + power)
    yield f"exp of -Z{call}", power
    yield f"1 + exp of -Z{call}", 1 + power
    yield f"sigmoid of Z{call}", sigmoid
    yield f"1 - sigmoid of Z{call}", 1 - sigmoid


def _sloping(name: str, A: Array) -> Iterator[tuple[str, Array]]:
    """What the slopes of a sigmoid and of a hyperbolic tangent are computed by, from what comes out of them."""
    if np.abs(A).max() < 1:
        yield f"({name}) ** 2", A**2
        yield f"1 - ({name}) ** 2", 1 - A**2
        if A.min() > 0:
            yield f"1 - {name}", 1 - A
            yield f"({name}) (1 - {name})", A * (1 - A)


def _updates(of: Mapping[str, Array], layer: str, rate: float) -> Iterator[tuple[str, Array]]:
    """What plain gradient descent takes from each tensor, and a kernel after it beside its bias."""
    for name in ("W", "b"):
        if f"d{name}{layer}" in of:
            yield f"update of {name}{layer}", rate * of[f"d{name}{layer}"]
    if f"new W{layer}" in of and f"new b{layer}" in of and of[f"new W{layer}"].ndim == 2:
        new, bias = of[f"new W{layer}"], of[f"new b{layer}"]
        if bias.ndim == 1:
            yield f"new W{layer} and new b{layer}", np.vstack([new, bias])
            yield f"new b{layer} and new W{layer}", np.vstack([bias, new])


def _dense(of: Mapping[str, Array], layer: str, call: str, name: str) -> Iterator[tuple[str, Array]]:
    """What a dense layer is computed by: kernels and biases in one array, and what each sample adds to a gradient."""
    below, W, b, dZ = of[name], of[f"W{layer}"], of.get(f"b{layer}"), of.get(f"dZ{call}")
    yield f"{name} W{layer}", below @ W
    if b is not None:
        yield f"W{layer} and b{layer}", np.vstack([W, b])
        yield f"b{layer} and W{layer}", np.vstack([b, W])
    if dZ is not None:
        yield f"dW{call} of each sample", below[:, :, None] * dZ[:, None, :]
        if call == layer:
            yield f"dW{layer} and db{layer}", np.vstack([of[f"dW{layer}"], dZ.sum(axis=0)])
            yield f"db{layer} and dW{layer}", np.vstack([dZ.sum(axis=0), of[f"dW{layer}"]])
        else:
            yield f"part of dW{call}", below.T @ dZ
            yield f"part of db{call}", dZ.sum(axis=0)
    ones = np.ones((len(below), 1))
    yield f"{name} and a one", np.hstack([below, ones])
    yield f"a one and {name}", np.hstack([ones, below])


def _errors(of: Mapping[str, Array], last: str) -> Iterator[tuple[str, Array]]:
    """How far the output is from the targets, where that is not the loss's gradient already, but for a factor."""
    A, dZ, Y = of.get(f"A{last}"), of.get(f"dZ{last}"), of["Y"]
    if A is None or A.shape != Y.shape:
        return
    error = A - Y
    yield f"(A{last} - Y) ** 2", error**2
    if dZ is None or not np.allclose(error, dZ * (error * dZ).sum() / (dZ**2).sum()):
        yield f"A{last} - Y", error


def _softmax(of: Mapping[str, Array], last: str) -> Iterator[tuple[str, Array]]:
    """The steps of a softmax, and of its cross-entropy."""
    Z, P, Y = of.get(f"Z{last}"), of.get(f"A{last}"), of["Y"]
    if Z is None or P is None or P.shape != Y.shape or Z.ndim != 2:
        return
    highest = Z.max(axis=1, keepdims=True)
    shifted = Z - highest
    yield f"max of Z{last}", highest
    yield f"Z{last} less its max", shifted
    for name, logits in ((f"Z{last} less its max", shifted), (f"Z{last}", Z)):
        total = np.exp(logits).sum(axis=1)
        yield f"exp of {name}", np.exp(logits)
        yield f"sum of exp of {name}", total
        yield f"log of the sum of exp of {name}", np.log(total)
        yield f"{name} of the true class", (logits * Y).sum(axis=1)
        # An engine that differentiates each operation makes these on the way back.
        yield f"derivative by the sum of exp of {name}", 1 / (len(Z) * total)
        yield f"derivative by exp of {name}", np.repeat(1 / (len(Z) * total)[:, None], Z.shape[1], axis=1)
    yield f"derivative by log A{last}", -Y / len(Z)
    yield "derivative by the log of the sum", np.full(len(Z), 1 / len(Z))
    yield f"part of dZ{last}", P / len(Z)
    yield from _classes(P.argmax(axis=1), Y.argmax(axis=1))
    true = (P * Y).sum(axis=1)
    yield "P of the true class", true
    yield "log P of the true class", np.log(true)
    yield "loss of each sample", -np.log(true)
    yield f"log A{last}", np.log(P)
    yield f"log A{last} of the true class", Y * np.log(P)
    yield "y", Y.argmax(axis=1).astype(float)


def _classes(predicted: Array, classes: Array) -> Iterator[tuple[str, Array]]:
    """What an accuracy is computed by, where it can be told from any ones and zeros."""
    told = {
        "the predicted class": predicted,
        "the class": classes,
        "whether the predicted class is right": predicted == classes,
    }
    if len(classes) >= MANY:
        yield from ((name, value) for name, value in told.items() if np.unique(value).size > 1)


def _over_time(of: Mapping[str, Array], layer: str, below: Array) -> Iterator[tuple[str, Array]]:
    """What a recurrent layer's gradients are made of: slopes, each time's part, and their sums from the last one on."""
    for name in [name for name in of if re.fullmatch(rf"A{layer}( \([a-z ]+\))? at time \d+", name)]:
        yield from _sloping(name, of[name])
    sums: dict[str, Array] = {}
    for time in range(below.shape[1], 0, -1):
        at = f"of layer {layer} at time {time}"
        state = of[f"A{layer} at time {time}"]
        x, h = below[:, time - 1], of[f"A{layer} at time {time - 1}"] if time > 1 else np.zeros_like(state)
        yield f"X {at}" if below is of["X"] else f"input {at}", x
        yield f"input and state {at}", np.hstack([x, h])
        yield f"state and input {at}", np.hstack([h, x])
        whole = of.get(f"dZ{layer} at time {time}", of.get(f"dZ{layer} (of the input) at time {time}"))
        if whole is None:
            continue
        for name, left, error in (
            ("dW", x, whole),
            ("dU", h, of.get(f"dZ{layer} (of the state) at time {time}", whole)),
            ("db", np.ones((len(x), 1)), whole),
        ):
            sums[name] = sums.get(name, 0) + (part := left.T @ error)
            yield f"part of {name} {at}", part
            yield f"{name} {at} and later", sums[name]
            if name != "db":
                yield f"part of {name} {at} of each sample", left[:, :, None] * error[:, None, :]
        U = of[f"U{layer}"]
        if U.shape[1] == whole.shape[1]:
            yield f"part of dA{layer} at time {time - 1}", whole @ U.T
        if f"dC{layer} at time {time}" in of:
            dC, f = of[f"dC{layer} at time {time}"], of[f"A{layer} (forget gate) at time {time}"]
            yield f"part of dC{layer} at time {time - 1}", dC * f
            slope = 1 - of[f"A{layer} (carry) at time {time}"] ** 2
            yield f"part of dC{layer} at time {time} from its output", of[f"dA{layer} (carry) at time {time}"] * slope


def _of_gates(of: Mapping[str, Array], layer: str, rate: float) -> Iterator[tuple[str, Array]]:
    """What belongs to each gate of a recurrent layer: its part of the weights, their gradients and updates."""
    gates = [
        found[1] for name in of if (found := re.fullmatch(rf"Z{layer} \(([a-z]+ gate|candidate)\) at time 1", name))
    ]
    for name in [name for name in of if gates and re.fullmatch(rf"(new )?d?[WUb]{layer}", name)]:
        for gate, part in zip(gates, np.split(of[name], len(gates), axis=-1), strict=True):
            yield f"{name} ({gate})", part
            if name.startswith("d"):
                yield f"update of {name[1:]} ({gate})", rate * part
    for start in ("", "d", "new "):
        W, U = of[f"{start}W{layer}"], of[f"{start}U{layer}"]
        parts = [("", W, U)]
        if gates:
            count = len(gates)
            blocks = zip(gates, np.split(W, count, axis=1), np.split(U, count, axis=1), strict=True)
            parts += [(f" ({gate})", w, u) for gate, w, u in blocks]
        for gate, w, u in parts:
            yield f"{start}W{layer} and {start}U{layer}{gate}", np.vstack([w, u])
            yield f"{start}U{layer} and {start}W{layer}{gate}", np.vstack([u, w])


def _normalised(of: Mapping[str, Array], layer: str, call: str, name: str) -> Iterator[tuple[str, Array]]:
    """The steps of a normalisation, over the batch or each sample's features, forward and backward."""
    below = of[name]
    axes = tuple(range(below.ndim - 1)) if f"moving_mean{layer}" in of else (-1,)
    gamma, beta, dA = of[f"gamma{layer}"], of[f"beta{layer}"], of.get(f"dA{call}")
    mean, variance = below.mean(axis=axes, keepdims=True), below.var(axis=axes, keepdims=True)
    hat = (of[f"A{call}"] - beta) / gamma  # whatever epsilon is
    centred = below - mean
    over = np.nanmedian(hat / centred, axis=axes, keepdims=True)
    yield f"mean of {name}", mean
    yield f"variance of {name}", variance
    yield f"variance of {name} and epsilon", over**-2
    yield f"deviation of {name}", 1 / over
    yield f"{name} less its mean", centred
    yield f"({name} less its mean) ** 2", centred**2
    yield f"{name} normalised", hat
    yield f"{name} normalised, times gamma{layer}", of[f"A{call}"] - beta
    yield f"1 / deviation of {name}", over
    if dA is not None:
        yield f"dgamma{layer} of each sample", dA * hat
        yield from _back_through_normalising(name, dA * gamma, hat, centred, over, axes)


def _back_through_normalising(
    name: str, error: Array, hat: Array, centred: Array, over: Array, axes: tuple[int, ...]
) -> Iterator[tuple[str, Array]]:
    """What is computed from the error behind it: step by step, or as one formula has it; `over` is 1 / deviation."""
    n = error.size / over.size
    total, along = (each.sum(axis=axes, keepdims=True) for each in (error, error * hat))
    by_over = (error * centred).sum(axis=axes, keepdims=True)
    by_variance = -by_over * over**3 / 2
    direct, through = error * over, 2 / n * centred * by_variance
    yield f"d of {name} normalised", error
    yield f"sum of d of {name} normalised", total
    yield f"sum of d of {name} normalised by it", along
    yield f"derivative by 1 / deviation of {name}", by_over
    yield f"derivative by deviation of {name}", -by_over * over**2
    yield f"derivative by variance of {name}", by_variance
    yield f"derivative by ({name} less its mean) ** 2", by_variance / n * np.ones_like(centred)
    yield f"derivative by {name} less its mean, directly", direct
    yield f"derivative by {name} less its mean, through its variance", through
    yield f"derivative by {name} less its mean", direct + through
    yield f"derivative by mean of {name}", -direct.sum(axis=axes, keepdims=True)
    yield f"{name} normalised times the sum of d of it by it", hat * along
    yield f"derivative by {name}, but for what goes through the variance", n * error - total
    yield f"derivative by {name}, but for what goes through the mean", n * error - hat * along
    yield f"derivative by {name}, times deviation", n * error - total - hat * along


def _convolved(of: Mapping[str, Array], layer: str, call: str, name: str) -> Iterator[tuple[str, Array]]:
    """What a convolution is computed by: the padded input, its patches, kernels as matrices, and their gradients."""
    below, W, Z = of[name], of[f"W{layer}"], of.get(f"Z{call}", of[f"A{call}"])
    places, sizes = below.ndim - 2, W.shape[:-2]
    if W.ndim != below.ndim or W.shape[-2] != below.shape[-1] or len(Z) * Z[0].size * math.prod(sizes) > MOST:
        return
    strides, pads = zip(*map(_moved, below.shape[1:-1], sizes, Z.shape[1:-1]), strict=True)
    padded = np.pad(below, [(0, 0), *pads, (0, 0)])
    if padded.size > below.size:
        yield f"{name} padded", padded
    windows = np.lib.stride_tricks.sliding_window_view(padded, sizes, axis=tuple(range(1, places + 1)))
    windows = windows[(slice(None), *(slice(None, None, stride) for stride in strides))]
    if windows.shape[: places + 1] != Z.shape[:-1]:
        return
    yield from _orders(f"patches of {name}", windows, places)
    for start in ("", "d", "new "):
        kernel = of.get(f"{start}W{layer}")
        if kernel is not None:
            yield f"{start}W{layer} as a matrix", np.moveaxis(kernel, -2, 0)
    dZ = of.get(f"dZ{call}")
    if dZ is not None:
        yield f"dZ{call} by filter", np.moveaxis(dZ, -1, 0)
        errors = np.moveaxis(np.tensordot(dZ, W, axes=(-1, -1)), -1, places + 1)
        yield from _orders(f"d of patches of {name}", errors, places)
        yield f"dW{call} of each sample", _each_kernel(windows, dZ, places)
        whole = np.zeros_like(padded)
        for offset in np.ndindex(*sizes):
            at = tuple(slice(o, o + s * n, s) for o, s, n in zip(offset, strides, Z.shape[1:-1], strict=True))
            whole[(slice(None), *at)] += errors[(..., *offset)]
        yield f"d{name} padded", whole


def _each_kernel(windows: Array, dZ: Array, places: int) -> Array:
    """A kernel's gradient of each sample, of shape (n, offsets, channels, filters)."""
    n, rows = len(dZ), math.prod(dZ.shape[1:-1])
    patches = np.moveaxis(windows, places + 1, -1).reshape(n, rows, -1)
    each = patches.transpose(0, 2, 1) @ dZ.reshape(n, rows, -1)
    return each.reshape(n, *windows.shape[places + 2 :], windows.shape[places + 1], dZ.shape[-1])


def _orders(name: str, windows: Array, places: int) -> Iterator[tuple[str, Array]]:
    """Patches of shape (n, places, channels, offsets), in the orders in which they are made rows or columns."""
    last = np.moveaxis(windows, places + 1, -1)
    yield name, last
    yield name, windows
    for order in (last, windows):
        yield name, np.moveaxis(order, range(places + 1), range(-places - 1, 0))
        yield name, np.moveaxis(order, range(1, places + 1), range(-places, 0))


def _moved(length: int, size: int, places: int) -> tuple[int, tuple[int, int]]:
    """The stride and the padding on both sides, by which a kernel of this size finds so many places."""
    for stride in range(1, length + 1):
        if (length - size) // stride + 1 == places:
            return stride, (0, 0)
        if math.ceil(length / stride) == places:
            more = max(0, (places - 1) * stride + size - length)
            return stride, (more // 2, more - more // 2)
    return 1, (0, 0)


def _pooled(of: Mapping[str, Array], call: str, below: Array) -> Iterator[tuple[str, Array]]:
    """What a pooling layer is computed by: its output and its errors, spread over the places they come from.

    An average's errors are divided among them.
    """
    A, dA = of[f"A{call}"], of.get(f"dA{call}")
    ratios = [length // places for length, places in zip(below.shape[1:-1], A.shape[1:-1], strict=True)]
    if max(ratios) < 2 or below.shape[-1] != A.shape[-1]:
        return
    places = tuple(range(1, below.ndim - 1))
    averaged = np.allclose(A.sum(axis=places) * math.prod(ratios), below.sum(axis=places))
    for name, value in ((f"A{call}", A), (f"dA{call}", dA)):
        if value is not None:
            value = value / math.prod(ratios) if averaged and name.startswith("d") else value
            for axis, ratio in enumerate(ratios, 1):
                value = value.repeat(ratio, axis=axis)
            yield f"{name} spread over its windows", value
