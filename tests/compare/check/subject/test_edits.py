"""Small edits of a syntax tree: each is one, and is undone."""

import ast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compare.check.subject.edits import edits

SOURCE = '''
def step(self, x, y):
    """Make a step."""
    total = 0.0
    for layer in self.layers[1:]:
        self.seen.append(layer.out * self.seen[-1])
        dz = layer.error * (layer.out > 0)
        total += dz.sum(axis=0) @ layer.W.T - x
        if total > 1 and y:
            layer.W -= self.lr * dz
    back = np.einsum("nj,jk->nk", dz, layer.W)
    return total
'''

KINDS = {
    2: {
        "x": "array2",
        "y": "array1",
        "total": "array2",
        "dz": "array2",
        ".layers": "list",
        ".lr": "number",
        ".optimizer": "SGD",
    }
}


def _edits(source, kinds=KINDS):
    tree = ast.parse(source)
    return tree, list(edits(tree.body[0], ["W", "error", "db"], kinds, ["zero_grad"], [4.0]))


def _with(edit, tree):
    with edit:
        return ast.unparse(tree)


def test_each_edit_makes_another_program_and_undoes_it():
    tree, every = _edits(SOURCE)
    plain = ast.unparse(tree)
    for edit in every:
        with edit:
            compile(ast.Module(tree.body, []), "net.py", "exec")
            assert ast.unparse(tree) != plain or "copy" in edit.says, edit.says
        assert ast.unparse(tree) == plain


@pytest.mark.parametrize(
    ("stands", "says"),
    [
        ("layer.out > 0", "with `layer.out >= 0` for `layer.out > 0`"),
        ("'nj,jk->nk'", "with `'nj,kj->nk'` for `'nj,jk->nk'`"),
        ("dz", "with `dz ** 2` for `dz`"),
        ("dz", "with `dz * 0` for `dz`"),
        ("total = 0.0", "at the start of each round of the loop in line 5"),
        ("return total", "with `self.optimizer.zero_grad()` before it"),
        ("1", "with `0` for `1`"),
        ("total += dz.sum(axis=0) @ layer.W.T - x", "with `total = dz.sum(axis=0) @ layer.W.T - x` for it"),
        ("layer.W.T", "with `layer.W` for `layer.W.T`"),
        ("dz.sum(axis=0)", "with `dz.mean(axis=0)` for `dz.sum(axis=0)`"),
        ("layer.error", "with `layer.db` for `layer.error`"),
        ("self.seen.append(layer.out * self.seen[-1])", "with `self.seen.clear()` first, where `step` begins"),
        ("self.seen[-1]", "with `self.seen.pop()` for `self.seen[-1]`"),
        ("layer.W -= self.lr * dz", "without it"),
        ("dz = layer.error * (layer.out > 0)", "after line 8"),
        ("self.layers", "with `self.layers.copy()` for `self.layers`"),
        ("dz", "with `dz / (the number of samples)` for `dz`"),
        ("total += dz.sum(axis=0) @ layer.W.T - x", "after the block that begins in line 5"),
    ],
)
def test_says_what_stands_there_and_what_is_put_there(stands, says):
    _, every = _edits(SOURCE)
    assert (stands, says) in {(edit.source, edit.says) for edit in every}


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("a = b = [None] * 3", "with an object of its own for each name"),
        ("a = dict.fromkeys(b, [])", "with `{_: [] for _ in b}` for `dict.fromkeys(b, [])`"),
        ("a = [[]] * 3", "with `[[] for _ in range(3)]` for `[[]] * 3`"),
        ("a[2 * i + k, 2 * j + h] = b", "with `(2 * i + h, 2 * j + k)` for `(2 * i + k, 2 * j + h)`"),
        ("a = b", "with `b / 4` for `b`"),
        ("a = b // h", "with `b / h` for `b // h`"),
        ("a = b / h", "with `b // h` for `b / h`"),
        ("a = b**h", "with `b * h` for `b ** h`"),
        ("a = b.reshape(h, i, j, k)", "with `b.reshape(h, j, k, i).transpose(0, 3, 1, 2)` for `b.reshape(h, i, j, k)`"),
        ("a = b.reshape(len(b), -1)", "with `b.transpose(0, 2, 3, 1).reshape(len(b), -1)` for `b.reshape(len(b), -1)`"),
    ],
)
def test_what_is_one_object_and_what_is_exchanged_may_be_meant_otherwise(line, says):
    _, every = _edits(f"def f(a, b, h, i, j, k):\n    {line}\n    return a\n")
    assert says in {edit.says for edit in every}


def test_a_power_that_is_left_out_is_that_of_what_counts_the_steps():
    _, every = _edits("\ndef f(self, lr):\n    self.t += 1\n    return lr\n", {2: {"lr": "number"}})
    assert "with `lr ** self.t` for `lr`" in {edit.says for edit in every}


def test_sums_that_are_kept_in_a_dict_are_cleared_where_the_function_begins():
    source = '\ndef f(self, x):\n    """Adds."""\n    y = x\n    self.grad["W"] += y\n'
    _, every = _edits(source, {2: {".grad": "dict"}})
    assert [edit.first for edit in every if edit.says == "with all of `self.grad` zero before it"] == [4]
    _, every = _edits(source, {2: {".grad": "array2"}})
    assert not [edit for edit in every if "zero before it" in edit.says]


def test_what_is_put_around_is_told_apart_from_what_it_is_put_around():
    _, every = _edits("def f(a, b):\n    return a + b\n")
    assert {edit.change for edit in every if edit.says in ("with `a / 4` for `a`", "with `b / 4` for `b`")} == {
        "... / 4"
    }
    assert {edit.change for edit in every if edit.says == "with `a - b` for `a + b`"} == {""}


def test_tells_the_lines():
    _, every = _edits(SOURCE)
    assert {edit.first for edit in every if edit.source.startswith("dz.sum")} == {8}


@settings(deadline=None, max_examples=30)
@given(st.sampled_from(["+", "-", "*", "/", "@"]), st.sampled_from(["a", "self.b", "c[0]", "f(a)", "2.5", "'key'"]))
def test_edits_of_any_expression_are_programs(operation, operand):
    tree, every = _edits(f"def f(a, self, c):\n    return a {operation} {operand}\n")
    for edit in every:
        with edit:
            compile(tree, "net.py", "exec")
