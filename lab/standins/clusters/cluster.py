"""Making, changing and taking away a cluster; what a killed run left of one is taken away like a whole one."""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import docker
from docker.models.networks import Network
from filelock import FileLock, Timeout

from lab.standins.clusters import bridge, record
from lab.standins.clusters.errors import Refused
from lab.standins.clusters.record import Record
from lab.twin.cluster import Cluster
from lab.twin.errors import TwinError
from lab.twin.inside import Inside

_LOCK_SECONDS = 120.0


def network(client: docker.DockerClient, name: str) -> Network:
    """The network that a cluster joins. Raises Refused: the real tools would make one, which the lab's own do before."""
    found = bridge.find(client, name)
    if found is None:
        raise Refused(f"the stand-in joins networks that are there, and there is no network {name}")
    return found


def taken() -> list[str]:
    """Addresses of the nodes of all clusters."""
    return [address for tool in ("k3d", "kind") for found in record.read(tool) for address in found.addresses]


def held_ports() -> list[int]:
    """Ports of this machine that the real tools would hold for the clusters that are there."""
    return [port for tool in ("k3d", "kind") for found in record.read(tool) for port in found.ports]


def up(client: docker.DockerClient, wanted: Record) -> None:
    """Make it, bring it up again after a reboot, or give it other nodes. Raises Refused."""
    with _locked(wanted):
        before = next((found for found in record.read(wanted.tool) if found.name == wanted.name), None)
        wanted.write()
        net = network(client, wanted.network)
        if before:
            bridge.take(client, net, sorted({*before.addresses} - {*wanted.addresses}))
        bridge.put(client, net, wanted.addresses)
        cluster = _cluster(wanted)
        try:
            cluster.up()
            Inside(cluster.directory, wanted.members[0].addresses[0]).up()
        except TwinError as problem:
            raise Refused(str(problem)) from problem


def down(client: docker.DockerClient, gone: Record) -> None:
    """Take everything of it away: processes, files, addresses."""
    with _locked(gone):
        _cluster(gone).down()
        if net := bridge.find(client, gone.network):
            bridge.take(client, net, gone.addresses)
        shutil.rmtree(gone.directory, ignore_errors=True)


def running(found: Record) -> bool:
    """Whether all of its processes are there."""
    return all(state.state == "running" for state in _cluster(found).status())


def kubeconfig(found: Record) -> str:
    """The administrator's. Raises Refused before there is one."""
    file = _cluster(found).kubeconfig
    if not file.exists():
        raise Refused(f"cluster {found.name} has no kubeconfig: it was not made to its end")
    return file.read_text()


def _cluster(found: Record) -> Cluster:
    return Cluster(found.directory / "twin", shape=found.shape)


@contextmanager
def _locked(found: Record) -> Iterator[None]:
    """One run at a time; the kernel lets go of the lock of a run that is killed."""
    path = found.directory.with_name(f"{found.directory.name}.lock")
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        with FileLock(path, timeout=_LOCK_SECONDS):
            yield
            if not found.directory.exists():
                path.unlink(missing_ok=True)  # who waits for it sees that it is gone and makes a new one
    except Timeout as problem:
        raise Refused(f"another run has been busy with cluster {found.name} for {_LOCK_SECONDS:.0f} s") from problem


def free_addresses(client: docker.DockerClient, net: Network, count: int) -> Sequence[tuple[str, ...]]:
    """For so many nodes, one of each of the network's families."""
    return bridge.free(client, net, count, taken())
