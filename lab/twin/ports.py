"""The twin's ports: chosen once, kept while they can be."""

import json
import socket
import sys
import time
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path

from lab.twin.errors import TwinError
from lab.twin.files import write_private

# Below the ports that kernels hand to outgoing connections and below NodePorts: what is free now stays free.
FIRST, COUNT = 21000, 8000
_DYING_SECONDS = 3.0


def settle(path: Path, names: Iterable[str], held: Mapping[str, bool]) -> dict[str, int]:
    """Port of each name, as kept in the file at `path`.

    `held` says which of them the twin's own processes listen on; any other port that is in use is replaced, and
    said on stderr. A new twin in the same directory gets the same ports again when they are free.
    """
    kept, ports = read(path), dict[str, int]()
    for name in names:
        port = kept.get(name)
        if port is not None and (held.get(name) or _becomes_free(port)):
            ports[name] = port
            continue
        ports[name] = _choose(f"{path}:{name}", {*kept.values(), *ports.values()})
        if port is not None:
            sys.stderr.write(
                f"lab: port {port} of the twin's {name} is taken by another program; it moves to {ports[name]}, "
                "and the kubeconfig changes with it\n"
            )
    write_private(path, json.dumps(ports, indent=1, sort_keys=True).encode())
    return ports


def is_free(port: int) -> bool:
    """Whether a server could listen on the port of the loopback address."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do: TIME_WAIT does not count
        try:
            probe.bind(("127.0.0.1", port))
            probe.listen(1)
        except OSError:
            return False
    return True


def _becomes_free(port: int) -> bool:
    """A program that was killed a moment ago may not have let go of its port yet."""
    limit = time.monotonic() + _DYING_SECONDS
    while not is_free(port):
        if time.monotonic() > limit:
            return False
        time.sleep(0.05)
    return True


def _choose(seed: str, taken: set[int]) -> int:
    start = zlib.crc32(seed.encode())
    for step in range(COUNT):
        port = FIRST + (start + step) % COUNT
        if port not in taken and is_free(port):
            return port
    raise TwinError(f"no free port between {FIRST} and {FIRST + COUNT - 1}; end what holds them and try again")


def read(path: Path) -> dict[str, int]:
    """Ports that are kept in the file; none when it is absent or half-written."""
    try:
        content = json.loads(path.read_text())
        return {name: port for name, port in content.items() if isinstance(port, int) and 0 < port < 65536}
    except (OSError, ValueError, AttributeError):
        return {}
