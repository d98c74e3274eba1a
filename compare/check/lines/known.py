"""What Keras computes in some steps, to be found again among a subject's values, in any axes, shape or factor."""

import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from compare.check.lines.following import following
from compare.mathematics.functions import Array

SYMBOLS = "[AZWbUC]|gamma|beta|moving_mean|moving_variance|embeddings"
REORDERED, RESHAPED = "in another order", "reshaped"
REPORTED = ("loss", "accuracy")  # what a step tells, besides what it changes
Takes = Mapping[str, tuple[str, ...]]
FEW = 3  # with fewer distinct sizes, another factor or another order is no evidence
# Ranks: what is looked for first.
QUANTITY, FOLLOWS, EARLIER = range(3)


@dataclass(frozen=True)
class Identity:
    """Which of Keras's quantities a value is.

    Attributes
    ----------
    name : str
        As Keras's quantities are named, or what follows from them in an operation or two.
    step : int
    factor : float
        The value is so many times Keras's.
    how : str
        "transposed", "reshaped"; "" for Keras's own form.
    """

    name: str
    step: int
    factor: float = 1.0
    how: str = ""

    @property
    def words(self) -> str:
        """The quantity in words, without its step."""
        factor = "" if self.factor == 1 else "- " if self.factor == -1 else f"{self.factor:.6g} x "
        how = f" ({self.how})" if self.how else ""
        return f"{factor}{spelt(self.name)}{how}"


def spelt(name: str) -> str:
    """A quantity's name in words: `dZ2` is "dZ of layer 2"."""
    return re.sub(rf"\b(new )?(d?(?:{SYMBOLS})|mask|slope)(\d+)\b", r"\1\2 of layer \3", name)


def primary(name: str) -> bool:
    """Whether Keras itself computes it: no derived name."""
    use = r"( at (time|call) \d+)?"
    return re.fullmatch(rf"(new )?d?({SYMBOLS})\d+( \([a-z0-9 ]+\))?{use}|loss|accuracy|X|Y", name) is not None


def read_for(name: str, role: str, takes: Takes) -> bool:
    """Whether Keras reads a quantity where it computes another of a dense layer; of other roles, nothing is said."""
    found = re.fullmatch(r"(d?[AZWb])(\d+)", role)
    if found is None or f"A{found[2]}" not in takes:
        return True
    of, layer = found[1], found[2]
    below = takes[f"A{layer}"]
    users = [user for user, names in takes.items() if f"A{layer}" in names]
    beside = {name for user in users for name in takes[user]}  # a product's other factor
    above = {name for user in users for name in (f"d{user}", f"dZ{user[1:]}", f"W{user[1:].split()[0]}")} | beside
    return name in {
        "Z": {*below, f"W{layer}", f"b{layer}"},
        "A": {*below, f"Z{layer}", f"A{layer}"},
        "dA": {*above, f"A{layer}", "Y", "loss"},
        "dZ": {*above, f"dA{layer}", f"Z{layer}", f"A{layer}", "Y", "loss"},
        "dW": {*below, f"dZ{layer}"},
        "db": {f"dZ{layer}"},
    }.get(of, {name})


def over_time(name: str) -> str:
    """What a quantity is called at any time: its name, without the time."""
    return name.partition(" at time ")[0]


def time_of(name: str) -> str:
    """The time in a quantity's name; "" for none."""
    found = re.search(r" at time (\d+)", name)
    return found[1] if found else ""


@dataclass(frozen=True)
class Form:
    """What of an array stays the same whatever its axes, shape or factor.

    Attributes
    ----------
    value : ndarray
    sizes : ndarray of shape (n,)
        Absolute values in order, over the largest.
    scale : float
        The largest absolute value; 0 where it cannot be told.
    plain : bool
        Whether there are too few distinct sizes for it to be recognised by anything but itself.
    """

    value: Array
    sizes: Array
    scale: float
    plain: bool

    @classmethod
    def of(cls, value: Array) -> "Form":
        """Look at an array."""
        sizes = np.sort(np.abs(value), axis=None)
        scale = float(sizes[-1]) if np.isfinite(sizes[-1]) else 0.0
        distinct = 1 + np.count_nonzero(sizes[1:] != sizes[:-1])
        return cls(value, sizes / (scale or 1.0), scale, bool(distinct < min(FEW, value.size) or value.size == 1))


@dataclass(frozen=True)
class _Entry:
    name: str
    step: int
    rank: int
    form: Form


