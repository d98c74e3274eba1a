"""The command: `keras-parity`, or `python -m keras_parity`."""

from compare.commands.app import script

if __name__ == "__main__":
    script()
