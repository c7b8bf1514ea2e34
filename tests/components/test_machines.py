"""What the program declares for machines outside: in which order, with which secrets, and for one that is gone."""

import json
from pathlib import Path
from typing import Any

import asyncssh
import pytest

import stacks
import versions
from settings import load
from tests.components.conftest import Declare, Recording, request

KEY_TEXT = "-----BEGIN OPENSSH PRIVATE KEY-----\nvery private\n-----END OPENSSH PRIVATE KEY-----\n"


@pytest.fixture
def lab(declare: Declare, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A lab with the devices smiley and color; keyword arguments change smiley's device or keys of the groups named here."""
    monkeypatch.chdir(tmp_path)
    Path("kubeconfig").write_text("{}")
    Path("id").write_text(KEY_TEXT)
    Path("parts").mkdir()
    for name in ("linkerd2-proxy", "spire-agent"):
        Path("parts", name).write_bytes(name.encode())
    public = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode()
    Path("known_hosts").write_text("".join(f"192.168.1.{number} {public}" for number in (21, 22)))

    def lab(
        edge: dict[str, Any] | None = None,
        faces: dict[str, Any] | None = None,
        cluster: dict[str, Any] | None = None,
        **device: Any,
    ) -> Recording:
        given = {name.replace("_", "-"): value for name, value in device.items()}
        values = {
            "cluster": {"kubeconfig": "kubeconfig", **(cluster or {})},
            "faces": {"on-edge": ["smiley", "color"], "second": ["smiley2"], **(faces or {})},
            "ssh": {"private-key-file": "id", "known-hosts": "known_hosts"},
            "edge": {"artefacts": "parts", **(edge or {})},
            "workloads": [
                {"name": "smiley", "addresses": ["192.168.1.21"], "device": given},
                {"name": "color", "addresses": ["192.168.1.22"], "device": {}, "environment": {"COLOR": "green"}},
            ],
            "routes": [{"name": "smiley-route", "service": "smiley", "backends": {"smiley": 80, "smiley2": 20}}],
        }
        raw = {"lab": "twin"} | {key: json.dumps(value) for key, value in values.items()}
        settings = load(raw, set(), source="test", project=tmp_path)
        return declare(lambda: stacks.compose(settings))

    return lab


def test_a_device_makes_its_key_is_certified_gets_its_parts_and_is_registered_last(lab: Any) -> None:
    recording = lab()
    pushed = {"smiley-device-linkerd2-proxy", "smiley-device-spire-agent"}
    for name in pushed | {recording.starting_with("smiley-device-certificate-1-").name}:
        assert "smiley-device-identity" in recording.before(name)
        assert name in recording.before("smiley-device-parts")
    assert "smiley-device-parts" in recording.before("edge-smiley")
    assert "edge-smiley" in recording.before("smiley-route-httproute")


def test_identity_policy_and_mesh_are_there_before_anything_runs_on_a_device(lab: Any) -> None:
    recording = lab()
    found = recording.before("smiley-device-parts")
    assert {"smiley-entry", "policy-edge-smiley-server", "prober-deployment", "linkerd-control-plane"} <= found
    assert any(name.startswith("dns-") for name in found)
    assert not found & {"color-entry", "color-device-parts", "edge-smiley", "edge-color"}


def test_a_device_is_looked_at_and_gets_its_files_while_the_mesh_is_on_its_way(lab: Any) -> None:
    recording = lab()
    for name in ("smiley-device-identity", "smiley-device-spire-agent"):
        assert not {
            found for found in recording.before(name) if found.startswith(("linkerd", "policy", "spire", "faces"))
        }


def test_no_more_than_ten_things_wait_for_each_other_in_a_row(lab: Any) -> None:
    recording = lab()

    def row(name: str) -> int:
        needed = {*recording.resources[name].depends_on, recording.resources[name].parent} & recording.resources.keys()
        return 1 + max(map(row, needed), default=0)

    # The longest row is what a preview takes at least: the engine is asked for one after the other.
    assert max(map(row, recording.resources)) <= 10


def test_the_bundle_of_a_device_names_every_node_and_holds_no_key(lab: Any) -> None:
    recording = lab()
    bundle = recording.resources["color-device-parts"].inputs["stdin"]
    for text in ("10.42.0.0/24", "192.168.1.10", "10.42.1.0/24", "192.168.1.11", "COLOR=green", "FACES_SERVICE=color"):
        assert text in bundle, text
    assert "PRIVATE KEY-----\n|" not in bundle
    assert "very private" not in bundle
    for resource in recording.resources.values():
        if resource.type.startswith("command:"):
            assert resource.secret <= {"connection"}


def test_pods_that_are_elsewhere_than_the_stack_file_says_end_a_preview_too(lab: Any) -> None:
    with pytest.raises(
        Exception, match=r"mesh-expansion:cluster.pod-cidr: 10\.44\.0\.0/16, while node .* has pods in 10\.42"
    ):
        lab(cluster={"pod-cidr": "10.44.0.0/16"})


def test_no_authority_key_reaches_a_device(lab: Any) -> None:
    recording = lab()
    keys = [
        line
        for resource in recording.of_type("tls:index/locallySignedCert:LocallySignedCert")
        for line in resource.inputs["caPrivateKeyPem"].splitlines()
        if not line.startswith("-----")
    ]
    assert keys
    sent = "".join(
        str(resource.inputs) for resource in recording.resources.values() if resource.type.startswith("command:")
    )
    assert not [line for line in keys if line in sent]


def test_host_keys_are_pinned_and_a_dead_machine_is_reported_in_half_a_minute(lab: Any) -> None:
    for resource in lab().of_type("command:remote:Command"):
        connection = resource.inputs["connection"]
        assert connection["hostKey"].startswith("ssh-ed25519 ")
        assert (connection["dialErrorLimit"] + 1) * connection["perDialTimeout"] < 30


def test_another_user_than_root_works_through_sudo(lab: Any) -> None:
    resources = lab(user="pi").resources
    assert resources["smiley-device-identity"].inputs["create"].startswith("sudo -n ")
    assert "sudo -n " in resources["smiley-device-parts"].inputs["delete"]
    assert "sudo" not in resources["color-device-identity"].inputs["create"]


def test_an_external_workload_waits_until_a_probe_says_that_it_is_ready(lab: Any) -> None:
    metadata = lab().resources["edge-smiley"].inputs["metadata"]
    assert metadata["annotations"]["pulumi.com/waitFor"] == "condition=Ready"


def _admitted(recording: Recording) -> list[str]:
    found: list[str] = recording.resources["policy-edge-meshed-meshtlsauthentication"].inputs["spec"]["identities"]
    return found


def test_workloads_outside_may_ask_one_another(lab: Any) -> None:
    assert _admitted(lab()) == ["*", *(f"spiffe://root.linkerd.cluster.local/{name}" for name in ("color", "smiley"))]


def test_controllers_behind_a_forwarder_on_the_device_are_dialled_there_without_an_identity(lab: Any) -> None:
    sent = lab(edge={"controllers": "127.0.0.1"}).resources["color-device-parts"].inputs["stdin"]
    assert "LINKERD2_PROXY_DESTINATION_SVC_ADDR=127.0.0.1:8086\n" in sent
    assert "LINKERD2_PROXY_POLICY_SVC_ADDR=127.0.0.1:8090\n" in sent
    assert "_SVC_NAME" not in sent
    assert "_SVC_NAME" in lab().resources["color-device-parts"].inputs["stdin"]


def test_a_machine_that_is_gone_leaves_the_mesh_and_is_not_asked(lab: Any) -> None:
    recording = lab(gone=True)
    assert _admitted(recording) == ["*", "spiffe://root.linkerd.cluster.local/color"]
    assert "edge-smiley" not in recording.resources
    assert "smiley-entry" not in recording.resources
    assert "edge-color" in recording.resources
    identity = recording.resources["smiley-device-identity"]
    assert identity.retained
    assert {"connection", "stdin"} <= identity.ignored
    assert not recording.resources["color-device-identity"].retained


def test_each_device_costs_few_resources(lab: Any) -> None:
    found = lab(edge={})
    names = [name for name in found.resources if name.startswith("color-") or name == "edge-color"]
    assert sorted(names) == [
        "color-device",
        found.starting_with("color-device-certificate-1-").name,
        "color-device-identity",
        "color-device-linkerd2-proxy",
        "color-device-parts",
        "color-device-spire-agent",
        "color-entry",
        "edge-color",
    ]


def test_a_device_is_certified_for_its_own_name_only(lab: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.components.conftest.request", lambda _: request("color"))
    with pytest.raises(Exception, match=r"smiley: its request asks for 'CN=color'"):
        lab()


def test_a_certificate_stays_whatever_a_preview_cannot_know_and_another_machine_gets_its_own(lab: Any) -> None:
    other = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode()
    before, moved, replaced = (
        recording.starting_with("smiley-device-certificate-")
        for recording in (lab(), lab(host="pi-1.local", port=2222, host_key=_host_key()), lab(host_key=other))
    )
    assert before.ignored == {"certRequestPem"}
    assert before.name == moved.name != replaced.name


def _host_key() -> str:
    return Path("known_hosts").read_text().splitlines()[0].split(" ", 1)[1]


def test_another_machine_in_its_place_gets_the_files_again(lab: Any) -> None:
    other = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode()
    before, moved, replaced = lab(), lab(host="pi-1.local", host_key=_host_key()), lab(host_key=other)
    for name in ("smiley-device-linkerd2-proxy", "smiley-device-spire-agent"):
        first, same, new = (found.resources[name].inputs["triggers"] for found in (before, moved, replaced))
        assert first == same != new


def test_each_part_of_faces_runs_its_own_image_and_color_is_asked_by_grpc(lab: Any) -> None:
    recording = lab()
    for name, protocol in (("smiley", "http"), ("color", "grpc")):
        sent = recording.resources[f"{name}-device-parts"].inputs["stdin"]
        assert f"\nimage ghcr.io/buoyantio/faces-{name}:{versions.FACES_CHART} - pull\n" in sent
        assert f"WORKLOAD_PROTOCOL={protocol}\n" in sent
    registered = {name: recording.resources[f"edge-{name}"].inputs["metadata"] for name in ("smiley", "color")}
    assert registered["color"]["annotations"]["mesh-expansion/probe"] == "grpc"
    # By GET it would fail as often as ERROR_FRACTION says.
    assert registered["smiley"]["annotations"]["mesh-expansion/probe"] == "HEAD"
    ready = recording.resources["policy-edge-ready-httproute"].inputs["spec"]["rules"][0]["matches"]
    assert [(match["method"], match["path"]["value"]) for match in ready] == [
        ("GET", "/ready"),
        ("HEAD", "/ready"),
        ("POST", "/grpc.health.v1.Health/Check"),
    ]


def test_nothing_is_asked_by_grpc_in_a_lab_of_faces_1(lab: Any) -> None:
    recording = lab(faces={"chart-version": "1.4.1"})
    assert (
        "\nimage ghcr.io/buoyantio/faces-workload:1.4.1 - pull\n"
        in (recording.resources["color-device-parts"].inputs["stdin"])
    )
    probed = recording.resources["edge-color"].inputs["metadata"]["annotations"]["mesh-expansion/probe"]
    assert probed == "HEAD"
    assert "/grpc.health.v1.Health/Check" not in str(recording.resources["policy-edge-ready-httproute"].inputs)
