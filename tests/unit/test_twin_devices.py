"""What the twin's devices need of a machine, and what is said when it is not there."""

import subprocess
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import docker
import pytest
from docker.errors import APIError
from requests.exceptions import ConnectionError as ConnectionLost

from lab.docker import DockerError
from lab.twin.devices import Rig, bootstrap, image, keys, network
from lab.twin.devices.client import connected
from lab.twin.devices.layout import MOST_DEVICES, MOST_NODES, layout, next_address

HEADER = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"
DEFAULT = "eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n"
TO_172_31_250 = "vpn0\t00FA1FAC\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n"


class Networks:
    """An engine's networks; `refuse` are subnets that it calls taken, as when another checkout was faster."""

    def __init__(self, taken: Sequence[str] = (), refuse: Sequence[str] = ()) -> None:
        self.taken, self.refuse = taken, refuse
        self.made: list[str] = []

    def list(self, **_: object) -> list[Any]:
        pools = [*({"Subnet": subnet} for subnet in self.taken), {"Subnet": "fd00::/64"}]
        return [
            SimpleNamespace(name="other", attrs={"IPAM": {"Config": pools}}),
            SimpleNamespace(name="host", attrs={"IPAM": {"Config": None}}),
        ]

    def create(self, _: str, *, ipam: dict[str, Any], **__: object) -> Any:
        subnet = ipam["Config"][0]["Subnet"]
        if subnet in self.refuse:
            raise APIError("403", explanation="Pool overlaps with other one on this address space")
        self.made.append(subnet)
        return SimpleNamespace(attrs={"IPAM": {"Config": [{"Subnet": subnet}]}})


@pytest.fixture
def routes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The machine's table of routes, with the default route only."""
    file = tmp_path / "route"
    file.write_text(HEADER + DEFAULT)
    monkeypatch.setattr(network, "ROUTES", file)
    return file


def chosen(networks: Networks, tmp_path: Path) -> list[str]:
    """Subnets of the networks that are made for a rig whose bridge is not on this machine."""
    client = cast(docker.DockerClient, SimpleNamespace(networks=networks))
    with pytest.raises(DockerError, match="keeps its networks elsewhere"):
        network.ensure(client, layout(tmp_path, ["smiley"], 1), "image")
    return networks.made


def test_the_usual_network_is_taken_when_it_is_free(routes: Path, tmp_path: Path) -> None:
    assert chosen(Networks(), tmp_path) == ["172.31.250.0/24"]


def test_a_network_that_a_route_leads_to_is_left_alone(routes: Path, tmp_path: Path) -> None:
    routes.write_text(HEADER + DEFAULT + TO_172_31_250)
    assert chosen(Networks(), tmp_path) == ["172.31.249.0/24"]


def test_a_network_that_the_engine_uses_is_left_alone(routes: Path, tmp_path: Path) -> None:
    assert chosen(Networks(taken=["172.31.248.0/22"]), tmp_path) == ["172.31.247.0/24"]


def test_a_network_that_was_taken_meanwhile_is_left_to_the_other(routes: Path, tmp_path: Path) -> None:
    assert chosen(Networks(refuse=["172.31.250.0/24"]), tmp_path) == ["172.31.249.0/24"]


def test_no_free_network_is_said_with_what_to_do(routes: Path, tmp_path: Path) -> None:
    client = cast(docker.DockerClient, SimpleNamespace(networks=Networks(taken=["172.16.0.0/12"])))
    with pytest.raises(DockerError, match=r"no free network for the devices .* `docker network prune`"):
        network.ensure(client, layout(tmp_path, ["smiley"], 1), "image")


@pytest.mark.parametrize(
    ("names", "nodes", "expected"),
    [
        (["Smiley"], 1, "'Smiley' is no device name"),
        (["smi_ley"], 1, "'smi_ley' is no device name"),
        (["-a"], 1, "'-a' is no device name"),
        (["a" * 64], 1, "is no device name"),
        (["a", "b", "a"], 1, "named twice in a, b, a"),
        ([f"d{index}" for index in range(MOST_DEVICES + 1)], 1, f"room for {MOST_DEVICES}"),
        (["a"], 0, f"0 nodes are asked for; .* 1 to {MOST_NODES}"),
        (["a"], MOST_NODES + 1, "nodes are asked for"),
    ],
)
def test_a_rig_that_cannot_be_is_refused_before_anything_is_made(
    tmp_path: Path, names: list[str], nodes: int, expected: str
) -> None:
    with pytest.raises(DockerError, match=expected):
        Rig(tmp_path / "rig", names, nodes)
    assert list(tmp_path.iterdir()) == []


def test_names_on_the_machine_fit_and_differ_from_directory_to_directory(tmp_path: Path) -> None:
    one, other = (layout(tmp_path / name, ["a"], 1) for name in ("one", "other"))
    assert one.network != other.network
    assert one.container("a") != other.container("a")
    assert max(len(at.bridge) for at in (one, other)) <= 15


