"""Linkerd's own controllers beside the twin: what they are told, and what a stack file has to say about them."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from lab import paths
from lab.twin.api import Api
from lab.twin.errors import TwinError
from lab.twin.inside import controllers, identity, load_balancer, route_status
from lab.twin.inside.errors import NotThereError
from lab.twin.inside.places import ISSUER, Places
from lab.twin.inside.pod import Pod
from lab.twin.inside.runner import Runner
from lab.twin_lab import find_controllers

ADDRESS = "172.31.250.10"
OWNER: dict[str, Any] = {
    "metadata": {"name": "linkerd-destination"},
    "spec": {
        "template": {
            "spec": {
                "containers": [
                    {
                        "name": "destination",
                        "args": ["destination", "-addr=:8086", "-default-opaque-ports=25,587", "-enable-ipv6=false"],
                    },
                    {
                        "name": "policy",
                        "args": [
                            "--grpc-addr=0.0.0.0:8090",
                            "--server-tls-key=/var/run/linkerd/tls/tls.key",
                            "--cluster-networks=10.0.0.0/8,fd00::/8",
                        ],
                    },
                ]
            }
        }
    },
}


@pytest.fixture
def places(tmp_path: Path) -> Places:
    (tmp_path / "parts").mkdir()
    for name in ("linkerd-controller", "linkerd-policy-controller"):
        (tmp_path / "parts" / name).touch()
    return Places(twin=tmp_path, address=ADDRESS)


def test_the_controllers_run_as_the_deployment_says_and_listen_on_the_node_s_address_only(places: Places) -> None:
    kubeconfig = places.twin / "kubeconfig"
    first = controllers.destination(places, OWNER, kubeconfig)
    second = controllers.policy(places, OWNER, kubeconfig)
    assert first.arguments[0] == "destination"
    assert {f"--addr={ADDRESS}:8086", "--default-opaque-ports=25,587", "--enable-ipv6=false"} <= {*first.arguments}
    assert {f"--grpc-addr={ADDRESS}:8090", "--cluster-networks=10.0.0.0/8,fd00::/8"} <= {*second.arguments}
    assert "--default-opaque-ports=25,587" in second.arguments
    for wanted in (first, second):
        assert f"--kubeconfig={kubeconfig}" in wanted.arguments
        names = [word.partition("=")[0].lstrip("-") for word in wanted.arguments]
        assert len(names) == len({*names}), "a flag that is given twice is an error"
        assert all(word.partition("=")[2].startswith(ADDRESS) for word in wanted.arguments if "addr=" in word)


def test_nobody_calls_the_policy_controller_s_webhook_so_it_has_none(places: Places) -> None:
    words = controllers.policy(places, OWNER, places.twin / "kubeconfig").arguments
    assert "--admission-controller-disabled" in words
    assert not [word for word in words if word.startswith("--server-")]


@pytest.fixture
def issuing(places: Places) -> Pod:
    """The identity controller's files, as its volumes hold them."""
    container = {
        "name": "identity",
        "args": ["identity", "-identity-scheme=linkerd.io/tls", "-identity-trust-domain=cluster.local"],
    }
    root = places.of("linkerd-identity") / "root"
    for path in (f"{ISSUER}/crt.pem", f"{ISSUER}/key.pem", "/var/run/linkerd/identity/trust-roots/ca-bundle.crt"):
        file = root / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(path)
    return Pod(namespace="linkerd", account="linkerd-identity", container=container, root=root, mounts=(), files=())


def _owner(pod: Pod) -> dict[str, Any]:
    return {
        "metadata": {"name": "linkerd-identity"},
        "spec": {"template": {"spec": {"containers": [pod.container]}}},
    }


def test_the_identity_controller_is_known_from_the_destination_controller_which_is_the_same_program(
    places: Places, issuing: Pod
) -> None:
    kubeconfig = places.twin / "kubeconfig"
    kubeconfig.touch()
    found = identity.identity(places, _owner(issuing), issuing, kubeconfig)
    assert places.mark("linkerd-identity") in found.arguments
    assert places.mark("linkerd-destination") not in found.arguments
    assert found.environment["KUBECONFIG"] == str(kubeconfig)
    assert {f"--addr={ADDRESS}:{identity.PORT}", "--identity-scheme=linkerd.io/tls"} <= {*found.arguments}


def test_a_new_issuer_or_anchor_starts_the_identity_controller_anew_and_no_key_is_on_its_command_line(
    places: Places, issuing: Pod
) -> None:
    kubeconfig = places.twin / "kubeconfig"
    kubeconfig.touch()
    found = identity.identity(places, _owner(issuing), issuing, kubeconfig)
    assert {path.name for path in found.reads} == {"kubeconfig", "ca-bundle.crt", "crt.pem", "key.pem"}
    assert not [word for word in (*found.through, *found.arguments) if word == f"{ISSUER}/key.pem"]


def test_an_identity_controller_without_its_anchors_is_not_started(places: Places, issuing: Pod) -> None:
    issuing.place("/var/run/linkerd/identity/trust-roots/ca-bundle.crt").unlink()
    with pytest.raises(NotThereError, match="ca-bundle"):
        identity.identity(places, _owner(issuing), issuing, places.twin / "kubeconfig")


def test_where_no_controllers_were_brought_none_are_looked_for(places: Places) -> None:
    assert {"linkerd-destination", "linkerd-policy"} <= {*places.possible}
    (places.twin / "parts" / "linkerd-controller").unlink()
    assert "linkerd-destination" not in places.possible
    with pytest.raises(NotThereError, match="linkerd-controller was not brought"):
        controllers.destination(places, OWNER, places.twin / "kubeconfig")


def test_a_policy_controller_that_was_brought_accepts_routes_itself(
    places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[Api] = []
    monkeypatch.setattr(route_status, "write", written.append)
    monkeypatch.setattr(load_balancer, "hand_out", lambda _: None)
    monkeypatch.setattr(Runner, "_asks", lambda *_: iter(()))
    api = object.__new__(Api)
    Runner(places).turn(api)
    assert written == []
    (places.twin / "parts" / "linkerd-policy-controller").unlink()
    Runner(places).turn(api)
    assert written == [api]


@pytest.fixture
def stack_file(tmp_path: Path) -> Path:
    """A new one, but for the devices' range, which another network of the machine has taken."""
    file = tmp_path / "Pulumi.twin.yaml"
    example = paths.CHECKOUT / "stacks" / "examples" / file.name
    file.write_text(example.read_text().replace("172.31.250.", "172.31.249."))
    return file


def _edge(file: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(file.read_text())["config"]["mesh-expansion:edge"]
    return found


def test_a_new_stack_file_is_told_once_where_devices_find_the_controllers(stack_file: Path) -> None:
    before = _edge(stack_file)
    find_controllers(stack_file)
    after = stack_file.read_text()
    assert _edge(stack_file) == {**before, "controllers": "127.0.0.1"}
    find_controllers(stack_file)
    assert stack_file.read_text() == after


def test_a_stack_file_that_was_changed_is_left_alone_and_the_line_that_it_lacks_is_said(stack_file: Path) -> None:
    changed = stack_file.read_text().replace("second:", "# second:")
    stack_file.write_text(changed)
    with pytest.raises(TwinError, match=r"write `controllers: 127\.0\.0\.1` below `mesh-expansion:edge:`"):
        find_controllers(stack_file)
    assert stack_file.read_text() == changed
    stack_file.write_text(
        changed.replace("mesh-expansion:edge:\n", "mesh-expansion:edge:\n    controllers: 127.0.0.1\n")
    )
    find_controllers(stack_file)
