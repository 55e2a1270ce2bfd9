"""``python -m quot``: the same as the command ``quot``."""

from quot.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
