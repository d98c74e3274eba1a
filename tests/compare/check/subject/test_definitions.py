"""What of a file is run by its definitions only, and what is said to be left out."""

import ast

import pytest

from compare.check.subject.definitions import definitions, note
from compare.check.subject.loading import left_out_of, load_target
from compare.check.subject.refusal import Refusal


def parted(text, name="subject"):
    kept, left_out = definitions(ast.parse(text), name)
    return [ast.unparse(node) for node in kept], note(left_out)


@pytest.mark.parametrize(
    ("text", "kept", "told"),
    [
        (
            "data = read()\nrows, columns = data.shape\nhalf = rows / 2\nN = 3\n",
            ["N = 3"],
            "definitions only: left out data (line 1), rows, columns (line 2), half (line 3)",
        ),
        (
            "X = read()\ndef f(x):\n    return x @ X\ng = lambda x: x @ X\n",
            ["def f(x):\n    return x @ X", "g = lambda x: x @ X"],
            "definitions only: left out X (line 1)",
        ),
        (
            "X = read()\ndef f(n=X.n):\n    return n\nclass A:\n    size = X.n\n    def g(self):\n        return X\n",
            ["class A:\n\n    def g(self):\n        return X"],
            "definitions only: left out X (line 1), f (lines 2 to 3), size (line 5)",
        ),
        (
            "X = read()\n@register(X)\ndef f():\n    pass\nclass B(X.Base):\n    pass\nb = B\n",
            [],
            "definitions only: left out X (line 1), f (lines 3 to 4), B (lines 5 to 6), b (line 7)",
        ),
        ("with open('a') as f:\n    rows = f.read()\nn = rows\n", [],
         "definitions only: left out f, rows (lines 1 to 2), n (line 3)"),
        ("for i in range(3):\n    print(i)\nlast = i\n", [],
         "definitions only: left out i (lines 1 to 2), last (line 3)"),
        ("X = read()\nX = None\nn = X\n", ["X = None", "n = X"], "definitions only: left out X (line 1)"),
        ("X = None\nX = read()\nn = X\n", ["X = None"], "definitions only: left out X (line 2), n (line 3)"),
        ("x = read()\nsquares = [x * x for x in (1, 2)]\n", ["squares = [x * x for x in (1, 2)]"],
         "definitions only: left out x (line 1)"),
        ("n = 1\nn += 2\ntotal += read()\n", ["n = 1", "n += 2"], "definitions only: left out total (line 3)"),
        ("RATE = float('0.1')\nrng = np.random.default_rng(0)\nplaces = numbered('p')\n",
         ["RATE = float('0.1')", "rng = np.random.default_rng(0)", "places = numbered('p')"], ""),
        ("def array():\n    return train()\nW = array()\n", ["def array():\n    return train()"],
         "definitions only: left out W (line 3)"),
        ("'what it is'\nif __name__ == '__main__':\n    train()\n", None, ""),
        ("try:\n    import one as np\nexcept ImportError:\n    import numpy as np\n", None, ""),
        ("if DEBUG:\n    N = 3\nelse:\n    N = 30\n", None, ""),
        ("net = Net()\nnet.train(1)\n", [], "definitions only: left out net (line 1), line 2"),
    ],
)  # fmt: skip
def test_what_needs_what_is_left_out_is_left_out(text, kept, told):
    found, said = parted(text)
    assert said == told
    if kept is not None:
        assert found == kept


def test_a_long_list_is_cut():
    said = parted("".join(f"a{i} = read()\n" for i in range(20)))[1]
    assert said.endswith("a11 (line 12), 8 more")


def test_the_subject_s_own_statement_is_kept_whatever_it_does():
    assert parted("one, subject = build()\n")[0] == ["one, subject = build()"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "net = Net()\nsubject = wrap(net)\n",
            r"`subject` needs what `definitions_only` leaves out: net \(line 1\); move",
        ),
        ("class Net: pass\n", "its definitions do not define `subject` at the top level of net.py"),
    ],
)
def test_a_subject_that_needs_what_is_left_out_is_told(tmp_path, monkeypatch, text, words):
    monkeypatch.setattr("sys.path", [str(tmp_path)])
    monkeypatch.setattr("sys.argv", [])
    path = tmp_path / "net.py"
    path.write_text(text)
    with pytest.raises(Refusal, match=words):
        load_target(path, "subject", True)


def test_what_is_left_out_of_a_file_is_told_without_running_it(tmp_path):
    path = tmp_path / "net.py"
    path.write_text("raise SystemExit\ndata = 1 / 0\nsubject = print\n")
    assert left_out_of(path, "subject") == "definitions only: left out line 1"
