"""The twin's cluster: brought up, looked at, taken down."""

import shutil
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from ipaddress import IPv4Network
from pathlib import Path

from filelock import FileLock, Timeout

from lab import paths
from lab.twin import definitions, nodes, placement, pods, ports, programs
from lab.twin.api import Api
from lab.twin.errors import TwinError
from lab.twin.inside import Inside
from lab.twin.layout import Layout, Shape, plain
from lab.twin.process import ProcessState, Program, locate

# RFC 5737: a range that no machine has, so that a wrong connection to a node fails instead of reaching somebody.
NODE_NETWORK = IPv4Network("192.0.2.0/24")
MOST_NODES = 200
_POLL_SECONDS = 0.05
_START_SECONDS = 60.0
_LOCK_SECONDS = 120.0


class Cluster:
    """A Kubernetes API with nodes that are only said to be there, below one directory of this machine."""

    def __init__(
        self,
        directory: Path | None = None,
        nodes: int = 1,
        node_network: IPv4Network = NODE_NETWORK,
        shape: Shape | None = None,
    ) -> None:
        """`shape`: one that says more than how many nodes there are, and in which network."""
        room = min(MOST_NODES, node_network.num_addresses - 16)
        if not 1 <= nodes <= room:
            raise TwinError(f"{nodes} nodes are asked for; the twin can have 1 to {room} in {node_network}")
        directory = (directory or paths.twin()).resolve()
        self._layout = Layout(directory=directory, shape=shape or plain(nodes, node_network))

    @property
    def directory(self) -> Path:
        return self._layout.directory

    @property
    def kubeconfig(self) -> Path:
        """Written by `up`; the same bytes at every later `up`, unless a port was lost to another program."""
        return self._layout.kubeconfig

    def up(self) -> Path:
        """Bring up what is not up, and wait until pods can run; the kubeconfig's path. Raises TwinError."""
        for program in programs.known(self._layout):
            locate(program.binary)
        with self._locked():
            self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            chosen = self._ports()
            authority = programs.write_material(self._layout, chosen)
            wanted = programs.programs(self._layout, chosen, authority)
            running: list[Program] = []

            def start(name: str) -> bool:
                running.append(wanted[name])
                return wanted[name].ensure()

            if start(programs.ETCD):
                # An API server that has lost its store waits up to two minutes before it dials again.
                wanted[programs.API].stop(grace=0)
            anew = start(programs.API)
            with Api(chosen[programs.API], authority.certificate, authority.path("admin")) as api:
                _wait(running, api.ready, "the API server to be ready")
                if anew:
                    definitions.wake_definitions(api)
                start(programs.CONTROLLERS)
                nodes.ensure_nodes(api, self._layout)
                placement.ensure_placement(api, self._layout)
                new = start(programs.KWOK)
                _wait(running, lambda: placement.places(api, self._layout), "new pods to get a node")
                _wait(running, lambda: not nodes.unready(api, self._layout), "the nodes to be ready")
                if new:
                    pods.wake_pods(api)
        return self.kubeconfig

    def down(self, keep: Collection[str] = ()) -> None:
        """End every process of the twin and remove its directory, but for the entries named in `keep`."""
        if not self.directory.parent.is_dir():
            return
        with self._locked() as lock:
            Inside(self.directory).down()
            for program in programs.known(self._layout):
                program.stop(grace=0)  # nothing that it would still write is kept
            if keep and self.directory.is_dir():
                for entry in self.directory.iterdir():
                    if entry.name not in keep:
                        _remove(entry)
            else:
                _remove(self.directory)
            # Safe while held: who waits for the file sees that it is gone and makes a new one.
            lock.unlink(missing_ok=True)

    def status(self) -> list[ProcessState]:
        """What runs, in starting order; asks nobody."""
        listening = {programs.ETCD, programs.API}
        chosen = ports.read(self._layout.ports_file)
        return [
            program.state(chosen.get(program.name) if program.name in listening else None)
            for program in reversed(programs.known(self._layout))
        ]

    def _ports(self) -> dict[str, int]:
        alive = {program.name for program in programs.known(self._layout) if program.find()}
        held = {name: name.removesuffix("-peer") in alive for name in programs.PORTS}
        return ports.settle(self._layout.ports_file, programs.PORTS, held)

    @contextmanager
    def _locked(self) -> Iterator[Path]:
        """One `up` or `down` at a time; the kernel lets go of the lock of a run that is killed."""
        path = self.directory.with_name(f"{self.directory.name}.lock")
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with FileLock(path, timeout=_LOCK_SECONDS, poll_interval=_POLL_SECONDS):
                yield path
        except Timeout as problem:
            raise TwinError(
                f"another `up` or `down` of {self.directory} has been running for {_LOCK_SECONDS:.0f} s; "
                "wait for it or end it, then try again"
            ) from problem


def _wait(running: list[Program], condition: Callable[[], bool], what: str) -> None:
    limit = time.monotonic() + _START_SECONDS
    refused = ""
    while True:
        try:
            if condition():
                return
        except TwinError as problem:
            refused = f"; the last answer was: {problem}"  # a server that is starting, or one that was just lost
        for program in running:
            if not program.find():
                raise TwinError(
                    f"the twin's {program.name} ended while starting. If it ended before as well, "
                    f"take the twin down and up again. It said last:\n{program.last_words()}"
                )
        if time.monotonic() > limit:
            words = "\n".join(f"{program.name}:\n{program.last_words(2)}" for program in running)
            raise TwinError(f"waited {_START_SECONDS:.0f} s for {what}{refused}\nThe programs said last:\n{words}")
        time.sleep(_POLL_SECONDS)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
