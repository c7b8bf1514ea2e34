"""The twin's surroundings: what must be there before Pulumi can bring the lab up, and what must go after it."""

import re
import shutil
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from lab import docker, paths, tools
from lab.docker import DockerError
from lab.twin import charts, parts
from lab.twin.cluster import NODE_NETWORK, Cluster
from lab.twin.devices import Rig, RigDescription
from lab.twin.errors import TwinError
from lab.twin.inside import Inside
from settings.load import NAMESPACE

STACK = "twin"
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


def prepare(inventory: tools.Inventory) -> None:
    """Make ready what Pulumi starts from: devices where some are asked for, cluster, charts, definitions, stack file."""
    file = stack_file(STACK)
    described = _rig(file)
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


def _rig(file: Path) -> RigDescription | None:
    wanted_devices = outside(file).devices
    if not wanted_devices:
        Rig().down()
        return None
    try:
        described = Rig(names=list(wanted_devices)).up()
    except DockerError as problem:
        raise DockerError(
            f"{problem}\nThe devices of {file.name} are containers of a Docker engine. To go without them, remove the "
            f"lines `device: {{}}` from {file}: the workloads are registered then, and nothing answers at their addresses."
        ) from None
    _fit(file, wanted_devices, described)
    return described


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
