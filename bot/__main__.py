"""`lotse`, and `python -m bot`."""

from __future__ import annotations

import sys


def main() -> int:
    """The command line; imports as little as the command needs."""
    from bot.cli import run

    return run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
