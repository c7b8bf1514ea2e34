"""The twin's surroundings: what must be there before Pulumi can bring the lab up, and what must go after it."""

from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from urllib.parse import urlsplit

import yaml

from domain.device import DESTINATION_PORT, POLICY_PORT
from lab import docker, gateway_api, paths, recovery, stack_file, tools, twin_file
from lab.docker import DockerError
from lab.twin import charts, parts
from lab.twin.cluster import NODE_NETWORK, Cluster
from lab.twin.devices import Rig, RigDescription, forward
from lab.twin.errors import TwinError
from lab.twin.inside import Inside
from lab.waiting import waiting
from settings.load import NAMESPACE

STACK = "twin"
CONTROLLER_PORTS = (DESTINATION_PORT, POLICY_PORT)


def prepare(inventory: tools.Inventory, *, leaving: bool = False) -> None:
    """Make ready what Pulumi starts from: devices where some are asked for, cluster, charts, definitions, stack file.

    `leaving`: for a destroy, which the stack file needs not fit.
    """
    file = stack_file.find(STACK)
    real = parts.controllers_are_real()
    with waiting("starting the devices", "10s to 30s, the first time two minutes"):
        described = devices(file, controllers=real)
    if described and real and not leaving:
        find_controllers(file)
    network = IPv4Network(described.subnet) if described else NODE_NETWORK
    cluster = Cluster(node_network=network)
    with waiting("starting the cluster", "10s to 30s"):
        cluster.up()
    gateway_api.write(inventory.gateway_api_crds, paths.twin() / "gateway-api.yaml")
    versions = stack_file.wanted(file)
    charts.write_mirror(linkerd=versions.linkerd, faces=versions.faces, emissary=versions.emissary)
    if described or real:
        parts.gather(paths.twin() / "parts")
    if described and stack_file.outside(file).containers and not leaving:
        with waiting("making images for containers", "10s"):
            find_containers(file)
    # Without devices too: there are routes to accept.
    with waiting("starting what answers for pods", "5s"):
        Inside(cluster.directory, described.node_addresses[0] if described else _own_address(cluster)).up()


def _own_address(cluster: Cluster) -> str:
    """Of the loopback's many, one that belongs to this twin's API port: what runs inside other twins has others."""
    server = yaml.safe_load(cluster.kubeconfig.read_text())["clusters"][0]["cluster"]["server"]
    high, low = divmod(urlsplit(server).port or 0, 256)
    return f"127.{high}.{low}.1"


def leave() -> None:
    """Take everything away that `prepare` made; the Docker engine too when it is the lab's own and nobody else uses it."""
    with waiting("taking devices and cluster away", "5s"):
        Rig().down()  # its keys lie in the cluster's directory
        if not recovery.others(STACK):
            docker.down()
        Cluster().down()


def devices(file: Path, *, controllers: bool) -> RigDescription | None:
    """Those that the stack file asks for, up, on the network of its containers; None where it asks for neither.

    `controllers`: Linkerd's own run beside them.
    """
    asked = stack_file.outside(file)
    if not asked.devices and not asked.containers:
        Rig().down()
        return None
    rig = Rig(names=list(asked.devices))
    try:
        described = rig.up()
        # Linkerd's own controllers are processes of this machine, and prove no identity.
        forward.set_up(rig, described.devices, CONTROLLER_PORTS if controllers else (), described.node_addresses[0])
    except DockerError as problem:
        raise DockerError(
            f"{problem}\nThe devices of {file.name} are containers of a Docker engine. To go without them, remove the lines "
            f"`device: {{}}` and `container: {{}}` from {file}: the workloads are registered then, and nothing answers at "
            "their addresses."
        ) from None
    _fit(file, described)
    return described


def find_controllers(file: Path) -> None:
    """The proxies look for them on the devices: a new stack file is made to say so. TwinError for a changed one."""
    if twin_file.is_new(file):
        file.write_text(
            file.read_text().replace(f"{NAMESPACE}:edge:\n", f"{NAMESPACE}:edge:\n    controllers: {forward.HOST}\n")
        )
    edge = stack_file.config(file).get(f"{NAMESPACE}:edge")
    found = edge.get("controllers") if isinstance(edge, dict) else None
    if found != forward.HOST:
        raise TwinError(
            f"{file}: edge.controllers is {found!r}; expected {forward.HOST}, because LAB_PARTS brings Linkerd's controllers, "
            f"which every device of the twin reaches there; write `controllers: {forward.HOST}` below `{NAMESPACE}:edge:`"
        )


def find_containers(file: Path) -> None:
    """Write into the stack file where the engine is, and what it has now for containers to stand on."""
    directory = paths.twin() / "parts"
    values = Rig().ground(
        proxy=directory / "linkerd2-proxy", agent=directory / "spire-agent", workload=parts.workload_program()
    )
    twin_file.write(file, twin_file.settled(file.read_text(), values))


def _fit(file: Path, described: RigDescription) -> None:
    """Where another network of this machine has taken the usual range, a new stack file follows; a changed one is said."""
    twin_file.move(file, f"{described.subnet.rsplit('.', 1)[0]}.")
    asked = stack_file.outside(file)
    wrong = [
        f"workload {name} has {address}, its device {described.devices[name].address}"
        for name, address in asked.devices.items()
        if address != described.devices[name].address
    ]
    wrong += [
        f"workload {name} has {address}, its network {described.subnet}"
        for name, address in asked.containers.items()
        if not _lies_in(address, described.subnet)
    ]
    if wrong:
        raise TwinError(f"{file}: {'; '.join(wrong)}: write such an address under `addresses`")


def _lies_in(address: str, subnet: str) -> bool:
    try:
        return IPv4Address(address) in IPv4Network(subnet)
    except ValueError:
        return True  # the settings' own report says so better
