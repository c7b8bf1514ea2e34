"""`python -m prober`, until it is told to stop."""

import os
import signal
import sys
import threading

from .kubernetes import Api
from .prober import Prober, say
from .settings import Settings

_TICK_SECONDS = 0.1


def main() -> int:
    settings = Settings.read(os.environ)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    prober = Prober(settings, Api(settings.api, settings.api_ca, settings.token))
    say(f"looking at {', '.join(settings.namespaces)}")
    trouble = ""
    while not stop.wait(_TICK_SECONDS):
        try:
            prober.turn()
            trouble = ""
        except OSError as problem:
            if str(problem) != trouble:
                say(str(problem))
            trouble = str(problem)
            stop.wait(1)
    prober.pool.shutdown(wait=False, cancel_futures=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
