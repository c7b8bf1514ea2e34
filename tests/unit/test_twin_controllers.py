"""Linkerd's own controllers beside the twin: what they are told, and what a stack file has to say about them."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from lab import paths
from lab.twin.errors import TwinError
from lab.twin.inside import controllers
from lab.twin.inside.errors import NotThereError
from lab.twin.inside.places import Places
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


def test_where_no_controllers_were_brought_none_are_looked_for(places: Places) -> None:
    assert {"linkerd-destination", "linkerd-policy"} <= {*places.possible}
    (places.twin / "parts" / "linkerd-controller").unlink()
    assert "linkerd-destination" not in places.possible
    with pytest.raises(NotThereError, match="linkerd-controller was not brought"):
        controllers.destination(places, OWNER, places.twin / "kubeconfig")


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
