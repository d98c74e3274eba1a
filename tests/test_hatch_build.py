"""The wheel's build hook: imports of the packages that move follow; what cannot be rewritten stops the build."""

import pytest

from hatch_build import rewritten

MOVES = {"compare": "keras_parity.compare", "scratch_nn": "keras_parity.scratch_nn"}


def moved(source):
    return rewritten(source.encode(), MOVES, "module.py").decode()


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("from compare import diff", "from keras_parity.compare import diff"),
        (
            "from compare.check.plan import (\n    a,\n    b,\n)",
            "from keras_parity.compare.check.plan import (\n    a,\n    b,\n)",
        ),
        ("import compare", "import keras_parity.compare as compare"),
        ("import compare.check as c", "import keras_parity.compare.check as c"),
        (
            "é = 1; import os, scratch_nn  # compare",
            "é = 1; import os, keras_parity.scratch_nn as scratch_nn  # compare",
        ),
        (
            "def f():\n    from  scratch_nn import A; return A",
            "def f():\n    from  keras_parity.scratch_nn import A; return A",
        ),
        ("import a.compare\r\nfrom .compare import b\r\nfrom comparer import c", None),
        ("compare.check\n'to compare. And more.'", None),
    ],
)
def test_imports_follow(source, expected):
    assert moved(source) == (source if expected is None else expected)


@pytest.mark.parametrize(
    "source",
    [
        "import compare.check",
        "from \\\n    compare import diff",
        "load('compare')",
        "load(f'compare.{name}')",
        "load('scratch_nn.layers')",
        "def f():\n    '''As `compare.load` does.'''",
    ],
)
def test_what_could_be_missed_stops_the_build(source):
    with pytest.raises(ValueError, match=r"module\.py, line [12]: "):
        moved(source)
