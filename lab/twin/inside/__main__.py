"""The runner: `python -m lab.twin.inside --directory=... --node-address=...`, until it is told to stop."""

import argparse
import signal
import sys
import threading
from pathlib import Path

from lab.twin.errors import TwinError
from lab.twin.inside.places import Places
from lab.twin.inside.runner import Runner

_TURN_SECONDS = 0.5


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m lab.twin.inside", description=__doc__)
    parser.add_argument("--directory", type=Path, required=True)
    parser.add_argument("--node-address", required=True)
    asked = parser.parse_args()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    runner = Runner(Places(twin=asked.directory, address=asked.node_address))
    # The twin's directory goes last: without it there is nothing left to follow.
    while not stop.is_set() and asked.directory.is_dir():
        try:
            with runner.connect() as api:
                while not stop.is_set():
                    runner.turn(api)
                    runner.trouble(None)
                    stop.wait(_TURN_SECONDS)
        except (TwinError, OSError, KeyError) as problem:
            runner.trouble(problem if isinstance(problem, TwinError) else TwinError(f"no twin to follow: {problem!r}"))
            stop.wait(_TURN_SECONDS)
    return 0


if __name__ == "__main__":
    sys.exit(main())
