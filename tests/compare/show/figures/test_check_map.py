from itertools import product

import numpy as np
import pandas as pd

from compare.show.figures.check_map import draw_check, from_one
from compare.show.figures.style import EDGES


def test_tensors_of_one_layer_that_are_called_alike_are_told_apart():
    states = pd.DataFrame(
        {"what": "full batch", "step": [0, 0, 1, 1], "layer": 1.0, "tensor": "state", "ratio": [0.0, 0.1, 0.2, 0.3]}
    )
    found = from_one(states)
    assert list(found["label"]) == ["state 2", "state 2 (2)"] * 2
    assert found.pivot(index="label", columns="step", values="ratio").loc["state 2 (2)", 2] == 0.3


def checked(wrong):
    """A table of three situations of two steps; wrong are (situation, step, layer) of kernels."""
    rows = []
    for what in ("full batch", "batches", "large"):
        for step, layer in product((0, 1), (None, 0, 1)):
            bad = (what, step, layer) in wrong
            tensor = "loss" if layer is None else "kernel"
            rows.append((what, step, layer, tensor, 1e4 if bad else 0.05, not bad))
    return pd.DataFrame(rows, columns=["what", "step", "layer", "tensor", "ratio", "passed"])


def labels(figure):
    ax = figure.axes[0]
    return [text.get_text() for text in ax.get_yticklabels()], [text.get_text() for text in ax.get_xticklabels()]


def test_only_what_is_not_clean_is_shown_with_its_first_wrong_step():
    wrong = {("batches", 0, 1), ("batches", 1, 0), ("batches", 1, 1), ("large", 1, 0)}
    figure = draw_check(checked(wrong), "NOT PARITY")
    assert labels(figure) == (["batches", "large"], ["kernel 1", "kernel 2"])
    texts = {text.get_position(): text for text in figure.axes[0].texts}
    assert {place: text.get_text() for place, text in texts.items()} == {(0, 0): "2", (1, 0): "1", (0, 1): "2"}
    assert [place for place, text in texts.items() if text.get_bbox_patch()] == [(1, 0)], "where it begins"
    assert "Clean, and left out: full batch; loss." in figure.get_supxlabel().replace("\n", " ")


def test_a_long_verdict_has_several_lines():
    title = draw_check(checked({("large", 0, 1)}), "NOT PARITY: " + "for a reason " * 20).get_suptitle()
    assert max(map(len, title.splitlines())) <= 90


def test_where_all_is_clean_all_is_shown():
    figure = draw_check(checked(set()), "PARITY")
    assert labels(figure) == (["full batch", "batches", "large"], ["loss", "kernel 1", "kernel 2"])
    assert not figure.axes[0].texts
    assert figure.get_supxlabel() == ""


def test_what_is_wrong_and_not_finite_has_the_worst_colour():
    table = checked({("large", 0, 1)}).assign(ratio=lambda of: of["ratio"].where(of["passed"]))
    (image,) = draw_check(table, "NOT PARITY").axes[0].images
    assert np.asarray(image.get_array()).tolist() == [[EDGES[-1] * 0.99]]
