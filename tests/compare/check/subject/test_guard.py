"""While edits are tried, nothing reaches beyond the process."""

import os
import subprocess

import pytest

from compare.check.subject.guard import guarded


def test_refuses_to_write_and_lets_read(tmp_path):
    path = tmp_path / "log.txt"
    path.write_text("before")
    with guarded():
        with pytest.raises(PermissionError, match="nothing is written"):
            path.open("a")
        with pytest.raises(PermissionError, match=r"os\.remove"):
            path.unlink()
        with pytest.raises(PermissionError, match=r"subprocess\.Popen"):
            subprocess.run(["true"], check=False)
        assert path.read_text() == "before"
        assert os.listdir(tmp_path) == ["log.txt"]


def test_stands_aside_afterwards(tmp_path):
    with guarded():
        pass
    path = tmp_path / "log.txt"
    path.write_text("after")
    path.unlink()
