"""The one exception that means "the input is wrong": the command line prints it as one line and exits 2."""


class InputError(ValueError):
    """Bad input: the message names the argument, what was expected, what came, and the fix, in one line."""
