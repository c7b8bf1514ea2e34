"""Shell commands in a container, and files that no command line may show."""

import secrets
import socket
import time
from collections.abc import Mapping
from typing import Any

from docker.models.containers import Container, ExecResult

from lab.docker.errors import DockerError

SECONDS = 120.0
_POLL_SECONDS = 0.05


def shell(
    container: Container, command: str, seconds: float = SECONDS, environment: Mapping[str, str] | None = None
) -> tuple[int, str]:
    """Exit status and both streams of a shell command, as root. Raises DockerError when it takes longer than `seconds`.

    An engine under load now and then loses some of what a command prints, so it goes to a file that is read until it
    is whole.
    """
    place = f"/run/twin-shell.{secrets.token_hex(4)}"
    end = f'printf "\\n%s %s end\\n" "$?" "$(wc -c <{place})" >>{place}; cat {place}'
    run = ["/bin/sh", "-c", f'/bin/sh -c "$1" >{place} 2>&1; {end}', "sh", command]
    read = _printed(container.exec_run(run, environment=dict(environment or {})))
    limit = time.monotonic() + seconds
    while (found := whole(read)) is None:
        if time.monotonic() > limit:
            said = read.decode(errors="replace")
            raise DockerError(f"{container.name} did not finish `{command}` within {seconds:.0f} s: {said}")
        time.sleep(_POLL_SECONDS)
        read = _printed(container.exec_run(["cat", place]))
    container.exec_run(["rm", "-f", place], detach=True)
    return found


def write(container: Container, path: str, content: bytes) -> None:
    """Write a file, readable by root alone, whose content is on no command line. Raises DockerError."""
    assert container.client, "one of an engine"  # noqa: S101 - of Docker's interface
    api = container.client.api
    made = api.exec_create(container.id, ["/bin/sh", "-c", 'umask 077; cat >"$1"', "sh", path], stdin=True)
    stream: Any = api.exec_start(made["Id"], socket=True)
    # Docker's client has no other way to say that all has been sent.
    connection: socket.socket = stream._sock
    said = b""
    try:
        connection.sendall(content)
        connection.shutdown(socket.SHUT_WR)
        while part := connection.recv(4096):
            said += part
    finally:
        stream.close()
    if status := api.exec_inspect(made["Id"])["ExitCode"]:
        raise DockerError(
            f"{container.name}: {path} was not written ({status}): {said.decode(errors='replace').strip()}"
        )


def whole(read: bytes) -> tuple[int, str] | None:
    """Status and output of a command out of what its file holds; None while some of it is missing."""
    printed, _, last = read.removesuffix(b" end\n").rpartition(b"\n")
    words = last.split()
    if not read.endswith(b" end\n") or len(words) != 2 or int(words[1]) != len(printed):
        return None
    return int(words[0]), printed.decode(errors="replace")


def _printed(done: ExecResult) -> bytes:
    return done.output if isinstance(done.output, bytes) else b"".join(done.output)
