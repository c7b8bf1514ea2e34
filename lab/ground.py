"""What labs other than the twin find on a machine without the Internet: charts, definitions, programs, images, a first Pi.

A stack file asks for it by naming `.lab/ground/charts` as its mirror of charts. The lab's own composition does the rest: with
the tools that stand in for k3d and kind, and containers that act as Pis, every line of it runs on one machine.
"""

import shutil
from pathlib import Path

from lab import docker, gateway_api, paths, recovery, stack_file, tools, twin_file
from lab.twin import charts, parts
from lab.twin.devices import Rig
from lab.twin.devices.base_image import base_image, parts_image
from lab.twin.devices.client import connected
from lab.twin.errors import TwinError
from lab.twin.files import write_private
from lab.twin.inside import Inside
from lab.twin.k3s import STAND_IN, K3sMachine
from settings.load import NAMESPACE

MIRROR = ".lab/ground/charts"
_DOCKER_LABS = ("k3d-lab", "dual-stack")
_PI_LAB = "pi-lab"
SERVER = "pi-0"  # the device that acts as the first Pi


def directory() -> Path:
    """Where all of it lies."""
    return paths.home() / "ground"


def asked(file: Path) -> bool:
    """Whether the stack file stands on this ground."""
    mirrors = stack_file.config(file).get(f"{NAMESPACE}:mirrors") if file.exists() else None
    return isinstance(mirrors, dict) and mirrors.get("charts") == MIRROR


def prepare(file: Path, inventory: tools.Inventory, *, leaving: bool = False) -> None:
    """Make ready what the stack file names; what is there stays. `leaving`: for a destroy, which the file needs not fit."""
    if not asked(file):
        return
    versions = stack_file.wanted(file)
    charts.write_mirror(
        directory() / "charts", linkerd=versions.linkerd, faces=versions.faces, emissary=versions.emissary
    )
    gateway_api.write(inventory.gateway_api_crds, directory() / "gateway-api.yaml")
    parts.gather(directory() / "parts")
    if _lab(file) in _DOCKER_LABS and stack_file.outside(file).containers and not leaving:
        twin_file.write(file, twin_file.settled(file.read_text(), _docker()))
    if _lab(file) == _PI_LAB:
        _machines(file)


def leave(stack: str) -> None:
    """Take away what `prepare` made for a stack, but for what another stack of this checkout still stands on."""
    file = stack_file.find(stack)
    if not asked(file):
        return
    others = recovery.others(stack)
    beside = [other for other in map(stack_file.find, others) if asked(other)]
    if _lab(file) == _PI_LAB and _PI_LAB not in map(_lab, beside):
        Inside(directory() / "twin").down()
        Rig(directory() / "devices").down()
    if not others:
        docker.down()
    if not beside:
        shutil.rmtree(directory(), ignore_errors=True)


def _lab(file: Path) -> object:
    return stack_file.config(file).get(f"{NAMESPACE}:lab")


def _docker() -> dict[str, str]:
    """Keys of a stack file's `docker`: the engine, and images to build on that need no registry."""
    own = directory() / "parts"
    engine = docker.ensure()
    with connected(engine.host) as client:
        made = parts_image(
            client, proxy=own / "linkerd2-proxy", agent=own / "spire-agent", workload=parts.workload_program()
        )
        images = dict.fromkeys(("proxy-image", "spire-image", "workload-image"), made)
        return {"host": engine.host, "base": base_image(client), **images}


def _machines(file: Path) -> None:
    """The Pis, the first of them with what the program pushes and what answers for its cluster's pods."""
    shared = directory() / "k3s"
    shared.mkdir(parents=True, exist_ok=True, mode=0o700)
    rig = Rig(directory() / "devices", [SERVER, *stack_file.outside(file).devices], shared={SERVER: shared})
    described = rig.up()
    twin_file.move(file, f"{described.subnet.rsplit('.', 1)[0]}.")
    first = described.devices[SERVER]
    _fit(file, {name: device.address for name, device in described.devices.items()})
    machine = K3sMachine(parts=shared, name=SERVER, address=first.address, pods_at=described.node_addresses[0])
    machine.prepare()
    machine.point(directory() / "twin")
    write_private(directory() / "parts" / "k3s", STAND_IN.read_bytes())
    Inside(directory() / "twin", described.node_addresses[0]).up()


def _fit(file: Path, addresses: dict[str, str]) -> None:
    """Raises TwinError where a stack file that was changed has other addresses than the containers that act as Pis."""
    cluster = stack_file.config(file).get(f"{NAMESPACE}:cluster")
    asked = {SERVER: str(cluster.get("host")) if isinstance(cluster, dict) else "", **stack_file.outside(file).devices}
    wrong = [
        f"{name} has {asked[name]}, its container {addresses[name]}" for name in asked if asked[name] != addresses[name]
    ]
    if wrong:
        raise TwinError(f"{file}: {'; '.join(wrong)}: write these addresses under `cluster` and `workloads`")
