"""How the sides and measures look in every figure: colours, names, labels."""

from pathlib import Path
from typing import Any

# Deviations in units of the tolerance: within it in greys, beyond it in ever deeper reds.
EDGES = [0, 1e-2, 0.1, 1, 10, 1e3, 1e6, 1e15]
COLOURS = ["#F7F7F7", "#E4E4E4", "#CFCFCF", "#FDD9C4", "#F79B78", "#DC5A40", "#8B2500"]

STYLE = Path(__file__).with_name("keras_parity.mplstyle")
STARTS = {"scratch": "weights from U(-1, 1)", "keras": "weights from Keras's glorot_uniform"}
LABELS = {"loss": "loss", "accuracy": "accuracy (share of samples)"}

# One colour and one stroke a side, everywhere: Keras wide and light, scratch thin, dark and dashed on top of it.
SIDES: dict[str, dict[str, Any]] = {
    "keras": {"color": "#3A97D4", "linewidth": 4.0, "linestyle": "-", "zorder": 2},
    "scratch": {"color": "#8B2500", "linewidth": 1.4, "linestyle": (0, (4, 2)), "zorder": 3},
}
# Where a curve may alternate from epoch to epoch, a line would fill what lies between: a dot an epoch.
DOTS: dict[str, dict[str, Any]] = {
    side: {
        "color": (of["color"], 0.3),
        "linewidth": 0.6,
        "marker": "o",
        "markersize": size,
        "markerfacecolor": of["color"],
        "markeredgewidth": 0,
        "zorder": of["zorder"],
    }
    for (side, of), size in zip(SIDES.items(), (4.5, 2.0), strict=True)
}
# The same two on a dark page; each stands out from its background by 3 to 1 or more.
DARK = {"keras": "#3A97D4", "scratch": "#FFC39B"}
NAMES = {"keras": "Keras", "scratch": "scratch (NumPy)"}
FLOOR = "#BBBBBB"
LINE = "#222222"
OTHER = "#777777"
ARTICLE: dict[str, Any] = {"color": LINE, "linewidth": 1.2, "zorder": 4}
ARTICLE_DOTS: dict[str, Any] = {**DOTS["scratch"], "color": (LINE, 0.3), "markerfacecolor": LINE, "zorder": 4}
ZONE = "#CCCCCC"
# A mean with its interval.
POINT: dict[str, Any] = {"fmt": "o", "color": LINE, "markersize": 4, "capsize": 3, "linewidth": 1.2, "zorder": 6}
