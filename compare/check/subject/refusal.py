"""What stops a check: a subject that cannot be driven, or not further, with the reason and what to do about it."""


class Refusal(Exception):
    """The subject cannot be driven, or not further; the message says why."""
