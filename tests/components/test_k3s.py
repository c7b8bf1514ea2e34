"""What is declared for a k3s cluster: in which order, what is secret, and what is left alone."""

from collections.abc import Callable
from datetime import timedelta
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import pulumi
import pytest
import yaml

import versions
from components.cluster.k3s import K3sCluster, K3sClusterArgs, pushed_release
from components.edge.connection import Connection
from domain import k3s
from tests.components.conftest import Declare, Recording
from tests.components.kubeconfigs import KEY

PRIVATE_KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\nvery private\n-----END OPENSSH PRIVATE KEY-----\n"
HOST_KEY = "ssh-ed25519 AAAA"
Program = Callable[..., Recording]


@pytest.fixture
def lab(declare: Declare) -> Program:
    """A lab that is nothing but its cluster; keyword arguments change the cluster's."""

    def lab(user: str = "pi", **changes: Any) -> Recording:
        args: dict[str, Any] = {
            "connection": Connection(
                host="192.168.1.10", port=22, user=user, host_key=HOST_KEY, private_key=PRIVATE_KEY
            ),
            "identifier": "pi-lab",
            "release": k3s.downloaded(versions.K3S, versions.K3S_SHA256),
            "address": "192.168.1.10",
            "pod_network": IPv4Network("10.42.0.0/16"),
            "service_network": IPv4Network("10.43.0.0/16"),
            "node_ports": [30081, 30000],
            **changes,
        }

        def program() -> dict[str, Any]:
            cluster = K3sCluster("cluster", K3sClusterArgs(**args))
            return {"kubeconfig": cluster.kubeconfig, "nodes": cluster.nodes()}

        return declare(program)

    return lab


def test_the_machine_is_looked_at_then_gets_k3s_then_the_kubeconfig_is_read(lab: Program) -> None:
    resources = lab().resources
    assert resources["cluster-machine"].depends_on == frozenset()
    assert resources["cluster-k3s"].depends_on == {"cluster-machine"}
    assert resources["cluster-kubeconfig"].depends_on == {"cluster-k3s"}
    assert resources["cluster-provider"].depends_on == {"cluster-kubeconfig"}
    for name in ("cluster-machine", "cluster-k3s", "cluster-kubeconfig", "cluster-provider"):
        assert resources[name].parent == "cluster"


def test_the_kubeconfig_is_secret_leads_to_the_machine_and_names_the_cluster_by_its_own_identity(lab: Program) -> None:
    recording = lab()
    provider = recording.resources["cluster-provider"]
    assert "kubeconfig" in provider.secret
    content = yaml.safe_load(provider.inputs["kubeconfig"])
    assert content["clusters"][0]["cluster"]["server"] == "https://192.168.1.10:6443"
    assert provider.inputs["clusterIdentifier"] == "pi-lab-6f0c"
    assert provider.inputs["deleteUnreachable"] == "true"
    assert recording.exports["kubeconfig"] == provider.inputs["kubeconfig"]
    read = recording.resources["cluster-kubeconfig"]
    assert read.inputs["logging"] == "stderr"
    assert KEY not in str([resource.inputs for resource in recording.of_type("command:remote:Command")])


def test_nodes_are_asked_for_as_everywhere(lab: Program) -> None:
    found = lab().exports["nodes"]
    assert [node.name for node in found] == ["node-0", "node-1"]


def test_the_host_key_is_pinned_and_the_private_key_is_secret(lab: Program) -> None:
    for command in lab().of_type("command:remote:Command"):
        assert command.inputs["connection"]["hostKey"] == HOST_KEY
        assert command.inputs["addPreviousOutputInEnv"] is False
        assert PRIVATE_KEY not in str({key: value for key, value in command.inputs.items() if key != "connection"})


