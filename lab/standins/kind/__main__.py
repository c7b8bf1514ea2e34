"""`kind`: commands, and what becomes of each."""

import platform
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import docker
from docker.errors import APIError
from docker.models.networks import Network
from docker.types import IPAMConfig, IPAMPool

import versions
from lab.standins.clusters import bridge, cluster, record
from lab.standins.clusters.errors import Refused
from lab.standins.clusters.flags import Given, parse
from lab.standins.clusters.record import Node, Record
from lab.standins.kind import config
from lab.twin.files import write_private

_NETWORK = "kind"
_SUBNET = "fc00:f853:ccd:e793::/64"  # what kind makes of the network's name
_LABEL = "mesh-expansion-lab.kind"
_MACHINES = {"x86_64": "amd64", "aarch64": "arm64"}


def version(_: Given) -> None:
    """`kind version`."""
    sys.stdout.write(f"kind v{versions.KIND} stand-in linux/{_MACHINES.get(platform.machine(), platform.machine())}\n")


def get_clusters(_: Given) -> None:
    """`kind get clusters`."""
    with bridge.engine():
        found = record.read("kind")
    if not found:
        _say("No kind clusters found.")
    sys.stdout.write("".join(f"{one.name}\n" for one in found))


def get_kubeconfig(given: Given) -> None:
    """`kind get kubeconfig --name NAME`."""
    name = given.text("name", _NETWORK)
    with bridge.engine():
        found = _named(name)
    if found is None:
        raise Refused(
            f"could not locate any control plane nodes for cluster named '{name}'. "
            "Use the --name option to select a different cluster"
        )
    sys.stdout.write(cluster.kubeconfig(found) + "\n")


def create(given: Given) -> None:
    """`kind create cluster`; what fails half way is taken away again."""
    name = given.text("name", _NETWORK)
    if given.text("config") != "-" or not given.text("kubeconfig"):
        raise Refused(
            "the stand-in reads its configuration from standard input and never writes the operator's kubeconfig: --config - --kubeconfig FILE"
        )
    asked = config.read(sys.stdin.read())
    with bridge.engine() as client:
        if _named(name):
            raise Refused(f'failed to create cluster: node(s) already exist for a cluster with the name "{name}"')
        _say(f'Creating cluster "{name}" ...')
        network = bridge.find(client, _NETWORK) or _make_network(client)
        wanted = _record(name, given.text("image"), asked, network, cluster.free_addresses(client, network, 1)[0])
        _say(" • Starting the lab's stand-in: the twin's cluster, and no container  ...")
        try:
            cluster.up(client, wanted)
        except Refused:
            _take_away(client, wanted)
            raise
        _say(" ✓ Starting the lab's stand-in: the twin's cluster, and no container")
        write_private(Path(given.text("kubeconfig")), cluster.kubeconfig(wanted).encode())
        _say(f'Set kubectl context to "kind-{name}"')


def delete(given: Given) -> None:
    """`kind delete cluster --name NAME`; nothing to delete is no error."""
    name = given.text("name", _NETWORK)
    with bridge.engine() as client:
        _say(f'Deleting cluster "{name}" ...')
        if found := _named(name):
            _take_away(client, found)
            _say(f'Deleted nodes: ["{name}-control-plane"]')


def _record(name: str, image: str, asked: config.Config, network: Network, addresses: tuple[str, ...]) -> Record:
    labels = {"node-role.kubernetes.io/control-plane": "", **asked.nodes[0].labels}
    return Record(
        tool="kind",
        name=name,
        network=_NETWORK,
        network_id=str(network.id),
        image=image,
        nodes=(Node(name=f"{name}-control-plane", role="control-plane", addresses=addresses, node_labels=labels),),
        pod_networks=asked.pod_networks,
        service_networks=asked.service_networks,
        context=f"kind-{name}",
        user=f"kind-{name}",
        balances=False,
        created=f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
    )


def _make_network(client: docker.DockerClient) -> Network:
    try:
        made = client.networks.create(
            _NETWORK,
            driver="bridge",
            check_duplicate=True,
            enable_ipv6=True,
            ipam=IPAMConfig(pool_configs=[IPAMPool(subnet=_SUBNET)]),
            options={"com.docker.network.bridge.enable_ip_masquerade": "true", "com.docker.network.driver.mtu": "1500"},
            labels={_LABEL: "true"},
        )
    except APIError as refused:
        raise Refused(f"failed to ensure docker network: {refused.explanation}") from refused
    made.reload()
    return made


def _take_away(client: docker.DockerClient, gone: Record) -> None:
    cluster.down(client, gone)
    network = bridge.find(client, _NETWORK)
    if network is None or record.read("kind") or _LABEL not in (network.attrs.get("Labels") or {}):
        return
    if not client.containers.list(all=True, filters={"network": _NETWORK}):
        network.remove()


def _named(name: str) -> Record | None:
    return next((found for found in record.read("kind") if found.name == name), None)


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


_COMMANDS: dict[tuple[str, ...], tuple[Callable[[Given], None], Sequence[str]]] = {
    ("version",): (version, ()),
    ("get", "clusters"): (get_clusters, ()),
    ("get", "kubeconfig"): (get_kubeconfig, ("name",)),
    ("create", "cluster"): (create, ("name", "image", "config", "wait", "kubeconfig")),
    ("delete", "cluster"): (delete, ("name", "kubeconfig")),
}


def main(arguments: Sequence[str]) -> int:
    """Run one command; 1 when it is refused."""
    try:
        _run(arguments)
    except Refused as problem:
        _say(f"ERROR: {problem}")
        return 1
    return 0


def _run(arguments: Sequence[str]) -> None:
    for name, (run, texts) in _COMMANDS.items():
        if tuple(arguments[: len(name)]) != name:
            continue
        given = parse(arguments[len(name) :], texts=texts, short={"n": "name"})
        if given.arguments:
            raise Refused(f'unknown command "{given.arguments[0]}" for "kind {" ".join(name)}"')
        run(given)
        return
    raise Refused(f"the stand-in does not know the command `kind {' '.join(arguments)}`")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
