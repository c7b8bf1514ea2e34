"""`python -m lab.tools`: get every tool, then say what each is."""

import sys

from lab.tools import ToolError, install


def main() -> int:
    """Exit status for the shell."""
    try:
        inventory = install()
    except ToolError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    sys.stdout.write(inventory.summary() + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
