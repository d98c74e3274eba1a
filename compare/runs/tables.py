"""Tables on disk, Parquet and CSV: what is read is what was written, number for number and text for text."""

import io
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pandas as pd

from compare.errors import InputError
from compare.phrases import visible
from compare.runs import whole

# A spreadsheet computes a cell that begins so. An apostrophe before it says that it is text; one that is there already
# gets another, so that taking one away gives back what was written.
ENDINGS = (".parquet", ".csv")
COMPUTED = re.compile(r"'*[=+\-@\t]")


def write(path: Path, frame: pd.DataFrame) -> None:
    """Write a table, whole or not at all, as its name's ending says: Parquet, or CSV."""
    if path.suffix == ".parquet":
        buffer = io.BytesIO()
        frame.to_parquet(buffer, index=False)
        whole.write(path, buffer.getvalue())
    else:
        write_csv(path, frame)


def write_csv(path: Path, frame: pd.DataFrame) -> None:
    """Write a CSV file, whole or not at all, whatever its name."""
    whole.write_text(path, _with_texts(_marked, frame).to_csv(index=False, lineterminator="\n"))


def read(path: Path, texts: Iterable[str] = ()) -> pd.DataFrame:
    """Read a table: numbers to the last digit, and of texts what can be seen; an empty cell is missing, "NA" is not.

    Parameters
    ----------
    path : Path
    texts : iterable of str
        Columns that hold text, whatever it looks like.

    Raises
    ------
    InputError
        If it is none.
    """
    content = path.read_bytes()  # not every name of a file is one for Arrow
    if path.suffix == ".parquet":
        return _with_texts(visible, parquet(path.name, content))
    try:
        dtypes = dict.fromkeys(texts, "str")
        frame = pd.read_csv(io.BytesIO(content), keep_default_na=False, na_values=[""], dtype=dtypes)
    except ValueError as error:
        raise _no_table(path.name, error) from None
    return _with_texts(_unmarked, frame)


def parquet(name: str, content: bytes) -> pd.DataFrame:
    """Read a Parquet file's content.

    Raises
    ------
    InputError
        If it is none.
    """
    try:
        return pd.read_parquet(io.BytesIO(content))
    except Exception as error:  # what a decoder raises for garbage is its own
        raise _no_table(name, error) from None


def _no_table(name: str, error: Exception) -> InputError:
    return InputError(f"{name} is no table ({' '.join(str(error).split())})")


def _marked(text: str) -> str:
    return f"'{text}" if COMPUTED.match(text) else text


def _unmarked(text: str) -> str:
    return visible(text[1:] if text.startswith("'") and COMPUTED.match(text) else text)


def _with_texts(change: Callable[[str], str], frame: pd.DataFrame) -> pd.DataFrame:
    """A table with its texts changed."""

    def changed(cell: Any) -> Any:
        return change(cell) if isinstance(cell, str) else cell  # it may be missing

    named = {name: frame[name] for name, dtype in frame.dtypes.items() if pd.api.types.is_string_dtype(dtype)}
    # A table may have a million cells, and seldom has one to change.
    other = {name: of for name, of in named.items() if any(changed(cell) is not cell for cell in of.unique())}
    return frame.assign(**{str(name): of.map(changed) for name, of in other.items()})
