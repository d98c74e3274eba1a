"""What is raised for input that is wrong, and the warning for networks that go wrong in extreme situations alone."""


class InputError(ValueError):
    """Bad input: the message names the argument, what was expected, what came, and the fix, in one line."""


class ParityWarning(UserWarning):
    """A network trains as Keras does, but goes wrong where logits, gradients or activations are extreme."""


MOST = 10**12  # of anything that is counted: more is a slip of the finger, and too much for any machine


def check_count(name: str, value: object, least: int = 1, most: int = MOST) -> None:
    """Raise InputError unless a value is a whole number, NumPy's included, from `least` to `most`."""
    number = value.__index__() if hasattr(value, "__index__") and not isinstance(value, bool) else None
    if number is None or number < least:
        wanted = "a positive integer" if least == 1 else f"an integer of at least {least}"
        raise InputError(f"`{name}` must be {wanted}. Received: {value}")
    if number > most:
        raise InputError(f"`{name}` must be at most {most}. Received: {value}")
