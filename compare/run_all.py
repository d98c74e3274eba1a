"""The script behind `make run`: the main job, which is the command `keras-parity run`."""

import sys
from pathlib import Path

if not __package__:  # run as a script: Python then looks for modules in this folder, not in the checkout
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from compare.commands.app import script

if __name__ == "__main__":
    script(["run", *sys.argv[1:]])
