"""Tables on disk, Parquet and CSV: what is read is what was written, number for number and text for text."""

import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

from compare.phrases import visible
from compare.runs import whole

# A spreadsheet computes a cell that begins so. An apostrophe before it says that it is text; one that is there already
# gets another, so that taking one away gives back what was written.
COMPUTED = re.compile(r"'*[=+\-@\t]")


def write(path: Path, frame: pd.DataFrame) -> None:
    """Write a table, whole or not at all, as its name's ending says: Parquet, or CSV."""
    if path.suffix == ".parquet":
        buffer = io.BytesIO()
        frame.to_parquet(buffer, index=False)
        whole.write(path, buffer.getvalue())
    else:
        whole.write_text(path, _with_texts(_marked, frame).to_csv(index=False, lineterminator="\n"))


def read(path: Path) -> pd.DataFrame:
    """Read a table: numbers to the last digit, and of texts what can be seen; an empty cell is missing, "NA" is not."""
    content = io.BytesIO(path.read_bytes())  # not every name of a file is one for Arrow
    if path.suffix == ".parquet":
        return _with_texts(visible, pd.read_parquet(content))
    return _with_texts(_unmarked, pd.read_csv(content, keep_default_na=False, na_values=[""]))


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
