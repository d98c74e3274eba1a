"""What goes wrong in layers and losses beside any Keras model, recurrent layers apart. The likeliest first of each."""

from collections.abc import Callable
from itertools import permutations
from typing import Any

from compare.faults.structure import Fits, OfModel, is_a, kind_of, of


def _named(layer: Any) -> str:
    """The activation that a layer ends with, in Keras's word; "" if it has none, or is a recurrent one."""
    if kind_of(layer) in ("ReLU", "LeakyReLU"):
        return kind_of(layer).lower()
    own = None if hasattr(layer, "cell") else getattr(layer, "activation", None)
    return getattr(own, "__name__", "")


def _curved(layer: Any, last: bool) -> bool:
    return _named(layer) not in ("", "linear")


def _bent(layer: Any, last: bool) -> bool:
    """Whether an activation has other slopes than 0 and 1."""
    return _named(layer) not in ("", "linear", "relu", "relu6")


def _any(layer: Any, last: bool) -> bool:
    return True


def _ends_with(*names: str) -> Fits:
    return lambda layer, last: _named(layer) in names


def _hidden(*but: str) -> Fits:
    return lambda layer, last: not last and _named(layer) not in ("", *but)


_ACTIVATIONS = (
    *of(_curved, "activation", [
        ("activation derivative missing", "the error goes through the activation of {0:layer} as it comes",
         "multiply it by the activation's derivative", {"derivative": "missing"}),
    ]),
    *of(_ends_with("tanh", "sigmoid", "elu", "selu", "softplus", "silu", "gelu", "exponential"), "activation", [
        ("activation derivative at the output",
         "the derivative of the activation of {0:layer} is taken at what comes out of it",
         "take it at what goes in, or use the formula for what comes out", {"derivative": "of the output"}),
    ]),
    *of(_ends_with("tanh", "sigmoid"), "activation", [
        ("activation derivative of the input",
         "the derivative of the activation of {0:layer} is the formula for what comes out, with what goes in",
         "put what comes out into 1 - A ** 2, or A * (1 - A)", {"derivative": "formula of the input"}),
    ]),
    *of(_bent, "activation", [
        ("activation derivative twice", "the error is multiplied by the derivative of {0:layer} twice",
         "multiply it once: the error P - Y has the output's derivative in it already", {"derivative": "twice"}),
    ]),
    *of(_ends_with("softmax"), "activation", [
        ("softmax derivative of each output alone", "the derivative of the softmax of {0:layer} is P * (1 - P) alone",
         "use the whole Jacobian: P * (dP - sum(dP * P))", {"derivative": "elementwise"}),
    ]),
)  # fmt: skip


def _instead(fits: Callable[..., Fits], *names: str) -> tuple[OfModel, ...]:
    found: list[OfModel] = []
    for name in names:
        row = (f"{name} in place of the activation", f"{{0:layer}} has {name} for its activation", "use the model's",
               {"function": name})  # fmt: skip
        found += of(fits(name), "activation", [row])
    return tuple(found)


_OTHER_ACTIVATIONS = (
    *_instead(_hidden, "relu", "tanh", "sigmoid", "linear"),
    *of(_hidden(), "activation", [
        ("leaky slope", "{0:layer} has a leaky ReLU whose slope is {1}", "use the model's activation, and its slope",
         {"function": "leaky_relu"}, "slope", (0.01, 0.1, 0.2, 0.3)),
        ("ELU in place of the activation", "{0:layer} has an ELU whose alpha is {1}", "use the model's activation",
         {"function": "elu"}, "slope", (1.0,)),
        ("GELU by tanh", "{0:layer} has the GELU that tanh approximates", "use the model's activation",
         {"function": "gelu of tanh"}),
    ]),
    *_instead(_hidden, "gelu", "silu", "selu", "softplus", "hard_sigmoid"),
    *_instead(lambda *names: lambda layer, last: last and _named(layer) not in ("", *names),
              "sigmoid", "softmax", "tanh", "linear", "relu"),
    *of(lambda layer, last: last and _curved(layer, last), "activation", [
        ("output activation twice", "the activation of {0:layer} is applied to its own output",
         "the loss takes logits, or the output's activation does: not both", {"function": "twice"}),
    ]),
)  # fmt: skip


def _last_axis(kind: str) -> Fits:
    return lambda layer, last: kind_of(layer) == kind and layer.axis in (-1, [-1], len(layer.input.shape) - 1)


