"""Run as a script: `lifeline.py <parent's pid> <program> [argument...]` becomes the program, which ends when the parent does."""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    """Linux only, as the lab's devices are; elsewhere helm would go on alone and be recovered from later."""
    parent, program = int(sys.argv[1]), sys.argv[2]
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        sys.exit("the process that wanted this is gone")
    os.execv(program, sys.argv[2:])  # noqa: S606 - this is the whole purpose


if __name__ == "__main__":
    main()
