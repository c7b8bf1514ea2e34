"""`python3 -m pi_workload`: serve until SIGTERM."""

import os
import signal
import sys

from pi_workload.backend import Backend
from pi_workload.color import ColorServer
from pi_workload.panel import open_panel
from pi_workload.server import Server
from pi_workload.settings import from_environment


def main() -> int:
    """Exit status 2 for a bad environment."""

    def say(text: str) -> None:
        print(text, flush=True)  # noqa: T201 - the container's log

    try:
        settings = from_environment(os.environ)
    except ValueError as bad:
        say(f"bad environment: {bad}")
        return 2
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    backend = Backend(settings)
    server = (ColorServer if settings.protocol == "grpc" else Server)(
        settings, backend, open_panel(settings, backend, say)
    )
    say(
        f"{settings.service} by {settings.protocol} on port {settings.port}, error fraction {settings.error_fraction} %"
    )
    server.serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main())
