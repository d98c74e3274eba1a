"""What is told of a subject's lines: which are guilty, and what each makes. Plain values."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Guilty:
    """Lines where a wrong number is made of right ones.

    Attributes
    ----------
    file : str
        As its path is.
    first, last : int
        From 1.
    function : str
        Qualified name.
    source : str
        The expression, on one line.
    says : str
        What it reads, what it makes, and what that should be.
    """

    file: str
    first: int
    last: int
    function: str
    source: str
    says: str


@dataclass(frozen=True)
class Mapped:
    """What an expression makes: one of Keras's quantities, or what follows from them in an operation or two.

    Attributes
    ----------
    file : str
    line : int
    function : str
    name : str
        What it is assigned to, or the expression itself.
    quantity : str
        In words.
    factor : float
        The value is so many times Keras's.
    right : bool
        Whether all that follows from it is Keras's too.
    """

    file: str
    line: int
    function: str
    name: str
    quantity: str
    factor: float
    right: bool


@dataclass(frozen=True)
class Lines:
    """What was found out about a subject's lines.

    Attributes
    ----------
    guilty : tuple of Guilty
        The likeliest first; empty where nothing is wrong, or no line can be told.
    warned : tuple of Guilty
        The same of what goes wrong in extreme situations alone.
    code_map : tuple of Mapped
    sources : dict of file to text
        The subject's own files that ran.
    not_traced : str or None
        Why there is no more.
    """

    guilty: tuple[Guilty, ...] = ()
    warned: tuple[Guilty, ...] = ()
    code_map: tuple[Mapped, ...] = ()
    sources: tuple[tuple[str, str], ...] = ()
    not_traced: str | None = None