_BATCH = _last_axis("BatchNormalization")
_EPSILONS = (1e-5, 1e-8, 1e-7, 1e-6, 1e-3, 1e-12, 0.0)
_USE_EPSILON = "use Keras's, 1e-3 if nothing is said, or tell Keras yours"
_NORMALISED = (
    *of(_BATCH, "normalised", [
        ("batch statistics held constant", "the error of {0:layer} does not go through its batch's mean and variance",
         "have the mean and the variance pass their gradients on", {"held": ("mean", "variance")}),
        ("epsilon of the normalisation", "epsilon of {0:layer} is {1}", _USE_EPSILON, {}, "epsilon", _EPSILONS),
        ("variance of n - 1", "{0:layer} divides its variance by n - 1", "divide by n, as Keras does", {"less": 1}),
        ("variance of n - 1 in the normalisation alone", "{0:layer} normalises with a variance divided by n - 1",
         "divide by n, as Keras does", {"less": 1, "moving_too": False}),
        ("batch variance held constant", "the error of {0:layer} does not go through its batch's variance",
         "have the variance pass its gradient on", {"held": ("variance",)}),
        ("batch mean held constant", "the error of {0:layer} does not go through its batch's mean",
         "have the mean pass its gradient on", {"held": ("mean",)}),
        ("normalised with moving averages", "{0:layer} normalises with its moving averages in training",
         "use the batch's own mean and variance in training", {"moving": True}),
        ("epsilon outside the root of the normalisation", "{0:layer} divides by sqrt(variance) + epsilon",
         "divide by sqrt(variance + epsilon)", {"outside": True}),
    ]),
    *of(lambda layer, last: _BATCH(layer, last) and len(layer.output.shape) > 2, "normalised", [
        ("normalised place by place", "{0:layer} has statistics for each place, not each channel",
         "average over height and width too", {"alone": True}),
    ]),
    *of(_last_axis("LayerNormalization"), "normalised", [
        ("statistics of a layer held constant", "the error of {0:layer} does not go through mean and variance",
         "have the mean and the variance pass their gradients on", {"held": ("mean", "variance")}),
        ("epsilon of the normalisation", "epsilon of {0:layer} is {1}", _USE_EPSILON, {}, "epsilon", _EPSILONS),
        ("variance of n - 1", "{0:layer} divides its variance by n - 1", "divide by n, as Keras does", {"less": 1}),
        ("epsilon outside the root of the normalisation", "{0:layer} divides by sqrt(variance) + epsilon",
         "divide by sqrt(variance + epsilon)", {"outside": True}),
    ]),
)  # fmt: skip
_SCALE = "multiply what is kept by 1 / (1 - rate) in training, and its error too"
_DROPPED = of(lambda layer, last: kind_of(layer) == "Dropout" and layer.rate, "dropped", [
    ("dropout not inverted", "what {0:layer} keeps is not scaled", _SCALE, {"forward": "ones"}),
    ("dropout's gradient not scaled", "the error that {0:layer} hands back is masked, and not scaled", _SCALE,
     {"backward": "ones"}),
    ("dropout's gradient not masked", "{0:layer} hands the error back as it comes", _SCALE, {"backward": "nothing"}),
    ("dropout scaled by 1 - rate", "what {0:layer} keeps is multiplied by 1 - rate", _SCALE, {"forward": "multiplied"}),
    ("dropout scaled by the rate", "what {0:layer} keeps is divided by the rate, not by 1 - rate", _SCALE,
     {"forward": "by the rate"}),
    ("dropout's gradient scaled, not masked", "{0:layer} hands back the error of what it dropped too", _SCALE,
     {"backward": "scaled alone"}),
    ("dropout's mask not used", "the mask of {0:layer} is drawn and not used", _SCALE, {"forward": "nothing"}),
    ("dropout scaled twice", "what {0:layer} keeps is scaled twice", _SCALE, {"forward": "twice"}),
])  # fmt: skip
_CONVOLUTION = is_a("Conv1D", "Conv2D", "Conv3D")
_CONVOLVED = (
    *of(lambda layer, last: _CONVOLUTION(layer, last) and max(layer.kernel_size) > 1, "weighed", [
        ("kernel flipped", "{0:layer} turns its kernel round: a convolution, where Keras's is a cross-correlation",
         "do not turn the kernel round", {"kernel": "flipped"}),
        ("kernel not flipped on the way down", "{0:layer} hands its error down through a kernel turned the wrong way",
         "turn the kernel round in space where the error is correlated with it", {"kernel": "flipped on the way down"}),
        ("kernel's gradient flipped", "the kernel's gradient of {0:layer} is turned round in space",
         "do not turn it round", {"kernel": "flipped gradient"}),
    ]),
    *of(lambda layer, last: kind_of(layer) == "Conv2D" and len(set(layer.kernel_size)) == 1 < layer.kernel_size[0],
         "weighed", [
        ("kernel's height and width swapped", "{0:layer} takes its kernel with height and width swapped",
         "use (height, width, channels, filters)", {"kernel": "transposed"}),
    ]),
    *of(lambda layer, last: _CONVOLUTION(layer, last) and layer.padding == "same" and layer.data_format ==
         "channels_last" and layer.groups == 1, "padded", [
        ("padding at the wrong end", "{0:layer} pads more at the beginning", "pad more at the end", {"at": "begin"}),
        ("padding the same at both ends", "{0:layer} pads kernel // 2 at both ends", "pad as Keras's \"same\" does",
         {"at": "both"}),
        ("padding with the edge", "{0:layer} pads with the values at the edge", "pad with zeros", {"at": "edge"}),
        ("padding with a reflection", "{0:layer} pads with reflected values", "pad with zeros", {"at": "reflect"}),
    ]),
)  # fmt: skip


