"""What is raised for input that is wrong, and the warning for networks that go wrong in extreme situations alone."""


class InputError(ValueError):
    """Bad input: the message names the argument, what was expected, what came, and the fix, in one line."""


class ParityWarning(UserWarning):
    """A network trains as Keras does, but goes wrong where logits, gradients or activations are extreme."""