def test_nodes_devices_and_other_containers_have_addresses_of_their_own(tmp_path: Path) -> None:
    subnet = network.CANDIDATES[0]
    at = layout(tmp_path, [f"d{index}" for index in range(MOST_DEVICES)], MOST_NODES)
    taken: set[str] = {*at.node_addresses(subnet), network.gateway_of(subnet)}
    for _ in at.names:
        address = next_address(subnet, taken)
        assert address not in taken
        taken.add(address)
    assert str(subnet[41]) not in taken


def test_a_key_is_made_once_and_a_damaged_one_is_made_anew(tmp_path: Path) -> None:
    file = tmp_path / "keys" / "key"
    line = keys.ensure_key(file)
    assert line.startswith("ssh-ed25519 AAAA")
    assert keys.ensure_key(file) == line
    assert file.stat().st_mode & 0o777 == 0o600
    file.write_text("half a key")
    assert keys.ensure_key(file) != line


def test_a_chosen_engine_that_does_not_answer_is_one_clear_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/gone.sock")
    rig = Rig(tmp_path / "rig", ["smiley"])
    with pytest.raises(DockerError, match=r"DOCKER_HOST is unix://.*/gone.sock, where no engine answers"):
        rig.up()
    with pytest.raises(DockerError, match="no Docker engine answers, so the devices are not up"):
        rig.run("smiley", "true")
    assert [state.state for state in rig.status()] == ["absent"]
    assert not rig.down()
    assert not (tmp_path / "rig").exists()


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (APIError("409", explanation="name is in use"), "the Docker engine refused: name is in use"),
        (ConnectionLost("reset"), "does not answer any more: reset"),
    ],
)
def test_what_the_engine_refuses_is_one_clear_message(
    fault: Exception, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(docker, "DockerClient", lambda **_: SimpleNamespace(close=lambda: None))
    with pytest.raises(DockerError, match=expected), connected("unix:///none"):
        raise fault


def test_only_the_distributions_own_sources_make_devices(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [
        ("http://mirror/debian/", "bookworm", "main", "Debian", "bookworm"),
        ("http://mirror/debian/", "bookworm", "main", "Debian", "bookworm"),
        ("http://mirror/security/", "bookworm-security", "main", "Debian", "bookworm-security"),
        ("http://mirror/debian/", "bookworm-backports", "main", "Debian", "bookworm-backports"),
        ("http://mirror/debian/", "trixie", "main", "Debian", "trixie"),
        ("http://elsewhere/apt/", "bookworm", "stable", "Somebody", "bookworm"),
    ]
    monkeypatch.setattr(bootstrap, "release", lambda: "bookworm")
    _apt_says(monkeypatch, rows)
    assert bootstrap._sources() == [
        "deb http://mirror/debian/ bookworm main",
        "deb http://mirror/security/ bookworm-security main",
    ]
    _apt_says(monkeypatch, rows[-1:])
    with pytest.raises(DockerError, match=r"apt knows none of bookworm: run `apt-get update`"):
        bootstrap._sources()


def test_a_machine_that_cannot_make_devices_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bootstrap, "debian_like", lambda: False)
    with pytest.raises(DockerError, match="neither Debian nor Ubuntu"):
        bootstrap._program()
    monkeypatch.setattr(bootstrap, "debian_like", lambda: True)
    monkeypatch.setattr("lab.twin.devices.bootstrap.shutil.which", lambda *_, **__: None)
    monkeypatch.setattr("lab.twin.devices.bootstrap.os.geteuid", lambda: 1000)
    with pytest.raises(DockerError, match="only root may install it: `apt-get install mmdebstrap`"):
        bootstrap._program()


def test_a_file_system_that_was_not_made_whole_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tool = tmp_path / "mmdebstrap"
    tool.write_text('#!/bin/sh\necho "I: downloading packages with apt..."\necho "E: disk is full"\nexit 25\n')
    tool.chmod(0o755)
    monkeypatch.setattr(bootstrap, "_program", lambda: str(tool))
    monkeypatch.setattr(bootstrap, "_sources", lambda: ["deb http://mirror bookworm main"])
    archive = tmp_path / "cache" / "key.tar"
    archive.parent.mkdir()
    with pytest.raises(DockerError, match="mmdebstrap ended with 25: E: disk is full"):
        bootstrap.make(archive, packages=["systemd"], files=tmp_path, set_up="true")
    assert list(archive.parent.iterdir()) == []


def test_another_file_in_the_image_is_another_image(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image, "ROOTFS", tmp_path)
    file = tmp_path / "file"
    file.write_text("one")
    first = image._key()
    assert image._key() == first
    file.chmod(0o755)
    second = image._key()
    file.write_text("two")
    assert len({first, second, image._key()}) == 3


def _apt_says(monkeypatch: pytest.MonkeyPatch, rows: Sequence[tuple[str, ...]]) -> None:
    text = "\n".join("\t".join(row) for row in rows)
    monkeypatch.setattr(
        "lab.twin.devices.bootstrap.subprocess.run", lambda *_, **__: subprocess.CompletedProcess([], 0, text, "")
    )
