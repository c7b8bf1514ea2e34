"""Edge containers, their images and their DNS as the program declares them."""

from collections.abc import Callable
from ipaddress import ip_address
from typing import Any

import pulumi
import pytest
from pulumi.runtime.mocks import MockResourceArgs

from components.dns_forwarder import DnsForwarder, DnsForwarderArgs
from components.edge.container import SELECTORS, EdgeContainer, EdgeContainerArgs
from components.edge.images import EdgeImages, EdgeImagesArgs, SpireRelease
from domain.device import Controllers
from domain.workloads import Workload
from tests.components.conftest import Declare, Recording, request

IMAGE = f"sha256:{'1' * 64}"
WORKLOAD = Workload(name="smiley", service="smiley", addresses=(ip_address("172.31.250.41"), ip_address("fd00::41")))


@pytest.fixture(autouse=True)
def engine(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """What the engine and the container answer; a test may change the request."""
    answers = {"request": request("smiley")}
    usual = Recording.new_resource

    def new_resource(self: Recording, args: MockResourceArgs) -> tuple[str | None, dict[Any, Any]]:
        computed: dict[str, Any]
        if args.typ == "docker:index/image:Image":
            computed = {"repoDigest": IMAGE, "baseImageName": args.inputs["imageName"]}
        elif args.typ == "command:local:Command":
            computed = {"stdout": answers["request"]}
        elif args.typ == "tls:index/locallySignedCert:LocallySignedCert":
            computed = {"certPem": "CERTIFICATE"}
        else:
            return usual(self, args)
        return f"{args.name}-id", {**args.inputs, **computed}

    monkeypatch.setattr(Recording, "new_resource", new_resource)
    return answers


def container(**changed: Any) -> Callable[[], dict[str, Any]]:
    args: dict[str, Any] = {
        "workload": WORKLOAD,
        "namespace": "faces",
        "image": pulumi.Output.from_input(IMAGE),
        "container_name": "lab-smiley-1",
        "network": "mesh-exp",
        "dns": ["172.31.250.40"],
        "spire_server": "172.31.250.10:30081",
        "trust_anchors_pem": "ANCHORS",
        "device_ca_certificate_pem": "CA",
        "device_ca_key_pem": pulumi.Output.secret("CA KEY"),
        "certificate_days": 365,
        "pod_routes": pulumi.Output.from_input([("10.42.0.0/24", "172.31.250.10"), ("10.42.1.0/24", "172.31.250.11")]),
        "service_network": "10.43.0.0/16",
        "environment": {"FACES_SERVICE": "smiley"},
        **changed,
    }

    def program() -> dict[str, Any]:
        made = EdgeContainer("edge-smiley", EdgeContainerArgs(**args))
        return {"hostname": made.hostname}

    return program


def test_a_container_is_made_after_its_key_its_request_and_its_certificate(declare: Declare) -> None:
    recording = declare(container())
    assert recording.resources["edge-smiley-identity"].inputs["name"] == "lab-smiley-1-identity"
    prepare = recording.resources["edge-smiley-prepare"]
    assert prepare.inputs["create"] == (
        "docker run --rm --network none --volume lab-smiley-1-identity:/opt/spire/identity "
        f"--entrypoint /opt/spire/bin/prepare {IMAGE} smiley"
    )
    certificate = recording.resources["edge-smiley-certificate-1"]
    assert "edge-smiley-prepare" in certificate.depends_on
    assert certificate.inputs["validityPeriodHours"] == 365 * 24
    assert certificate.secret == {"caPrivateKeyPem"}
    made = recording.resources["edge-smiley-container"]
    assert {"edge-smiley-identity", "edge-smiley-certificate-1"} <= made.depends_on
    assert {resource.parent for resource in (prepare, certificate, made)} == {"edge-smiley"}
    assert "edge-smiley" in recording.completed


def test_a_new_image_does_not_ask_for_a_new_certificate(declare: Declare) -> None:
    prepare = declare(container()).resources["edge-smiley-prepare"]
    assert {"create", "environment"} <= prepare.ignored


def test_a_container_gets_rights_for_its_network_alone_and_no_secret(declare: Declare) -> None:
    made = declare(container()).resources["edge-smiley-container"]
    assert made.inputs["capabilities"] == {"adds": ["CAP_NET_ADMIN"]}
    assert made.inputs["securityOpts"] == ["no-new-privileges"]
    assert not made.inputs.get("privileged")
    assert not made.secret
    assert made.inputs["uploads"] == [
        {"file": "/opt/spire/certs/ca.crt", "content": "ANCHORS"},
        {"file": "/opt/spire/certs/device.crt", "content": "CERTIFICATE"},
    ]
    assert made.inputs["volumes"] == [{"volumeName": "lab-smiley-1-identity", "containerPath": "/opt/spire/identity"}]
    assert SELECTORS == ("unix:uid:2102",)


def test_a_container_is_told_where_it_is_and_how_it_reaches_the_cluster(declare: Declare) -> None:
    recording = declare(container())
    made = recording.resources["edge-smiley-container"].inputs
    assert made["hostname"] == recording.exports["hostname"] == "smiley-docker-ext1"
    assert made["image"] == IMAGE
    assert made["networksAdvanced"] == [{"name": "mesh-exp", "ipv4Address": "172.31.250.41", "ipv6Address": "fd00::41"}]
    assert made["dns"] == ["172.31.250.40"]
    assert made["envs"] == [
        "FACES_SERVICE=smiley",
        "NAMESERVERS=172.31.250.40",
        "NODE_NAME=smiley-docker-ext1",
        "POD_ROUTES=10.42.0.0/24=172.31.250.10 10.42.1.0/24=172.31.250.11",
        "SPIRE_SERVER=172.31.250.10:30081",
        "START_SECONDS=120",
        "SVC_CIDR=10.43.0.0/16",
        "WORKLOAD_NAME=smiley",
        "WORKLOAD_NAMESPACE=faces",
        "WORKLOAD_PORT=8000",
    ]
    routed = declare(container(service_via="172.31.250.10")).resources["edge-smiley-container"].inputs
    assert "NODE_IP=172.31.250.10" in routed["envs"]


def test_controllers_at_a_containers_own_address_are_led_to_the_node_and_are_asked_for_no_identity(
    declare: Declare,
) -> None:
    here = container(controllers=Controllers.at("127.0.0.1"), controllers_via="172.31.250.10")
    made = declare(here).resources["edge-smiley-container"].inputs
    assert made["sysctls"] == {"net.ipv4.conf.all.route_localnet": "1"}
    assert {"CONTROLLERS=172.31.250.10", "LINKERD2_PROXY_DESTINATION_SVC_ADDR=127.0.0.1:8086"} <= set(made["envs"])
    assert not [line for line in made["envs"] if "_SVC_NAME" in line]
    elsewhere = declare(container(controllers=Controllers.at("mesh.example"))).resources["edge-smiley-container"].inputs
    assert "sysctls" not in elsewhere
    assert [line.split("=")[0] for line in elsewhere["envs"] if "_SVC_NAME" in line] == [
        "LINKERD2_PROXY_DESTINATION_SVC_NAME",
        "LINKERD2_PROXY_POLICY_SVC_NAME",
    ]


def test_what_a_workload_is_configured_with_cannot_change_who_it_is(declare: Declare) -> None:
    made = declare(container(environment={"WORKLOAD_NAME": "color"})).resources["edge-smiley-container"].inputs
    assert "WORKLOAD_NAME=smiley" in made["envs"] and "WORKLOAD_NAME=color" not in made["envs"]


def test_a_container_comes_back_is_waited_for_and_cannot_fill_the_disk(declare: Declare) -> None:
    made = declare(container(ready_seconds=60)).resources["edge-smiley-container"].inputs
    assert (made["restart"], made["wait"], made["waitTimeout"]) == ("unless-stopped", True, 60)
    assert made["logOpts"] == {"max-size": "10m", "max-file": "3"}
    assert made["destroyGraceSeconds"] == 10
    assert made["labels"] == [{"label": "mesh-expansion/workload", "value": "smiley"}]


def test_a_container_that_asks_for_anothers_name_gets_no_certificate(declare: Declare, engine: dict[str, str]) -> None:
    engine["request"] = request("color")
    with pytest.raises(ValueError, match=r"expected CN=smiley"):
        declare(container())


def test_the_engine_of_the_preparation_is_that_of_the_containers(declare: Declare) -> None:
    prepare = declare(container(docker_host="unix:///run/lab/docker.sock")).resources["edge-smiley-prepare"].inputs
    assert prepare["environment"] == {"DOCKER_HOST": "unix:///run/lab/docker.sock"}


def images(spire: SpireRelease | str) -> Callable[[], dict[str, Any]]:
    def program() -> dict[str, Any]:
        made = EdgeImages(
            "images",
            EdgeImagesArgs(
                tag="lab",
                base="debian:bookworm-slim",
                proxy_image="proxy:1",
                spire=spire,
                workload_images={"smiley": "faces:2"},
                docker_host="unix:///run/lab/docker.sock",
            ),
        )
        return {"workload": made.workloads["smiley"], "dns": made.dns_forwarder}

    return program


def test_images_are_built_here_and_known_by_their_content(declare: Declare) -> None:
    recording = declare(images(SpireRelease(version="1.15.3", sha256={"amd64": "a" * 64, "arm64": "b" * 64})))
    assert recording.exports == {"workload": IMAGE, "dns": IMAGE}
    base = recording.resources["images-external-base"].inputs
    assert base["skipPush"] is True
    assert base["build"]["args"] == {
        "LAB": "lab", "BASE": "debian:bookworm-slim", "PROXY_IMAGE": "proxy:1", "SPIRE_VERSION": "1.15.3",
        "SPIRE_SHA256_AMD64": "a" * 64, "SPIRE_SHA256_ARM64": "b" * 64,
    }  # fmt: skip
    workload = recording.resources["images-workload-smiley"].inputs
    assert workload["build"]["args"] == {
        "LAB": "lab", "BASE": "mesh-expansion/external-base:lab", "BASE_DIGEST": IMAGE, "WORKLOAD_IMAGE": "faces:2",
    }  # fmt: skip
    assert "images" in recording.completed


def test_the_agent_may_come_from_an_image_instead_of_the_release(declare: Declare) -> None:
    base = declare(images("parts:1")).resources["images-external-base"].inputs
    assert base["build"]["args"] == {
        "LAB": "lab", "BASE": "debian:bookworm-slim", "PROXY_IMAGE": "proxy:1", "SPIRE_IMAGE": "parts:1",
    }  # fmt: skip


def test_destroying_removes_the_images_of_this_lab_alone(declare: Declare) -> None:
    removal = declare(images("parts:1")).resources["images-removal"]
    assert removal.parent == "images"
    assert removal.inputs["delete"] == "docker image prune --all --force --filter label=mesh-expansion/lab=lab"
    assert removal.inputs["environment"] == {"DOCKER_HOST": "unix:///run/lab/docker.sock"}
    assert "create" not in removal.inputs


def test_dns_for_containers_forwards_to_every_node(declare: Declare) -> None:
    def program() -> dict[str, Any]:
        made = DnsForwarder(
            "dns-forwarder",
            DnsForwarderArgs(
                image=IMAGE,
                container_name="lab-dnsmasq",
                network="mesh-exp",
                address="172.31.250.40",
                servers=pulumi.Output.from_input(["172.31.250.10#30000", "172.31.250.11#30000"]),
            ),
        )
        return {"address": made.address}

    recording = declare(program)
    made = recording.resources["dns-forwarder-container"].inputs
    assert made["envs"] == ["DNS_SERVERS=172.31.250.10#30000 172.31.250.11#30000"]
    assert made["networksAdvanced"] == [{"name": "mesh-exp", "ipv4Address": "172.31.250.40"}]
    assert made["restart"] == "unless-stopped"
    assert recording.exports["address"] == "172.31.250.40"
