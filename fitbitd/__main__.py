"""The program, as `fitbitd` and as `python -m fitbitd`."""

import sys
from importlib import import_module


def main() -> int:
    """Run the command line; Ctrl-C while that is still being loaded ends it without a word."""
    try:
        code: int = import_module("fitbitd.cli").main()
    except KeyboardInterrupt:
        return 130  # as `cli` has it
    return code


if __name__ == "__main__":
    sys.exit(main())
