"""Containers that stand for the twin's pods, as data: rules, a proxy's environment, requests, packets."""

import json
import struct
from typing import Any

from lab.twin.pod import rules
from lab.twin.pod.neighbours import neighbours
from lab.twin.pod.proxy import proxy_environment
from lab.verify.places import packets

NODE = "172.31.250.10"
PODS = "10.42.0.0/16"


def _service(name: str, address: str, *ports: dict[str, Any]) -> dict[str, Any]:
    return {"metadata": {"name": name, "namespace": "faces"}, "spec": {"clusterIP": address, "ports": list(ports)}}


def _slice(service: str, address: str, *, ready: bool = True, name: str = "") -> dict[str, Any]:
    return {
        "metadata": {"namespace": "faces", "labels": {"kubernetes.io/service-name": service}},
        "addressType": "IPv4",
        "ports": [{"name": name, "port": 8000}],
        "endpoints": [{"addresses": [address], "conditions": {"ready": ready}}],
    }


def test_a_service_leads_a_pod_without_a_proxy_to_a_machine_outside_and_never_to_a_pod_that_does_not_run() -> None:
    services = [
        _service("smiley", "10.43.0.7", {"port": 80}),
        _service("smiley2", "10.43.0.8", {"port": 80}),
        _service("headless", "None", {"port": 80}),
    ]
    slices = [_slice("smiley", "10.42.0.3"), _slice("smiley", "172.31.250.21"), _slice("smiley2", "10.42.0.4")]
    assert rules.balanced(services, slices, PODS) == [
        "-A OUTPUT -d 10.43.0.7 -p tcp --dport 80 -j DNAT --to-destination 172.31.250.21:8000"
    ]


def test_an_endpoint_that_is_not_ready_or_of_another_port_gets_nothing() -> None:
    service = _service("smiley", "10.43.0.7", {"port": 80, "name": "http"})
    assert rules.balanced([service], [_slice("smiley", "172.31.250.21", ready=False, name="http")], PODS) == []
    assert rules.balanced([service], [_slice("smiley", "172.31.250.21", name="metrics")], PODS) == []
    assert len(rules.balanced([service], [_slice("smiley", "172.31.250.21", name="http")], PODS)) == 1


def test_all_that_leaves_goes_through_the_proxy_but_for_its_own_and_what_stays() -> None:
    found = rules.proxied(NODE, {8080: 8091})
    assert found[0] == f"-A OUTPUT -d 127.0.0.1 -p tcp --dport 8080 -j DNAT --to-destination {NODE}:8091"
    assert found[-3:] == [
        "-A OUTPUT -m owner --uid-owner 2102 -j RETURN",
        "-A OUTPUT -o lo -j RETURN",
        "-A OUTPUT -p tcp -j REDIRECT --to-ports 4140",
    ]
    assert rules.table(found).splitlines()[0] == "*nat"
    assert rules.table(found).splitlines()[-1] == "COMMIT"


def test_a_pods_proxy_proves_its_service_account_and_keeps_no_secret_in_its_environment() -> None:
    found = proxy_environment(
        account="face", namespace="faces", pod="p", node="twin-0", anchors_pem="ANCHORS", directory="/run/pod"
    )
    name = "face.faces.serviceaccount.identity.linkerd.cluster.local"
    assert found["LINKERD2_PROXY_IDENTITY_LOCAL_NAME"] == name
    assert found["LINKERD2_PROXY_IDENTITY_TOKEN_FILE"] == "/run/pod/token"
    assert json.loads(found["LINKERD2_PROXY_DESTINATION_CONTEXT"]) == {"ns": "faces", "nodeName": "twin-0", "pod": "p"}
    listening = [value for key, value in found.items() if key.endswith("LISTEN_ADDR")]
    assert len(listening) == 4
    assert all(value.startswith("127.0.0.1:") for value in listening)


def _frame(source: tuple[str, int], target: tuple[str, int], protocol: int = 6) -> bytes:
    def packed(text: str) -> bytes:
        return bytes(map(int, text.split(".")))

    ports = struct.pack("!HH", source[1], target[1])
    header = bytes([0x45]) + bytes(8) + bytes([protocol]) + bytes(2) + packed(source[0]) + packed(target[0])
    return bytes(12) + b"\x08\x00" + header + ports + bytes(16)


def test_packets_of_the_place_that_is_looked_at_are_kept_and_no_others() -> None:
    own, other = ("172.31.250.21", 8000), ("172.31.250.41", 40000)
    assert packets.concerns(_frame(other, own), *own)
    assert packets.concerns(_frame(own, other), *own)
    assert not packets.concerns(_frame(other, (own[0], 4143)), *own)
    assert not packets.concerns(_frame((other[0], own[1]), (other[0], 1)), *own)
    assert not packets.concerns(_frame(other, own, protocol=17), *own)
    assert not packets.concerns(b"short", *own)


def _pod(name: str, address: str, image: str, port: int, **environment: str) -> dict[str, Any]:
    container = {
        "image": image,
        "ports": [{"name": "prom", "containerPort": 8801}, {"name": "grpc", "containerPort": port}],
        "env": [{"name": key, "value": value} for key, value in environment.items()],
    }
    return {"metadata": {"name": name}, "spec": {"containers": [container]}, "status": {"podIP": address}}


def test_a_backend_of_faces_is_played_beside_who_asks_with_the_faults_that_its_deployment_gives_it() -> None:
    smiley = _pod("smiley2-x", "10.42.0.3", "r/faces-smiley:2.0.0", 0, FACES_SERVICE="smiley", ERROR_FRACTION="25")
    smiley["spec"]["containers"][0]["ports"] = [{"name": "http", "containerPort": 8000}]
    (found,) = neighbours([_pod("face-x", "10.42.0.2", "r/faces-cell:2.0.0", 8000, FACES_SERVICE="face"), smiley])
    assert found.rule == (
        "-A OUTPUT -d 10.42.0.3 -p tcp --dport 8000 -m owner --uid-owner 2102 -j REDIRECT --to-ports 9001"
    )
    words = found.command("/p/faces-workload")
    assert {"FACES_SERVICE=smiley", "ERROR_FRACTION=25", "HOSTNAME=smiley2-x", "-port=9001"} <= {*words}
    assert rules.proxied(NODE, {}, [found.rule])[0] == found.rule, "before the proxy's own traffic is let past"


def test_a_color_of_faces_1_is_played_by_http() -> None:
    (one,) = neighbours([_pod("c", "10.42.0.3", "r/faces-workload:1.4.1", 8000, FACES_SERVICE="color")])
    (two,) = neighbours([_pod("c", "10.42.0.3", "r/faces-color:2.0.0", 8000, FACES_SERVICE="color")])
    assert "WORKLOAD_PROTOCOL=http" in one.command("p")
    assert "WORKLOAD_PROTOCOL=http" not in two.command("p")


def test_emojivotos_services_are_played_at_their_port_of_grpc_and_no_pod_that_leaves() -> None:
    voting = _pod("voting-x", "10.42.0.4", "docker.l5d.io/buoyantio/emojivoto-voting-svc:v11", 8080)
    web = _pod("web-x", "10.42.0.5", "docker.l5d.io/buoyantio/emojivoto-web:v11", 8080)
    leaving = {**voting, "metadata": {"name": "voting-y", "deletionTimestamp": "now"}}
    (found,) = neighbours([leaving, voting, web])
    assert (found.name, found.played.port) == ("voting-x", 8080)
    assert "-emojivoto" in found.command("p")
