"""What `lab doctor` says of Docker's networks, and of a kind cluster that is there."""

from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from lab.docker.reach import DockerEngine
from lab.doctor import docker_engine, docker_network, made_cluster
from lab.doctor.docker_network import Wanted
from lab.doctor.finding import Status
from lab.doctor.state import State
from settings.cluster import KindClusterSettings
from tests.unit.doctor_fixtures import context_of, findings, one, program

SUBNET = ip_network("172.30.0.0/24")


def _network(name: str, *subnets: str) -> dict[str, Any]:
    return {"Name": name, "IPAM": {"Config": [{"Subnet": subnet} for subnet in subnets]}}


@pytest.fixture
def networks(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What the engine has; a test adds to it."""
    there = [_network("bridge", "172.17.0.0/16"), _network("host")]
    engine = DockerEngine(host="unix:///x", version="28", storage="overlay2")
    monkeypatch.setattr(docker_engine, "reached", lambda _: engine)
    monkeypatch.setattr(docker_network, "_listed", lambda _: there)
    return there


@pytest.mark.parametrize(
    ("there", "subnet", "ours", "status", "following"),
    [
        ([], SUBNET, False, Status.OK, ""),
        ([_network("mesh-exp", "172.30.0.0/24")], SUBNET, True, Status.OK, ""),
        ([_network("mesh-exp", "172.30.0.0/24")], SUBNET, False, Status.FAILED, "docker network rm mesh-exp"),
        ([_network("other", "172.30.0.0/16")], SUBNET, False, Status.FAILED, "docker network rm other"),
        ([_network("other", "fd00::/64")], SUBNET, False, Status.OK, ""),
        ([_network("mesh-exp", "172.30.0.0/24")], None, False, Status.OK, ""),
        ([], None, False, Status.FAILED, "docker network create mesh-exp"),
    ],
)
def test_a_network_is_free_or_the_labs_own_or_there(
    networks: list[dict[str, Any]], there: list[Any], subnet: Any, ours: bool, status: Status, following: str
) -> None:
    networks += there
    wanted = Wanted(name="mesh-exp", subnet=subnet, key="cluster.subnet", ours=ours)
    found = one(docker_network.check(wanted, None))
    assert (found.check, found.subject, found.status) == ("docker.network", "Docker network mesh-exp", status)
    assert found.next.startswith(following)


def test_without_an_engine_nobody_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(docker_engine, "reached", lambda _: None)
    wanted = Wanted(name="mesh-exp", subnet=SUBNET, key="cluster.subnet", ours=False)
    assert one(docker_network.check(wanted, None)).status is Status.NOT_CHECKED


@pytest.mark.parametrize(
    ("kind", "status", "words"),
    [
        ([], Status.NOT_CHECKED, "no Docker network kind yet"),
        (["172.18.0.0/16", "fc00:f853:ccd:e793::/64"], Status.FAILED, "192.168.147.160/28 is not in"),
        (["192.168.147.0/24", "fc00:f853:ccd:e793::/64"], Status.OK, "inside"),
    ],
)
def test_addresses_for_services_must_lie_in_the_network_of_kinds_nodes(
    networks: list[dict[str, Any]], kind: list[str], status: Status, words: str
) -> None:
    if kind:
        networks.append(_network("kind", *kind))
    ranges = [ip_network("fc00:f853:ccd:e793:10::/96"), ip_network("192.168.147.160/28")]
    if status is Status.OK:
        ranges = ranges[1:]
    found = one(docker_network.check_load_balancer(ranges, None))
    assert found.status is status
    assert words in found.cause


@pytest.mark.parametrize(
    ("says", "mark", "adopt", "status"),
    [
        ("echo 'No kind clusters found.' >&2", None, False, Status.OK),
        ("echo sma-dual", None, False, Status.FAILED),
        ("echo sma-dual", "mark", False, Status.OK),
        ("echo sma-dual", None, True, Status.OK),
        ("echo 'cannot reach docker' >&2; exit 1", None, False, Status.NOT_CHECKED),
    ],
)
def test_a_kind_cluster_of_that_name_is_this_stacks_own_or_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, says: str, mark: str | None, adopt: bool, status: Status
) -> None:
    monkeypatch.setenv("LAB_HOME", str(tmp_path / "lab"))
    program(tmp_path / "lab" / "bin", "kind", says)
    context = context_of(tmp_path, lab="dual-stack", state=State(mark=mark), cluster={"adopt": adopt})
    assert isinstance(context.settings.cluster, KindClusterSettings)
    (found,) = findings(made_cluster.check_kind(context, context.settings.cluster))
    assert found.status is status
    if status is Status.FAILED:
        assert "kind delete cluster --name sma-dual" in found.next
