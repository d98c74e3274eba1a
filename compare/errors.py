"""What is raised for input that is wrong, and the warning for networks that go wrong in extreme situations alone."""


class InputError(ValueError):
    """Bad input: the message names the argument, what was expected, what came, and the fix, in one line."""


class ParityWarning(UserWarning):
    """A network trains as Keras does, but goes wrong where logits, gradients or activations are extreme."""


LARGEST = 3.4e38  # of any rate or penalty: Keras rounds them to float32, which holds no more
MOST = 10**12  # of anything that is counted: more is a slip of the finger, and too much for any machine


def check_count(name: str, value: object, least: int = 1, most: int = MOST) -> None:
    """Raise InputError unless a value is a whole number, NumPy's included, from `least` to `most`."""
    number = value.__index__() if hasattr(value, "__index__") and not isinstance(value, bool) else None
    if number is None or number < least:
        wanted = "a positive integer" if least == 1 else f"an integer of at least {least}"
        raise InputError(f"`{name}` must be {wanted}. Received: {value}")
    if number > most:
        raise InputError(f"`{name}` must be at most {most}. Received: {value}")


def check_amount(name: str, value: float, positive: bool = True) -> None:
    """Raise InputError unless a value is a number that float32 holds, positive or, if it need not be, 0."""
    if not (value > 0 if positive else value >= 0) or value == float("inf"):
        wanted = "a positive number" if positive else "0 or a positive number"
        raise InputError(f"`{name}` must be {wanted}. Received: {value}")
    if value > LARGEST:
        raise InputError(f"`{name}` must be at most {LARGEST:g}, which float32 holds. Received: {value}")
