"""A file of data ends, and fits in memory; that is looked at before anything of it is read."""

import os

import pytest

from compare import limits
from compare.data.dataset import load
from compare.errors import InputError


def test_a_pipe_and_a_device_are_refused_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.csv")
    for path in (tmp_path / "pipe.csv", "/dev/zero"):
        with pytest.raises(InputError, match=r"`data` must be a file that ends\. Received: a pipe or a device"):
            load(path)


def test_a_file_that_memory_does_not_hold_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "huge.csv"
    with path.open("wb") as file:
        file.write(b"a,b,c\n")
        file.truncate(2**40)
    with pytest.raises(InputError, match=r"must fit in the memory that is free.*huge\.csv', of 1\.1e\+03 GB"):
        load(path)
    monkeypatch.setattr(limits, "free", lambda: 0)
    path.write_text("index,a,kind\n" + "".join(f"{i},{i / 7},{'xy'[i % 2]}\n" for i in range(20)))
    assert load(path).n == 20, "a small one always fits"
