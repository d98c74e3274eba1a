"""How the path of a user's file is shown."""

import os
from pathlib import Path


def shown(file: str) -> str:
    """A path from where the command was given, if the file lies there or near; else as it is."""
    if not Path(file).is_absolute():
        return file
    relative = os.path.relpath(file)
    return file if relative.startswith(os.path.join("..", "..", "..")) else relative
