import re
from pathlib import Path

import pytest

from compare.show.terminal.check import tell

TEXT = "NOT PARITY: why\n  line: nets/net.py:43 in Net.step: a = b\n  line: n t.py:7: a = {1: 2}\n  note: c.py:9 in d"


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_on_a_terminal_each_place_links_to_its_line_and_nothing_else_does(capsys, monkeypatch, here):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    tell(TEXT, passed=False)
    links = re.findall(r"\x1b\]8;[^;]*;([^\x1b]+)\x1b\\(.*?)\x1b\]8;;", capsys.readouterr().out)
    names = [re.sub(r"\x1b\[[\d;]*m", "", name) for _, name in links]
    assert names == ["nets/net.py:43", "n t.py:7"]
    assert [uri for uri, _ in links] == [
        f"{Path(here / 'nets/net.py').as_uri()}#43",
        f"{Path(here / 'n t.py').as_uri()}#7",
    ]


def test_elsewhere_it_is_the_text_alone(capsys):
    tell(TEXT, passed=False)
    assert capsys.readouterr().out == f"{TEXT}\n"
