"""The proxy's settings on a device, and the other files that differ from device to device."""

import json
import shlex
from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.device import Controllers, Endpoint, Route
from domain.device_files import device_files
from domain.environment import container_lines, shell_lines
from domain.proxy import proxy_environment
from domain.workloads import Workload
from tests.unit.device_fixtures import NODE, device, sh


def _proxy(**changes: object) -> dict[str, str]:
    return {name.removeprefix("LINKERD2_PROXY_"): value for name, value in proxy_environment(device(**changes)).items()}


def test_the_proxy_s_identity_is_the_workload_s_and_both_names_of_the_socket_are_set() -> None:
    values = _proxy()
    assert values["IDENTITY_SERVER_ID"] == "spiffe://root.linkerd.cluster.local/smiley"
    assert values["IDENTITY_SERVER_NAME"] == "smiley.cluster.local"
    assert values["IDENTITY_SPIRE_SOCKET"] == "unix:///run/mesh-expansion/agent.sock"
    assert values["IDENTITY_SPIRE_WORKLOAD_API_ADDRESS"] == values["IDENTITY_SPIRE_SOCKET"]


def test_nobody_gets_in_before_a_policy_says_so() -> None:
    assert _proxy()["INBOUND_DEFAULT_POLICY"] == "deny"
    workload = Workload(name="smiley", service="smiley", addresses=device().workload.addresses, port=9000)
    assert _proxy(workload=workload)["INBOUND_PORTS"] == "9000"


def test_only_the_inbound_port_can_be_reached_from_outside() -> None:
    listeners = {name: value for name, value in _proxy().items() if name.endswith("LISTEN_ADDR")}
    assert listeners == {
        "INBOUND_LISTEN_ADDR": "0.0.0.0:4143",
        "OUTBOUND_LISTEN_ADDR": "127.0.0.1:4140",
        "CONTROL_LISTEN_ADDR": "127.0.0.1:4190",
        "ADMIN_LISTEN_ADDR": "127.0.0.1:4191",
    }


def test_a_workload_with_both_families_is_served_on_both() -> None:
    addresses = (ip_address("192.0.2.21"), ip_address("2001:db8::21"))
    values = _proxy(workload=Workload(name="smiley", service="smiley", addresses=addresses))
    assert values["INBOUND_LISTEN_ADDR"] == "[::]:4143"
    assert values["OUTBOUND_LISTEN_ADDRS"] == "127.0.0.1:4140,[::1]:4140"


def test_the_controllers_are_told_which_workload_asks() -> None:
    values = _proxy()
    assert json.loads(values["POLICY_WORKLOAD"]) == {"ns": "faces", "external_workload": "smiley"}
    assert json.loads(values["DESTINATION_CONTEXT"]) == {
        "ns": "faces",
        "nodeName": "pi-1",
        "external_workload": "smiley",
    }


def test_controllers_on_loopback_addresses_are_not_asked_for_an_identity() -> None:
    for host, written in (("127.0.0.1", "127.0.0.1"), ("::1", "[::1]")):
        values = _proxy(controllers=Controllers.at(host))
        assert values["DESTINATION_SVC_ADDR"] == f"{written}:8086"
        assert values["POLICY_SVC_ADDR"] == f"{written}:8090"
        assert not {"DESTINATION_SVC_NAME", "POLICY_SVC_NAME"} & set(values)
    for controllers in (Controllers(), Controllers.at("linkerd.example.com")):
        name = _proxy(controllers=controllers)["DESTINATION_SVC_NAME"]
        assert name.startswith("linkerd-destination.linkerd.serviceaccount.")


def test_trust_anchors_are_no_part_of_the_environment_file() -> None:
    files = device_files(device(trust_anchors_pem="ANCHORS"))
    assert "ANCHORS" not in files["/etc/mesh-expansion/proxy.env"]
    assert files["/etc/mesh-expansion/trust-anchors.pem"] == "ANCHORS\n"


def test_ranges_behind_the_proxy_and_routes_are_told_apart() -> None:
    files = device_files(device())
    assert files["/etc/mesh-expansion/routes"] == "10.42.0.0/24 via 192.0.2.10\n"
    assert files["/etc/mesh-expansion/networks"] == "10.42.0.0/24\n10.43.0.0/16\n"
    route = Route(network=ip_network("10.43.0.0/16"), via=NODE)
    files = device_files(device(service_route=route))
    assert files["/etc/mesh-expansion/routes"] == "10.42.0.0/24 via 192.0.2.10\n10.43.0.0/16 via 192.0.2.10\n"
    assert files["/etc/mesh-expansion/networks"] == "10.42.0.0/24\n10.43.0.0/16\n"


def test_the_agent_attests_with_the_device_s_own_key_and_never_blindly() -> None:
    text = device_files(device())["/etc/mesh-expansion/agent.conf"]
    assert 'NodeAttestor "x509pop"' in text
    assert 'private_key_path = "/etc/mesh-expansion/device.key"' in text
    assert 'trust_bundle_path = "/etc/mesh-expansion/trust-anchors.pem"' in text
    assert 'server_address = "192.0.2.10"\n  server_port = 30081\n' in text
    assert "discover_workload_path = true" in text
    assert "insecure_bootstrap" not in text


def test_names_of_the_cluster_are_asked_at_the_node() -> None:
    path = "/etc/systemd/resolved.conf.d/mesh-expansion.conf"
    assert "DNS=192.0.2.10:30000\nDomains=~svc.cluster.local ~cluster.local\n" in device_files(device())[path]
    assert "DNS=[2001:db8::10]:30000\n" in device_files(device(dns=Endpoint(host="2001:db8::10", port=30000)))[path]
    with pytest.raises(ValueError, match=r"dns: 'node.example' is no IP address.*fix: "):
        device_files(device(dns=Endpoint(host="node.example", port=30000)))


@settings(max_examples=40, deadline=None)
@given(st.text(st.characters(exclude_characters="\0\r\n'", codec="utf-8")))
def test_a_shell_reads_a_value_as_it_was_meant(value: str) -> None:
    lines = shell_lines({"NAME": value})
    assert sh(f'{lines}printf %s "$NAME"').stdout == value
    assert shlex.split(lines) == [f"NAME={value}"]


@pytest.mark.parametrize("value", ["a\nB=2", "a\rb"])
def test_a_value_of_several_lines_is_refused_without_being_shown(value: str) -> None:
    with pytest.raises(ValueError, match="the value of PASSWORD has a line break; expected one line; fix: ") as error:
        container_lines({"PASSWORD": value})
    assert value not in str(error.value)


def test_quotes_reach_the_workload_as_they_stand() -> None:
    assert container_lines({"TEXT": """it's "so" """}) == """TEXT=it's "so" \n"""
