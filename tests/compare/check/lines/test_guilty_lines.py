"""Faults in six styles of code: their lines are told; correct networks: none is."""

import pytest

from benchmarks.guilty_lines import Planted, complete, correct, lines_of, places
from benchmarks.styles.faults import ACTIVATIONS, FAULTS

# Of each style some, of each phase; all of them are `python -m benchmarks.guilty_lines`.
SOME = {
    "one_class": ("averaged by the wrong number", "derivative of the gradient", "loss summed"),
    "functions": ("derivative missing", "softmax over samples", "one-hot off by one"),
    "layers": ("gradients add up", "input kept from the first call"),
    "columns": ("mask at another threshold", "count of classes"),
    "samples": ("last sample dropped", "bias left out"),
    "comprehensions": ("ReLU that leaks", "rate by the number of tensors"),
}


@pytest.mark.parametrize(("style", "name"), [(style, name) for style, names in SOME.items() for name in names])
def test_the_line_of_a_fault_is_told(style, name):
    planted = Planted(style, [fault for fault in FAULTS[style] if fault[0] == name])
    (place,), lines = places(planted)
    assert place >= 0, [(each.first, each.says) for each in lines.guilty]
    assert sum(each.last - each.first + 1 for each in lines.guilty) <= 8


@pytest.mark.parametrize("style", FAULTS)
def test_no_line_of_a_correct_network_is_accused_and_its_map_is_complete(style):
    lines = lines_of(correct(style), ACTIVATIONS[style], (6, 5, 3))
    assert lines.guilty == ()
    assert lines.not_traced is None
    assert complete(lines, 3)
    assert all(each.right for each in lines.code_map)


def test_two_faults_get_a_line_each_one_behind_the_other():
    names = ("labels smoothed", "activation for its derivative")
    planted = Planted("comprehensions", [fault for fault in FAULTS["comprehensions"] if fault[0] in names])
    found, _ = places(planted)
    assert -1 not in found


def test_what_is_said_names_what_is_read_and_what_is_made():
    fault = next(fault for fault in FAULTS["functions"] if fault[0] == "derivative half")
    _, lines = places(Planted("functions", [fault]))
    first = lines.guilty[0]
    assert first.source == "upstream * slope"
    assert first.function == "backward_pass"
    assert first.says == (
        "`upstream` is dA of layer 2, `slope` is A of layer 2; makes dZ of layers 2 and 1, and not as Keras does; "
        "all that follows from it is Keras's"
    )


@pytest.mark.parametrize(("style", "name", "words"), [
    ("one_class", "gradient not averaged", "makes 32 (the number of samples) times dZ of layer 3, and nothing takes"),
    ("one_class", "update of the wrong sign", "`self.params[key]` is"),
    ("functions", "sign of the error", "with the wrong sign"),
    ("functions", "derivative missing", "makes dA, which stands where dZ of layers 2 and 1 belongs"),
    ("layers", "gradients add up", "of an earlier step: stale"),
    ("layers", "last layer is not updated", "leaves new W of layer 3"),
])  # fmt: skip
def test_words_tell_kinds_of_wrong_values_apart(style, name, words):
    _, lines = places(Planted(style, [fault for fault in FAULTS[style] if fault[0] == name]))
    assert any(words in each.says for each in lines.guilty), [each.says for each in lines.guilty]


def test_a_step_that_raises_is_told_by_its_line():
    text = correct("functions").replace("    delta = (activations[-1] - t) / len(t)\n", "    raise KeyError('no')\n")
    lines = lines_of(text.replace("n_layers = len(weights) // 2\n    raise", "assert len(t) < 0\n    raise"), "sigmoid")
    assert [each.source for each in lines.guilty] == ["assert len(t) < 0"]
