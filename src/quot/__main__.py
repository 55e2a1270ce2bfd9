"""``python -m quot``: the same as the command ``quot``."""

from quot.cli import command

if __name__ == "__main__":
    command()
