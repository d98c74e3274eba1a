"""Which option was meant by one that does not exist."""

import difflib
from collections.abc import Iterable


def meant(typed: str, options: Iterable[str]) -> str | None:
    """Return the option that was meant: by its initials, its beginning, one of its words, or a slip of the finger."""
    given = typed.partition("=")[0].lstrip("-").casefold()
    names = {option.lstrip("-"): option for option in options}
    rules = (
        lambda name: given == "".join(word[:1] for word in name.split("-")),
        lambda name: name.startswith(given),
        lambda name: any(word.startswith(given) for word in name.split("-")),
    )
    found = [name for rule in rules for name in names if given and rule(name)]
    near = found or difflib.get_close_matches(given, names, n=1)
    return names[near[0]] if near else None
