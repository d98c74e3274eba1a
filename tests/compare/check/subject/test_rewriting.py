import builtins
from typing import Any

import numpy as np
import pytest

from compare.check.subject.rewriting import SEEN, rewrite

PROGRAMS = {
    "expressions": "def f(a, b):\n    return -(a @ b.T + 2 * a.sum()) ** 2 / (1 if a.size > 3 else b[0, 1])",
    "in place": "def f(a, b):\n    c = a.copy()\n    c[a > 0] -= 1\n    c += b\n    np.multiply(c, 2, out=c)\n    return c",  # noqa: E501
    "loops": "def f(a, b):\n    t = 0\n    for i, (x, y) in enumerate(zip(a, b)):\n        t += i * x @ y\n    else:\n"
    "        t = t + 1\n    while t > 5:\n        t /= 2\n    return t",
    "comprehensions": "def f(a, b):\n    return sum((x * y).sum() for x, y in zip(a, b)) + [k for k in {1: a[0, 0]}.values()][0]",  # noqa: E501
    "closures": "def f(a, b):\n    n = 3\n    def g(x):\n        nonlocal n\n        n += 1\n        return x * n\n"
    "    h = lambda x, k=2: g(x) + k\n    return h(a) + g(b)",
    "classes": "class B:\n    def w(self):\n        return 2\nclass C(B):\n    k = [1, 2]\n    def w(self):\n"
    "        self.__p = super().w() * 3\n        return self.__p\ndef f(a, b):\n    return a * C().w() + C.k[1]",
    "dicts": "def f(a, b):\n    d = {f'W{1}': a, **{'b': b}}\n    d['W1'] = d['W1'] * 2\n    d['b'][0] = 7\n    d['W' + str(1)] -= 1\n"  # noqa: E501
    "    (p, q), *r = (a, b), 1, 2\n    return d['W1'] + d['b'] * len(r) + p",
    "errors": "def f(a, b):\n    try:\n        with np.errstate(all='ignore'):\n            return a / 0 + 1 // 0\n"
    "    except ZeroDivisionError as error:\n        return str(error)\n    finally:\n        b[:] = 0",
    "generators": "def g(a):\n    for row in a:\n        got = yield row * 2\n        assert got is None, f'{got}'\n"
    "def f(a, b):\n    return [*g(a), *map(lambda x: x + 1, b)]",
    "matching": "def f(a, b):\n    match a.shape:\n        case (3, n) if n == 2:\n            return a * n\n        case _:\n            return b",  # noqa: E501
    "walrus": "def f(a, b):\n    if (n := a.size) > 3 and not (b < 0).all():\n        del b\n        return [n, *a[0, :1]]",  # noqa: E501
}


def run(program, note=None):
    tree, sites = rewrite(program, "program.py", 0)
    space: dict[str, Any] = {"np": np}
    setattr(builtins, SEEN, note or (lambda site, value: value))
    try:
        exec(compile(tree, "program.py", "exec"), space)
        rng = np.random.default_rng(0)
        return space["f"](rng.normal(size=(3, 2)), rng.normal(size=(3, 2))), sites
    finally:
        delattr(builtins, SEEN)


@pytest.mark.parametrize("name", PROGRAMS)
def test_rewritten_code_computes_the_same(name):
    space: dict[str, Any] = {"np": np}
    exec(PROGRAMS[name], space)
    rng = np.random.default_rng(0)
    expected = space["f"](rng.normal(size=(3, 2)), rng.normal(size=(3, 2)))
    found, _ = run(PROGRAMS[name])
    assert type(found) is type(expected)
    assert str(found) == str(expected)


def values(program):
    """The text of each site that was seen, with what was seen there."""
    seen = []

    def note(site, value):
        seen.append((site, value))
        return value

    _, sites = run(program, note)
    lines = program.splitlines()

    def text(site):
        first, column, last, end = site.position
        assert first == last
        return lines[first - 1][column:end]

    return [(text(sites[site]), sites[site], value) for site, value in seen], sites


def test_each_sub_expression_is_seen_once_after_its_parts():
    found, sites = values("def f(a, b):\n    c = a * 2 + b.sum(axis=0)\n    return c")
    assert [text for text, _, _ in found] == ["a", "a * 2", "b", "b.sum(axis=0)", "a * 2 + b.sum(axis=0)", "c"]
    whole = found[4][1]
    assert (whole.kind, whole.target, whole.node, whole.statement) == ("value", "c", "BinOp", (2, 2))
    assert [sites[part].position[1:] for part in whole.parts] == [(8, 2, 13), (16, 2, 29)]


def test_what_a_statement_changes_in_place_is_seen_before_and_after():
    found, _ = values("import numpy as np\ndef f(a, b):\n    a[b > 0] = 0\n    np.negative(b, out=b)\n    return a")
    changed = [(text, site.kind) for text, site, _ in found if site.kind == "changed"]
    assert changed == [("a", "changed"), ("b", "changed"), ("b", "changed")]


def test_names_that_are_unpacked_are_seen_as_set_by_the_whole_statement():
    found, _ = values("def f(a, b):\n    n, k = a.shape\n    return a * n")
    named = [(site.target, value) for _, site, value in found if site.node == "Name" and site.kind == "value"]
    assert named == [("n", 3), ("k", 2)]
    assert {site.position for _, site, _ in found if site.target == "n"} == {(2, 4, 2, 18)}


def test_modules_and_stored_into_lists_are_no_reads():
    found, _ = values(
        "import numpy as np\ndef f(a, b):\n    kept = list()\n    kept.append(np.exp(a))\n    return kept"
    )
    texts = [text for text, _, _ in found]
    assert "np" not in texts
    assert texts == ["list()", "a", "np.exp(a)", "kept.append(np.exp(a))", "kept", "kept"]


def test_conditions_and_loops_are_told_as_such():
    found, _ = values("def f(a, b):\n    for row in a:\n        if row[0] > 0:\n            return row\n    return b")
    assert {site.kind for text, site, _ in found if text in ("row", "row[0] > 0")} >= {"loop", "test"}