@dataclass
class Known:
    """Keras's quantities of some steps.

    `relative` is how far apart two forms of one value may lie, `takes` what each layer takes: see `Reference.takes`.
    """

    relative: float
    takes: Takes = field(default_factory=dict)
    entries: dict[int, list[_Entry]] = field(default_factory=dict)

    def add(self, name: str, step: int, rank: int, value: Array) -> None:
        """Know one more value."""
        value = np.asarray(value, np.float64)
        if value.size and np.isfinite(value).all():
            self.entries.setdefault(value.size, []).append(_Entry(name, step, rank, Form.of(value)))

    def finish(self) -> "Known":
        """Sort, so that what is likelier is found first."""
        for entries in self.entries.values():
            entries.sort(key=lambda entry: (entry.rank, -entry.step))
        return self

    def identify(self, form: Form) -> Identity | None:
        """Which quantity this is; None if it is none, or too plain to tell."""
        found: Identity | None = None
        for entry in self.entries.get(form.value.size, ()) if form.scale else ():
            if not entry.form.scale or np.abs(entry.form.sizes - form.sizes).max() > self.relative:
                continue
            one = self._matched(form, entry)
            if one is None:
                continue
            if one.factor == 1 and (not form.plain or form.value.ndim == 0 or one.how in ("", "transposed")):
                return one
            if _may_be_scaled(entry.name) and not form.plain and (found is None or _simpler(one, found)):
                found = one
        return found

    def _matched(self, form: Form, entry: _Entry) -> Identity | None:
        value, right, scale = form.value, entry.form.value, form.scale
        flat, own = value.ravel(), tuple(range(right.ndim))
        for axes in itertools.permutations(own):
            turned = right.transpose(axes)
            fits = squeezed(turned.shape) == squeezed(value.shape)
            if not fits and axes != own:
                continue
            other = turned.ravel()
            with np.errstate(all="ignore"):  # numbers near the largest and the smallest there are
                factor = float(np.divide(flat @ other, other @ other))
            if factor and np.abs(flat - factor * other).max() <= self.relative * scale:
                how = RESHAPED if not fits else "" if axes == own else "transposed"
                return Identity(entry.name, entry.step, _rounded(factor, self.relative), how)
        if entry.name.startswith("all ") and np.allclose(
            np.sort(value, axis=None), np.sort(right), rtol=self.relative, atol=self.relative * scale
        ):
            return Identity(entry.name, entry.step, 1.0, REORDERED)
        return None


def _may_be_scaled(name: str) -> bool:
    """Only gradients, and what is summed or averaged over samples, carry a factor that is taken out elsewhere."""
    return name.startswith(("d", "part of d", "loss", "update", "log", "all gradients"))


def _simpler(one: Identity, other: Identity) -> bool:
    """Whether a factor is likelier than the other's: a count, else one over a count."""

    def oddity(factor: float) -> tuple[int, float]:
        counted = 0 if factor == round(factor) else 1 if 1 / factor == round(1 / factor) else 2
        return counted, abs(np.log(abs(factor)))

    return oddity(one.factor) < oddity(other.factor)


def squeezed(shape: Sequence[int]) -> tuple[int, ...]:
    """A shape without its axes of length one."""
    return tuple(length for length in shape if length != 1)


def _rounded(factor: float, relative: float) -> float:
    """A factor that is a whole number, or one over one, to rounding, as that."""
    over = 1 / factor
    for near in (round(factor), 1 / round(over) if np.isfinite(over) and round(over) else 0.0):
        if near and abs(factor / near - 1) <= 10 * relative:
            return float(near)
    return factor


def known(steps: Mapping[int, Mapping[str, Array]], now: int, rate: float, relative: float, takes: Takes) -> Known:
    """All that Keras computes in these steps, and what follows from it in an operation or two.

    Parameters
    ----------
    steps : mapping of step to quantities
    now : int
        The step that is looked at; the others are earlier ones.
    rate : float
        The learning rate.
    relative : float
    takes : mapping of name to tuple of str
        See `Known`.
    """
    found = Known(relative, takes)
    for step, quantities in steps.items():
        for name, value in quantities.items():
            if name != "accuracy":  # a fraction that many a number is
                found.add(name, step, QUANTITY if step == now else EARLIER, value)
        if step == now:
            for name, value in following(quantities, rate, takes):
                found.add(name, step, FOLLOWS, value)
    return found.finish()


def computed(quantities: Mapping[str, Array], now: int, relative: float) -> Known:
    """What Keras itself computes in one step, and no more."""
    found = Known(relative)
    for name, value in quantities.items():
        if primary(name):
            found.add(name, now, QUANTITY, value)
    return found