@pytest.mark.parametrize(("user", "run"), [("pi", "sudo -n sh -s"), ("root", "sh -s")])
def test_commands_hold_no_parameters(lab: Program, user: str, run: str) -> None:
    recording = lab(user=user)
    commands = recording.of_type("command:remote:Command")
    assert {command.inputs["create"] for command in commands} == {run}
    assert "NODE_PORTS='30000 30081'\n" in recording.resources["cluster-machine"].inputs["stdin"]


def test_every_architecture_is_offered_with_its_checksum(lab: Program) -> None:
    stdin = lab().resources["cluster-k3s"].inputs["stdin"]
    for architecture, checksum in versions.K3S_SHA256.items():
        assert f"{architecture} {checksum} {k3s.RELEASES}" in stdin


def test_a_program_at_hand_is_pushed_before_it_is_installed(lab: Program, tmp_path: Path) -> None:
    file = tmp_path / "k3s"
    file.write_bytes(b"program")
    recording = lab(release=pushed_release(versions.K3S, file), artefact=file)
    pushed = recording.resources["cluster-artefact"]
    assert pushed.inputs["remotePath"] == k3s.PUSHED
    assert pushed.depends_on == {"cluster-machine"}
    assert recording.resources["cluster-k3s"].depends_on == {"cluster-machine", "cluster-artefact"}
    assert f"pushed:{k3s.PUSHED}" in recording.resources["cluster-k3s"].inputs["stdin"]


def test_another_version_changes_k3s_alone(lab: Program) -> None:
    before, after = (
        lab(release=k3s.downloaded(version, versions.K3S_SHA256)).resources
        for version in (versions.K3S, "v1.35.0+k3s1")
    )
    changed = {name for name in before if before[name].inputs.get("stdin") != after[name].inputs.get("stdin")}
    assert changed == {"cluster-k3s"}


def test_a_new_generation_of_credentials_reads_the_kubeconfig_anew_and_does_nothing_else(lab: Program) -> None:
    before, after = (lab(credentials=generation).resources for generation in (1, 2))
    assert [name for name in before if before[name].inputs.get("triggers") != after[name].inputs.get("triggers")] == [
        "cluster-kubeconfig"
    ]
    assert "delete" not in after["cluster-kubeconfig"].inputs


def test_what_the_lab_installed_is_taken_out_and_what_was_there_before_is_not(lab: Program) -> None:
    resources = lab().resources
    assert resources["cluster-machine"].inputs["delete"].endswith(f"sudo -n sh {k3s.DATA}/remove; fi")
    assert resources["cluster-k3s"].inputs["delete"].endswith(f"sudo -n sh {k3s.DATA}/remove k3s; fi")
    adopted = lab(adopt=True).resources
    assert "cluster-k3s" not in adopted
    assert [resource for resource in adopted.values() if resource.inputs.get("delete")] == []
    assert "ADOPT=yes\n" in adopted["cluster-machine"].inputs["stdin"]
    assert adopted["cluster-kubeconfig"].depends_on == {"cluster-machine"}


def test_a_machine_that_is_gone_is_asked_nothing_and_what_stays_on_it_is_said(
    lab: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    monkeypatch.setattr(pulumi, "warn", lambda text, _: said.append(text))
    recording = lab(gone=True)
    for command in recording.of_type("command:remote:Command"):
        assert command.retained
        assert {"connection", "create", "delete", "stdin", "triggers"} <= command.ignored
    (node,) = recording.exports["nodes"]
    assert [str(address) for address in node.addresses] == ["192.168.1.10"]
    assert [str(cidr) for cidr in node.pod_cidrs] == ["10.42.0.0/24"]
    assert len(said) == 1
    assert f"sh {k3s.DATA}/remove" in said[0]


def test_an_administrators_certificate_that_ends_soon_is_said_with_what_to_do(
    lab: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    monkeypatch.setattr(pulumi, "warn", lambda text, _: said.append(text))
    lab()
    assert said == []
    monkeypatch.setattr("components.cluster.k3s._WARN_BEFORE", timedelta(days=400))
    lab()
    assert "systemctl restart k3s" in said[0]
