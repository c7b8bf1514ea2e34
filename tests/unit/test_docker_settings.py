"""Containers in a stack file: what cannot work is said before anything is touched."""

import json
from pathlib import Path
from typing import Any

import pytest

from settings import InvalidSettings, Settings, load
from settings.docker_checks import network

NETWORK = {"network": "mesh-exp", "dns-address": "172.30.0.40"}


def _container(**changed: Any) -> dict[str, Any]:
    return {"name": "smiley", "addresses": ["172.30.0.41"], "container": {}, **changed}


def _load(project: Path, *workloads: dict[str, Any], docker: dict[str, Any] = NETWORK, **keys: Any) -> Settings:
    (project / "kubeconfig").write_text("{}")
    values = {"cluster": {"kubeconfig": "kubeconfig"}, "workloads": list(workloads), "docker": docker, **keys}
    raw = {"lab": "twin"} | {key: json.dumps(value) for key, value in values.items()}
    return load(raw, set(), source="stacks/Pulumi.twin.yaml", project=project)


def _refused(project: Path, *workloads: dict[str, Any], **keys: Any) -> str:
    with pytest.raises(InvalidSettings) as caught:
        _load(project, *workloads, **keys)
    return str(caught.value)


def test_a_container_needs_its_address_a_network_and_an_address_for_dns(tmp_path: Path) -> None:
    settings = _load(tmp_path, _container())
    assert network(settings) == "mesh-exp"


def test_a_workload_is_on_a_device_or_in_a_container(tmp_path: Path) -> None:
    text = _refused(tmp_path, _container(device={"host-key": "ssh-ed25519 AAAA"}))
    assert "workloads[0].container: it is set, and so is device" in text


def test_a_container_without_network_or_dns_is_told_of_both_at_once(tmp_path: Path) -> None:
    text = _refused(tmp_path, _container(), docker={})
    assert "docker.network: it is not set, but workload 'smiley' runs in a container" in text
    assert "docker.dns-address: it is not set, but workload 'smiley' runs in a container" in text


def test_a_container_has_no_spire_server_of_its_own(tmp_path: Path) -> None:
    text = _refused(tmp_path, _container(), spire={"topology": "bundled"})
    assert "spire.topology: it is bundled, but workload 'smiley' runs in a container" in text


def test_containers_share_the_network_of_a_cluster_that_this_lab_makes_on_docker(tmp_path: Path) -> None:
    def k3d(**docker: Any) -> Settings:
        values = {"docker": docker, "workloads": [_container()], "faces": {"on-edge": ["smiley"]}}
        raw = {"lab": "k3d-lab"} | {key: json.dumps(value) for key, value in values.items()}
        return load(raw, set(), source="stacks/Pulumi.k3d-lab.yaml", project=tmp_path)

    assert network(k3d(**{"dns-address": "172.30.0.40"})) == "mesh-exp"
    with pytest.raises(InvalidSettings) as caught:
        k3d(**{"dns-address": "172.31.0.40", "subnet": "172.31.0.0/24"})
    assert "docker.subnet: 172.31.0.0/24, but network 'mesh-exp' is the cluster's own, in 172.30.0.0/24" in str(
        caught.value
    )


def test_nothing_of_docker_is_asked_of_a_lab_without_containers(tmp_path: Path) -> None:
    assert _load(tmp_path, {"name": "smiley", "addresses": ["172.30.0.41"]}, docker={}).docker.network is None


@pytest.mark.parametrize("address", ["172.30.1.41", "172.30.0.1", "172.30.0.31", "172.30.0.255"])
def test_an_address_that_the_network_cannot_give_is_refused(tmp_path: Path, address: str) -> None:
    text = _refused(tmp_path, _container(addresses=[address]), docker={**NETWORK, "subnet": "172.30.0.0/24"})
    assert f"workloads[0].addresses: {address} is no address for a container in docker.subnet 172.30.0.0/24" in text
    assert "one from 172.30.0.32 to 172.30.0.254" in text


def test_a_network_without_room_for_nodes_is_refused(tmp_path: Path) -> None:
    text = _refused(tmp_path, _container(), docker={**NETWORK, "subnet": "172.30.0.0/26"})
    assert "docker.subnet: 172.30.0.0/26 has 64 addresses" in text


def test_the_dns_servers_address_is_of_the_network_and_its_own(tmp_path: Path) -> None:
    outside = {**NETWORK, "subnet": "172.30.0.0/24", "dns-address": "172.31.0.40"}
    assert "docker.dns-address: 172.31.0.40 is no address" in _refused(tmp_path, _container(), docker=outside)
    text = _refused(tmp_path, _container(addresses=["172.30.0.40"]))
    assert "docker.dns-address: 172.30.0.40 is the address of workload 'smiley' too" in text


def test_two_containers_with_one_address_are_refused(tmp_path: Path) -> None:
    text = _refused(tmp_path, _container(), _container(name="smiley2"))
    assert "workloads[1].addresses: 172.30.0.41 is the address of workload 'smiley' too" in text


@pytest.mark.parametrize("addresses", [["fd00::41"], ["172.30.0.41", "fd00::41"]])
def test_a_container_has_one_ipv4_address(tmp_path: Path, addresses: list[str]) -> None:
    text = _refused(tmp_path, _container(addresses=addresses))
    assert f"workloads[0].addresses: {', '.join(addresses)}" in text
    assert "one IPv4 address on docker.network" in text


def test_a_network_inside_the_clusters_own_ranges_is_refused(tmp_path: Path) -> None:
    docker = {"network": "mesh-exp", "subnet": "10.43.7.0/24", "dns-address": "10.43.7.40"}
    text = _refused(tmp_path, _container(addresses=["10.43.7.41"]), docker=docker)
    assert "docker.subnet: 10.43.7.0/24 overlaps the cluster's service range 10.43.0.0/16" in text


@pytest.mark.parametrize("port", [22, 4143])
def test_a_port_of_the_proxys_own_is_refused(tmp_path: Path, port: int) -> None:
    assert f"workloads[0].port: {port}, which belongs to" in _refused(tmp_path, _container(port=port))


def test_what_faces_does_not_have_needs_an_image(tmp_path: Path) -> None:
    assert "workloads[0].image: it is not set, nor is docker.workload-image" in _refused(
        tmp_path, _container(name="shop")
    )
    _load(tmp_path, _container(name="shop"), docker={**NETWORK, "workload-image": "shop:1"})


@pytest.mark.parametrize("name", ["SPIRE_SERVER", "POD_ROUTES", "NAMESERVERS", "WORKLOAD_NAME"])
def test_what_the_program_tells_a_container_cannot_be_changed(tmp_path: Path, name: str) -> None:
    text = _refused(tmp_path, _container(environment={name: "x"}))
    assert f"workloads[0].environment: {name!r} is set by this program" in text


@pytest.mark.parametrize(
    ("key", "value"),
    [("hostname", "no_host"), ("gpio", ["gpiochip0"])],
)
def test_what_docker_would_refuse_later_is_refused_now(tmp_path: Path, key: str, value: object) -> None:
    assert f"workloads[0].container.{key}" in _refused(tmp_path, _container(container={key: value}))


def test_an_engines_address_is_checked(tmp_path: Path) -> None:
    text = _refused(tmp_path, _container(), docker={**NETWORK, "host": "/var/run/docker.sock"})
    assert "docker.host" in text and "unix:///var/run/docker.sock" in text
