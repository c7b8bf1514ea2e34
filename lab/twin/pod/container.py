"""A container that stands for a pod: made, set up, given a proxy, taken away, at the latest when its time is over."""

import secrets
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import docker
from docker.errors import APIError, NotFound
from docker.models.containers import Container
from docker.types import Mount

from domain.proxy import ADMIN
from lab.docker.errors import DockerError
from lab.twin.devices import shell
from lab.twin.pod.proxy import TOKEN
from lab.twin.pod.rules import PROXY_UID

LABEL = "mesh-expansion-lab.pod"  # its value is the network's name
DIRECTORY = "/run/pod"
PROGRAMS = "/usr/local/lib/pod"
_PROXY = f"{PROGRAMS}/linkerd2-proxy"
_LOG = f"{DIRECTORY}/proxy.log"
_SET_UP = Path(__file__).with_name("set-up.sh")
_READY_SECONDS = 30
# The container's own program ends in time, and the engine takes the container away, whatever has become of this one.
_PROGRAM = "sleep"


@dataclass(frozen=True, kw_only=True)
class PodSettings:
    """`rules` are a table for iptables-restore; `identity` is the name that its proxy proves, "" without a proxy.

    `ranges` are the cluster's, to which `node` leads; `search` are domains of short names.
    """

    ranges: tuple[str, ...]
    node: str
    search: tuple[str, ...]
    rules: str
    identity: str = ""


class PodContainer:
    """A container of the devices' network that takes no ports and stays for `seconds` at most."""

    def __init__(
        self, client: docker.DockerClient, *, image: str, network: str, seconds: float, programs: Sequence[Path] = ()
    ) -> None:
        """Make and start it; `programs` of this machine are at PROGRAMS there. Raises docker's errors."""
        self.name = f"{network}-pod-{secrets.token_hex(3)}"
        self._container: Container = client.containers.run(
            image,
            name=self.name,
            hostname=self.name,
            entrypoint=[_PROGRAM, f"{seconds:.0f}"],
            command=[],
            detach=True,
            auto_remove=True,
            network=network,
            labels={LABEL: network},
            cap_add=["NET_ADMIN"],
            security_opt=["no-new-privileges"],
            # For the controllers, which a proxy dials at its loopback address.
            sysctls={"net.ipv4.conf.all.route_localnet": "1"},
            tmpfs={DIRECTORY: "mode=0711,size=16m"},
            mounts=[
                Mount(f"{PROGRAMS}/{program.name}", str(program.resolve()), type="bind", read_only=True)
                for program in programs
            ],
        )

    def set_up(self, settings: PodSettings, token: str = "") -> None:
        """Routes, names and redirect, and what a proxy starts from. Raises DockerError."""
        if settings.identity:
            shell.write(self._container, f"{DIRECTORY}/{TOKEN}", token.encode())
        given = {
            "RANGES": " ".join(settings.ranges),
            "NODE": settings.node,
            "SEARCH": " ".join(settings.search),
            "RULES": settings.rules,
            "IDENTITY": settings.identity,
            "DIRECTORY": DIRECTORY,
        }
        self._must(_SET_UP.read_text(), environment=given)

    def run_proxy(self, environment: Mapping[str, str]) -> None:
        """Start the proxy and wait until it has its certificate. Raises DockerError with what it said."""
        command = ["/bin/sh", "-c", f"exec {_PROXY} >>{_LOG} 2>&1"]
        self._container.exec_run(
            command, detach=True, user=f"{PROXY_UID}:{PROXY_UID}", workdir="/", environment=dict(environment)
        )
        limit = time.monotonic() + _READY_SECONDS
        while self.shell(f"curl -sfm 2 http://127.0.0.1:{ADMIN}/ready")[0]:
            if time.monotonic() > limit:
                said = self.shell(f"tail -n 8 {_LOG}")[1].strip()
                raise DockerError(f"the proxy of {self.name} was not ready within {_READY_SECONDS} s; it said:\n{said}")
            time.sleep(0.1)

    def run(self, command: Sequence[str]) -> None:
        """Start a program as nobody, and forget it: it goes with the container."""
        self._container.exec_run(list(command), detach=True, user="65534:65534", workdir="/")

    def shell(self, command: str, seconds: float = shell.SECONDS) -> tuple[int, str]:
        """Exit status and both streams of a shell command, as the pod's own program. Raises DockerError."""
        return shell.shell(self._container, command, seconds)

    def remove(self) -> None:
        """Take it away; nothing happens when it is gone."""
        with suppress(NotFound):
            try:
                self._container.remove(force=True, v=True)
            except APIError as refused:
                if "already in progress" not in str(refused.explanation):
                    raise

    def _must(self, command: str, environment: Mapping[str, str]) -> None:
        status, said = shell.shell(self._container, command, environment=environment)
        if status:
            raise DockerError(f"{self.name} could not be set up ({status}): {said.strip()}")
