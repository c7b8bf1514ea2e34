"""The twin's surroundings: what must be there before Pulumi can bring the lab up, and what must go after it."""

import re
import shutil
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from domain.device import DESTINATION_PORT, POLICY_PORT
from lab import docker, paths, tools
from lab.docker import DockerError
from lab.twin import charts, parts
from lab.twin.cluster import NODE_NETWORK, Cluster
from lab.twin.devices import Rig, RigDescription, forward
from lab.twin.errors import TwinError
from lab.twin.inside import Inside
from settings.load import NAMESPACE

STACK = "twin"
CONTROLLER_PORTS = (DESTINATION_PORT, POLICY_PORT)
_RELEASE = re.compile(r"edge-\d{2}\.(1[0-2]|[1-9])\.[1-9]\d?")
_RANGE = "172.31.250"  # of the example's addresses
_CHART_VERSION = re.compile(r"\d+\.\d+\.\d+")


class Wanted(NamedTuple):
    """Versions of Linkerd and of the Faces chart, beside the pinned ones, that the chart mirror has to offer."""

    linkerd: tuple[str, ...] = ()
    faces: tuple[str, ...] = ()


class Outside(NamedTuple):
    """Names of the workloads that the stack file wants on devices, and the address that it gives to each."""

    devices: dict[str, str]


def prepare(inventory: tools.Inventory, *, leaving: bool = False) -> None:
    """Make ready what Pulumi starts from: devices where some are asked for, cluster, charts, definitions, stack file.

    `leaving`: for a destroy, which the stack file needs not fit.
    """
    file = stack_file(STACK)
    real = parts.controllers_are_real()
    described = devices(file, controllers=real)
    if described and real and not leaving:
        find_controllers(file)
    network = IPv4Network(described.subnet) if described else NODE_NETWORK
    cluster = Cluster(node_network=network)
    cluster.up()
    _gateway_api(inventory.gateway_api_crds)
    versions = wanted(file)
    charts.write_mirror(linkerd=versions.linkerd, faces=versions.faces)
    inside = Inside(cluster.directory, *(described.node_addresses[:1] if described else ()))
    if described:
        parts.gather(paths.twin() / "parts")
        inside.up()
    else:
        inside.down()


def leave() -> None:
    """Take everything away that `prepare` made; the Docker engine too when it is the lab's own and nobody else uses it."""
    Rig().down()  # its keys lie in the cluster's directory
    docker.down()
    Cluster().down()


def devices(file: Path, *, controllers: bool) -> RigDescription | None:
    """Those that the stack file asks for, up; None where it asks for none. `controllers`: Linkerd's own run beside them."""
    wanted_devices = outside(file).devices
    if not wanted_devices:
        Rig().down()
        return None
    rig = Rig(names=list(wanted_devices))
    try:
        described = rig.up()
        # Linkerd's own controllers are processes of this machine, and prove no identity.
        forward.set_up(rig, described.devices, CONTROLLER_PORTS if controllers else (), described.node_addresses[0])
    except DockerError as problem:
        raise DockerError(
            f"{problem}\nThe devices of {file.name} are containers of a Docker engine. To go without them, remove the "
            f"lines `device: {{}}` from {file}: the workloads are registered then, and nothing answers at their addresses."
        ) from None
    _fit(file, wanted_devices, described)
    return described


def find_controllers(file: Path) -> None:
    """The proxies look for them on the devices: a new stack file is made to say so. TwinError for a changed one."""
    if _is_new(file):
        file.write_text(
            file.read_text().replace(f"{NAMESPACE}:edge:\n", f"{NAMESPACE}:edge:\n    controllers: {forward.HOST}\n")
        )
    edge = _config(file).get(f"{NAMESPACE}:edge")
    found = edge.get("controllers") if isinstance(edge, dict) else None
    if found != forward.HOST:
        raise TwinError(
            f"{file}: edge.controllers is {found!r}; expected {forward.HOST}, because LAB_PARTS brings Linkerd's controllers, "
            f"which every device of the twin reaches there; write `controllers: {forward.HOST}` below `{NAMESPACE}:edge:`"
        )


def _is_new(file: Path) -> bool:
    """Whether the stack file is still the example, but for the devices' range."""
    example = paths.CHECKOUT / "stacks" / "examples" / file.name
    text = re.sub(r"\b172\.31\.\d+\.", f"{_RANGE}.", file.read_text())
    return example.exists() and text == example.read_text()


def _fit(file: Path, wanted_devices: dict[str, str], described: RigDescription) -> None:
    """Where another network of this machine has taken the usual range, a new stack file follows; a changed one is said."""
    example = paths.CHECKOUT / "stacks" / "examples" / file.name
    prefix = described.subnet.rsplit(".", 1)[0]
    if example.exists() and file.read_text() == example.read_text():
        file.write_text(file.read_text().replace(_RANGE, prefix))
        wanted_devices = outside(file).devices
    wrong = [
        f"workload {name} has {address}, its device {described.devices[name].address}"
        for name, address in wanted_devices.items()
        if address != described.devices[name].address
    ]
    if wrong:
        raise TwinError(f"{file}: {'; '.join(wrong)}: write the device's address under `addresses`")


def outside(file: Path) -> Outside:
    """What a stack file asks for on devices; whatever makes no sense is left to the settings' own report."""
    listed = _config(file).get(f"{NAMESPACE}:workloads")
    devices = {}
    for item in listed if isinstance(listed, list) else []:
        if (
            not isinstance(item, dict)
            or not isinstance(item.get("device"), dict)
            or not isinstance(item.get("name"), str)
        ):
            continue
        addresses = item.get("addresses")
        devices[item["name"]] = str(addresses[0]) if isinstance(addresses, list) and addresses else ""
    return Outside(devices)


def wanted(file: Path) -> Wanted:
    """What a stack file asks for; whatever does not look like a version is left to the settings' own report."""
    config = _config(file)

    def asked(key: str, name: str, pattern: re.Pattern[str]) -> tuple[str, ...]:
        group = config.get(f"{NAMESPACE}:{key}")
        value = group.get(name) if isinstance(group, dict) else None
        return (value,) if isinstance(value, str) and pattern.fullmatch(value) else ()

    return Wanted(asked("linkerd", "version", _RELEASE), asked("faces", "chart-version", _CHART_VERSION))


def _config(file: Path) -> dict[str, Any]:
    try:
        document = yaml.safe_load(file.read_text())
    except yaml.YAMLError:
        return {}
    config = document.get("config") if isinstance(document, dict) else None
    return config if isinstance(config, dict) else {}


def stack_file(stack: str) -> Path:
    """The stack file in stacks/, copied from stacks/examples/ when the user has none yet.

    The file is the user's own and not tracked: the engine writes the stack's encryption salt into it.
    """
    file = paths.CHECKOUT / "stacks" / f"Pulumi.{stack}.yaml"
    example = paths.CHECKOUT / "stacks" / "examples" / file.name
    if not file.exists() and example.exists():
        shutil.copyfile(example, file)
    return file


def _gateway_api(source: Path) -> None:
    """One file, as the official release has it: that is what a stack file can name."""
    parts = sorted(source.glob("*.yaml")) if source.is_dir() else [source]
    text = "---\n".join(part.read_text() for part in parts if part.name != "kustomization.yaml")
    target = paths.twin() / "gateway-api.yaml"
    if not target.exists() or target.read_text() != text:
        target.write_text(text)
