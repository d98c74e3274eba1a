"""Lists in plain words, as every text and page says them."""

from collections.abc import Sequence


def listed(words: Sequence[str]) -> str:
    """Return words as a list: "4, 3 and 2"."""
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def gathered(quantities: Sequence[str]) -> list[str]:
    """Return quantities in few words: "dW of layers 4, 3 and 2", "Z of layer 1 at times 2 and 1"."""
    times: dict[str, list[str]] = {}
    for quantity in dict.fromkeys(quantities):
        rest, _, time = quantity.partition(" at time ")
        times.setdefault(rest, []).append(time)
    layers: dict[tuple[str, str], list[str]] = {}
    for rest, at in times.items():
        symbol, _, layer = rest.partition(" of layer ")
        when = f" at time{'s' * (len(at) > 1)} {listed(at)}" if at[0] else ""
        layers.setdefault((symbol, when), []).append(layer)
    return [
        f"{symbol} of layer{'s' * (len(numbers) > 1)} {listed(numbers)}{when}" if numbers[0] else symbol
        for (symbol, when), numbers in layers.items()
    ]
