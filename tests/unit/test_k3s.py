"""Which k3s is installed, how it is configured, and what is sent to its machine."""

import hashlib
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest
import yaml

import versions
from components.cluster.k3s import pushed_release
from components.cluster.k3s_scripts import scripts
from domain import k3s
from domain.nodes import Node
from lab.twin.k3s import STAND_IN

SERVER = k3s.Server(
    host="pi-0.local",
    address="192.0.2.10",
    pod_network=ip_network("10.42.0.0/16"),
    service_network=ip_network("10.43.0.0/16"),
)


def test_the_pinned_release_is_there_for_every_raspberry_pi_and_fetched_from_its_own_release() -> None:
    release = k3s.downloaded(versions.K3S, versions.K3S_SHA256)
    assert release.sha256.keys() == {"amd64", "arm64"}
    assert release.source["amd64"] == f"{k3s.RELEASES}/{versions.K3S.replace('+', '%2B')}/k3s"
    assert release.source["arm64"] == release.source["amd64"] + "-arm64"


def test_a_mirror_has_the_same_paths() -> None:
    release = k3s.downloaded(versions.K3S, versions.K3S_SHA256, "https://mirror.example.com/k3s/")
    assert release.source["arm64"].startswith("https://mirror.example.com/k3s/v1.")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"version": "latest"}, "version: 'latest'"),
        ({"version": "v1.34.3"}, "version: 'v1.34.3'"),
        ({"sha256": {}}, "sha256: none given"),
        ({"sha256": {"riscv": "0" * 64}}, "riscv"),
        ({"sha256": {"arm64": "0" * 63}}, "sha256.arm64"),
        ({"mirror": "http://mirror.example.com"}, "https"),
    ],
)
def test_what_is_no_release_is_refused_with_a_fix(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words) as refused:
        k3s.downloaded(**{"version": versions.K3S, "sha256": versions.K3S_SHA256, **changes})
    assert "fix: " in str(refused.value)


def test_a_pushed_program_has_the_checksum_of_the_file_at_hand(tmp_path: Path) -> None:
    file = tmp_path / "k3s-arm64"
    file.write_bytes(b"a program")
    release = pushed_release(versions.K3S, file)
    assert set(release.sha256.values()) == {hashlib.sha256(b"a program").hexdigest()}
    assert set(release.source.values()) == {f"pushed:{k3s.PUSHED}"}


def test_the_configuration_says_all_that_the_lab_relies_on() -> None:
    assert yaml.safe_load(k3s.server_settings(SERVER)) == {
        "cluster-cidr": "10.42.0.0/16",
        "service-cidr": "10.43.0.0/16",
        "disable": ["traefik", "metrics-server"],
        "node-ip": "192.0.2.10",
        "tls-san": ["pi-0.local", "192.0.2.10"],
        "write-kubeconfig-mode": "0600",
    }


def test_without_an_address_k3s_chooses_it() -> None:
    server = k3s.Server(
        host="pi-0.local", address=None, pod_network=SERVER.pod_network, service_network=SERVER.service_network
    )
    settings = yaml.safe_load(k3s.server_settings(server))
    assert "node-ip" not in settings
    assert settings["tls-san"] == ["pi-0.local"]


@pytest.mark.parametrize(
    ("network", "first"),
    [("10.42.0.0/16", "10.42.0.0/24"), ("10.42.7.0/26", "10.42.7.0/26"), ("fd00:42::/56", "fd00:42::/64")],
)
def test_the_first_node_has_the_first_part_of_the_pod_network(network: str, first: str) -> None:
    server = k3s.Server(
        host="pi-0.local",
        address="192.0.2.10",
        pod_network=ip_network(network),
        service_network=SERVER.service_network,
    )
    expected = Node(name="pi-0.local", addresses=(ip_address("192.0.2.10"),), pod_cidrs=(ip_network(first),))
    assert k3s.first_node(server) == expected


def test_a_text_that_was_cut_short_runs_nothing() -> None:
    release = k3s.downloaded(versions.K3S, versions.K3S_SHA256)
    text = k3s.converge_stdin(release, SERVER, scripts())
    assert text.endswith("\nconverge_k3s\n}\n")
    assert text.count("\n{\n") == 1


def test_the_stand_in_says_that_it_is_the_pinned_release() -> None:
    assert f"\nversion={versions.K3S}\n" in STAND_IN.read_text()