def _axes(count: int) -> Fits:
    return lambda layer, last: kind_of(layer) == "Flatten" and len(layer.input.shape) == count + 1


_FLATTENED: list[OfModel] = []
for _count in (2, 3):
    _usual = tuple(range(1, _count + 1))
    _first = (_count, *range(1, _count))
    for _order in sorted(set(permutations(_usual)) - {_usual}, key=lambda order: (order != _first, order)):
        _shown = "channels first" if _order == _first else "reversed" if _order == _usual[::-1] else str(_order)
        _FLATTENED += of(_axes(_count), "flattened", [
            (f"flattened in another order, {_shown}", f"{{0:layer}} flattens with its axes in the order {_order}",
             "flatten (height, width, channels) as they stand", {"order": _order}),
            (f"error put back in another order, {_shown}",
             f"{{0:layer}} gives its error a shape with axes in the order {_order}",
             "put it back in the order that was flattened", {"order": _order, "backward": True}),
        ])  # fmt: skip

_MAXIMUM, _AVERAGE = is_a("MaxPooling1D", "MaxPooling2D"), is_a("AveragePooling1D", "AveragePooling2D")
_GLOBAL = is_a("GlobalAveragePooling1D", "GlobalAveragePooling2D")
_TO_THE_FIRST = "hand it to the first of the largest values alone"
_POOLED = (
    *of(lambda layer, last: _MAXIMUM(layer, last) and layer.strides == layer.pool_size, "pooled", [
        ("maximum's gradient to every tie", "{0:layer} hands its error to each value that is the largest",
         _TO_THE_FIRST, {"backward": "every maximum"}),
        ("maximum's gradient shared by ties", "{0:layer} shares its error among the values that are the largest",
         _TO_THE_FIRST, {"backward": "shared by maxima"}),
    ]),
    *of(_MAXIMUM, "pooled", [
        ("maximum's gradient to all", "{0:layer} hands its error to every value of the window", _TO_THE_FIRST,
         {"backward": "everywhere"}),
        ("maximum's gradient averaged", "{0:layer} spreads its error evenly over the window", _TO_THE_FIRST,
         {"backward": "evenly"}),
        ("average in place of the maximum", "{0:layer} averages", "take the maximum", {"forward": "average"}),
    ]),
    *of(lambda layer, last: _AVERAGE(layer, last) or _GLOBAL(layer, last), "pooled", [
        ("average's gradient not divided", "{0:layer} hands its whole error to each value",
         "divide it by the number of values", {"backward": "everywhere"}),
        ("maximum in place of the average", "{0:layer} takes the maximum", "average", {"forward": "maximum"}),
        ("sum in place of the average", "{0:layer} sums", "average", {"forward": "sum"}),
    ]),
)  # fmt: skip
_EMBEDDED = of(is_a("Embedding"), "embedded", [
    ("gradient of repeated rows overwritten", "of a row of {0:layer} that a batch takes twice, one gradient is kept",
     "add them up: np.add.at(dE, ids, dA)", {}),
])  # fmt: skip
_BIASES = of(lambda layer, last: getattr(layer, "use_bias", False) and (kind_of(layer) == "Dense" or
              _CONVOLUTION(layer, last)), "weighed", [
    ("bias not added", "{0:layer} does not add its bias", "add it", {"bias": False}),
])  # fmt: skip
_SMALL = (1e-8, 1e-7, 1e-12, 1e-15, 1e-9, 1e-10)
_WITHOUT = "leave it out, or clip as Keras does"
_ENTROPIES = ("binary_crossentropy", "categorical_crossentropy", "sparse_categorical_crossentropy")
_OTHERS = (
    "mean_squared_error", "mean_absolute_error", "binary_crossentropy", "categorical_crossentropy", "huber", "log_cosh"
)  # fmt: skip
_LOSS = (
    *of(_curved, "output error", [
        ("error of the output as of a cross-entropy", "the error of the output is P - Y, without its derivative",
         "use the derivative of the model's loss", {}),
    ], ("mean_squared_error", "mse")),
    *of(_any, "epsilon", [
        ("epsilon in the reported loss's logarithm", "the reported loss takes log(P + {0})", _WITHOUT,
         {"reported": True}, "epsilon", _SMALL),
        ("epsilon in the loss's logarithm", "the loss takes log(P + {0}), and its gradient too", _WITHOUT,
         {"reported": False}, "epsilon", _SMALL),
    ], _ENTROPIES),
    *of(_any, "named", [(f"{loss} in place of the loss", f"the loss is {loss}", "use the model's loss", {"name": loss})
                        for loss in _OTHERS], ()),
)  # fmt: skip

ORDINARY: tuple[OfModel, ...] = (
    *_NORMALISED, *_DROPPED, *_ACTIVATIONS, *_CONVOLVED, *_FLATTENED, *_POOLED, *_EMBEDDED, *_LOSS, *_BIASES,
    *_OTHER_ACTIVATIONS,
)  # fmt: skip
