"""What the program declares for workloads in Docker containers: in which order, on which network, and how they leave."""

import json
from pathlib import Path
from typing import Any

import asyncssh
import pytest
from pulumi.runtime.mocks import MockResourceArgs

import stacks
import versions
from settings import load
from tests.components.conftest import Declare, Recording, request

IMAGE = f"sha256:{'1' * 64}"


@pytest.fixture
def lab(declare: Declare, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A lab with the device smiley and the container smiley3; keyword arguments change keys of `docker` or `edge`."""
    monkeypatch.chdir(tmp_path)
    Path("kubeconfig").write_text("{}")
    Path("id").write_text("PRIVATE")
    Path("parts").mkdir()
    for name in ("linkerd2-proxy", "spire-agent"):
        Path("parts", name).write_bytes(name.encode())
    public = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode()
    Path("known_hosts").write_text(f"192.168.1.21 {public}")
    usual = Recording.new_resource

    def new_resource(self: Recording, args: MockResourceArgs) -> tuple[str | None, dict[Any, Any]]:
        if args.typ == "docker:index/image:Image":
            return args.name, {**args.inputs, "repoDigest": IMAGE, "baseImageName": args.inputs["imageName"]}
        if args.typ == "command:local:Command" and args.name.endswith("-prepare"):
            return args.name, {**args.inputs, "stdout": request(args.name.split("-")[0])}
        return usual(self, args)

    monkeypatch.setattr(Recording, "new_resource", new_resource)

    def lab(docker: dict[str, Any] | None = None, edge: dict[str, Any] | None = None, **workload: Any) -> Recording:
        values = {
            "cluster": {"kubeconfig": "kubeconfig"},
            "faces": {"on-edge": ["smiley"]},
            "ssh": {"private-key-file": "id", "known-hosts": "known_hosts"},
            "edge": {"artefacts": "parts", **(edge or {})},
            "docker": {"network": "mesh-exp", "dns-address": "192.168.1.40", **(docker or {})},
            "workloads": [
                {"name": "smiley", "addresses": ["192.168.1.21"], "device": {}},
                {"name": "smiley3", "addresses": ["192.168.1.41"], "container": {}, **workload},
            ],
        }
        raw = {"lab": "twin"} | {key: json.dumps(value) for key, value in values.items()}
        settings = load(raw, set(), source="test", project=tmp_path)
        return declare(lambda: stacks.compose(settings))

    return lab


def test_identity_policy_images_and_dns_are_there_before_the_container_and_it_is_registered_last(lab: Any) -> None:
    recording = lab()
    found = recording.before("smiley3-docker-container")
    assert {"smiley3-entry", "policy-edge-smiley-server", "prober-deployment", "images-removal"} <= found
    assert {"dns-forwarder-container", "smiley3-docker-certificate-1"} <= found
    assert not found & {"smiley-entry", "edge-smiley3"}
    assert "smiley3-docker-container" in recording.before("edge-smiley3")
    annotations = recording.resources["edge-smiley3"].inputs["metadata"]["annotations"]
    assert annotations["pulumi.com/waitFor"] == "condition=Ready"


def test_images_are_built_without_waiting_for_the_mesh(lab: Any) -> None:
    assert not lab().before("images-workload-smiley3") & {
        "linkerd-control-plane",
        "spire-server",
        "prober-deployment",
    }


def test_a_container_is_known_to_spire_by_the_proxys_user_alone_and_a_device_by_its_path_too(lab: Any) -> None:
    resources = lab().resources
    assert resources["smiley3-entry"].inputs["spec"]["selectors"] == ["unix:uid:2102"]
    assert len(resources["smiley-entry"].inputs["spec"]["selectors"]) == 2


def test_what_serves_devices_and_containers_alike_is_made_once(lab: Any) -> None:
    recording = lab()
    assert len([name for name in recording.resources if name.endswith("-service") and name.startswith("dns-")]) == 1
    policy = recording.resources["policy-edge-meshed-meshtlsauthentication"].inputs["spec"]["identities"]
    assert policy == ["*", *(f"spiffe://root.linkerd.cluster.local/{name}" for name in ("smiley", "smiley3"))]


def test_a_container_is_told_of_every_node_and_reaches_services_by_the_first(lab: Any) -> None:
    recording = lab(environment={"SMILEY": "HeartEyes"})
    made = recording.resources["smiley3-docker-container"].inputs
    assert {
        "POD_ROUTES=10.42.0.0/24=192.168.1.10 10.42.1.0/24=192.168.1.11",
        "NODE_IP=192.168.1.10",
        "SVC_CIDR=10.43.0.0/16",
        "SPIRE_SERVER=192.168.1.10:30081",
        "NAMESERVERS=192.168.1.40",
        "FACES_SERVICE=smiley",
        "SMILEY=HeartEyes",
    } <= set(made["envs"])
    assert (made["name"], made["hostname"], made["image"]) == ("mesh-exp-smiley3", "smiley3-docker-ext1", IMAGE)
    forwarder = recording.resources["dns-forwarder-container"].inputs
    assert forwarder["envs"] == ["DNS_SERVERS=192.168.1.10#30000 192.168.1.11#30000"]


def test_a_network_that_is_there_is_used_and_one_with_a_range_is_made(lab: Any) -> None:
    for docker, count in ({}, 0), ({"subnet": "192.168.1.0/24"}, 1):
        recording = lab(docker=docker)
        networks = recording.of_type("docker:index/network:Network")
        assert len(networks) == count
        joined = recording.resources["smiley3-docker-container"].inputs["networksAdvanced"]
        assert joined == [{"name": "mesh-exp", "ipv4Address": "192.168.1.41"}]
    # Docker gives addresses out of the first eighth itself: none of the containers' own.
    assert networks[0].inputs["ipamConfigs"] == [
        {"subnet": "192.168.1.0/24", "gateway": "192.168.1.1", "ipRange": "192.168.1.0/27"}
    ]
    assert "docker-network" in recording.before("smiley3-docker-container")


def test_the_parts_are_official_unless_the_stack_file_says_otherwise(lab: Any) -> None:
    built = lab().resources["images-external-base"].inputs["build"]["args"]
    assert built["PROXY_IMAGE"] == f"cr.l5d.io/linkerd/proxy:{versions.LINKERD}"
    assert built["SPIRE_IMAGE"] == f"ghcr.io/spiffe/spire-agent:{versions.SPIRE}"
    release = {"spire-sha256": {"amd64": "a" * 64}}
    built = lab(docker=release).resources["images-external-base"].inputs["build"]["args"]
    assert (built["SPIRE_VERSION"], built["SPIRE_SHA256_AMD64"]) == (versions.SPIRE, "a" * 64)
    assert "SPIRE_IMAGE" not in built


def test_the_workloads_own_image_is_taken_before_that_of_all_containers_and_that_before_faces_own(lab: Any) -> None:
    def program(**given: Any) -> str:
        image: str = lab(**given).resources["images-workload-smiley3"].inputs["build"]["args"]["WORKLOAD_IMAGE"]
        return image

    assert program() == f"ghcr.io/buoyantio/faces-smiley:{versions.FACES_CHART}"
    assert program(docker={"workload-image": "all:1"}) == "all:1"
    assert program(docker={"workload-image": "all:1"}, image="own:1") == "own:1"


def test_controllers_at_a_loopback_address_are_led_from_the_container_to_the_first_node(lab: Any) -> None:
    made = lab(edge={"controllers": "127.0.0.1"}).resources["smiley3-docker-container"].inputs
    assert "CONTROLLERS=192.168.1.10" in made["envs"]
    assert made["sysctls"]
    assert "sysctls" not in lab().resources["smiley3-docker-container"].inputs


def test_every_call_to_the_engine_goes_where_the_stack_file_says(lab: Any) -> None:
    recording = lab(docker={"host": "unix:///run/lab/docker.sock"})
    assert recording.resources["docker"].inputs["host"] == "unix:///run/lab/docker.sock"
    for command in recording.of_type("command:local:Command"):
        assert command.inputs["environment"] == {"DOCKER_HOST": "unix:///run/lab/docker.sock"}


def test_no_key_of_an_authority_reaches_a_container_or_a_build(lab: Any) -> None:
    recording = lab()
    keys = [
        line
        for resource in recording.of_type("tls:index/locallySignedCert:LocallySignedCert")
        for line in resource.inputs["caPrivateKeyPem"].splitlines()
        if not line.startswith("-----")
    ]
    assert keys
    sent = "".join(
        str(resource.inputs)
        for resource in recording.resources.values()
        if resource.type.startswith(("docker:", "command:"))
    )
    assert not [line for line in keys if line in sent]


def test_each_container_costs_few_resources(lab: Any) -> None:
    # A Service of its own costs what says who may call it, however many workloads stand behind it.
    names = [name for name in lab().resources if "smiley3" in name and not name.startswith("policy-")]
    assert sorted(names) == [
        "edge-smiley3",
        "edge-smiley3-service",
        "images-workload-smiley3",
        "smiley3-docker",
        "smiley3-docker-certificate-1",
        "smiley3-docker-container",
        "smiley3-docker-identity",
        "smiley3-docker-prepare",
        "smiley3-entry",
    ]
