"""Texts as every terminal, figure and page says them: lists in plain words, and nothing but what can be seen."""

import re
import sys
from collections.abc import Sequence
from typing import Any

# Control characters but a tab and the end of a line, what turns the direction of text, and half characters, which stand
# for bytes of a file's name that are no text: a terminal acts on the first two, and no file takes the last.
_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def visible(text: str) -> str:
    """Return a text with the characters that would be acted on, and not be shown, as Python writes them."""
    return _UNSEEN.sub(lambda found: ascii(found[0])[1:-1], text)


def short(text: str, longest: int = 2000) -> str:
    """Return a text, or its beginning: a name that somebody chose may be of any length."""
    return text if len(text) <= longest else f"{text[: longest - 4]} ..."


def complain(text: str) -> None:
    """Print one line on stderr, in the name of the command."""
    print("keras-parity:", visible(" ".join(text.split())), file=sys.stderr)


def all_visible(value: Any) -> Any:
    """Return plain values, however deep, whose texts are `visible`."""
    if isinstance(value, str):
        return visible(value)
    if isinstance(value, list | tuple):
        return [all_visible(each) for each in value]
    return {visible(name): all_visible(of) for name, of in value.items()} if isinstance(value, dict) else value


def listed(words: Sequence[str]) -> str:
    """Return words as a list: "4, 3 and 2"."""
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def parted(subject: str) -> tuple[str, str]:
    """Split FILE.py:NAME; the name of FILE.py alone is ""."""
    file, _, name = (subject, "", "") if subject.endswith(".py") else subject.rpartition(":")
    return file, name


def gathered(quantities: Sequence[str]) -> list[str]:
    """Return quantities in few words: "dW of layers 4, 3 and 2", "Z of layer 1 at times 2 and 1"."""
    times: dict[tuple[str, bool], list[str]] = {}  # with a time, and of all of them
    for quantity in dict.fromkeys(quantities):
        rest, timed, time = quantity.partition(" at time ")
        times.setdefault((rest, bool(timed)), []).append(time)
    layers: dict[tuple[str, str], list[str]] = {}
    for (rest, _), at in times.items():
        symbol, _, layer = rest.partition(" of layer ")
        when = f" at time{'s' * (len(at) > 1)} {listed(at)}" if at[0] else ""
        layers.setdefault((symbol, when), []).append(layer)
    return [
        f"{symbol} of layer{'s' * (len(numbers) > 1)} {listed(numbers)}{when}" if numbers[0] else symbol
        for (symbol, when), numbers in layers.items()
    ]
