"""The environment of linkerd2-proxy on a device."""

import json
from collections.abc import Mapping

from domain.device import Device

AGENT_SOCKET = "/run/mesh-expansion/agent.sock"
INBOUND, OUTBOUND, CONTROL, ADMIN = 4143, 4140, 4190, 4191
PORTS = (OUTBOUND, INBOUND, CONTROL, ADMIN)
PRIVATE_NETWORKS = "10.0.0.0/8,100.64.0.0/10,172.16.0.0/12,192.168.0.0/16"
# Protocols in which the server speaks first: detection would wait for a client that waits too.
SERVER_FIRST = "25,587,3306,4444,5432,6379,9300,11211"


def proxy_environment(device: Device) -> dict[str, str]:
    """Every variable but the trust anchors, which `run-proxy` reads from their file: a rotation is a change of that file."""
    values = {**_logging(device), **_control(device), **_identity(device), **_listeners(device), **_traffic(device)}
    return {f"LINKERD2_PROXY_{name}": value for name, value in values.items()}


def _logging(device: Device) -> Mapping[str, str]:
    return {"LOG": device.log_level, "LOG_FORMAT": "plain"}


def _control(device: Device) -> Mapping[str, str]:
    workload = {"ns": device.namespace, "external_workload": device.workload.name}
    context = {"ns": device.namespace, "nodeName": device.node_name, "external_workload": device.workload.name}
    name = device.controllers.name
    return {
        "DESTINATION_SVC_ADDR": device.controllers.destination,
        **({"DESTINATION_SVC_NAME": name} if name else {}),
        "DESTINATION_CONTEXT": _compact(context),
        "DESTINATION_PROFILE_NETWORKS": PRIVATE_NETWORKS,
        "DESTINATION_PROFILE_SUFFIXES": "svc.cluster.local.",
        "POLICY_SVC_ADDR": device.controllers.policy,
        **({"POLICY_SVC_NAME": name} if name else {}),
        "POLICY_WORKLOAD": _compact(workload),
        "POLICY_CLUSTER_NETWORKS": PRIVATE_NETWORKS,
        "CONTROL_STREAM_INITIAL_TIMEOUT": "3s",
        "CONTROL_STREAM_IDLE_TIMEOUT": "5m",
        "CONTROL_STREAM_LIFETIME": "1h",
    }


def _identity(device: Device) -> Mapping[str, str]:
    socket = f"unix://{AGENT_SOCKET}"
    return {
        # The second name replaced the first; a proxy reads the one that it knows.
        "IDENTITY_SPIRE_SOCKET": socket,
        "IDENTITY_SPIRE_WORKLOAD_API_ADDRESS": socket,
        "IDENTITY_SERVER_ID": device.workload.spiffe_id,
        "IDENTITY_SERVER_NAME": device.workload.server_name,
    }


def _listeners(device: Device) -> Mapping[str, str]:
    dual = any(address.version == 6 for address in device.workload.addresses)
    return {
        "INBOUND_LISTEN_ADDR": f"[::]:{INBOUND}" if dual else f"0.0.0.0:{INBOUND}",
        "OUTBOUND_LISTEN_ADDR": f"127.0.0.1:{OUTBOUND}",
        **({"OUTBOUND_LISTEN_ADDRS": f"127.0.0.1:{OUTBOUND},[::1]:{OUTBOUND}"} if dual else {}),
        # Both answer whoever asks, so nobody but this machine may.
        "CONTROL_LISTEN_ADDR": f"127.0.0.1:{CONTROL}",
        "ADMIN_LISTEN_ADDR": f"127.0.0.1:{ADMIN}",
    }


def _traffic(device: Device) -> Mapping[str, str]:
    return {
        # Any other default would let requests in until the policy for the port has come.
        "INBOUND_DEFAULT_POLICY": "deny",
        "INBOUND_PORTS": str(device.workload.port),
        "INBOUND_PORTS_DISABLE_PROTOCOL_DETECTION": SERVER_FIRST,
        "INBOUND_CONNECT_TIMEOUT": "100ms",
        "INBOUND_DISCOVERY_IDLE_TIMEOUT": "90s",
        "INBOUND_ACCEPT_KEEPALIVE": "10000ms",
        "OUTBOUND_CONNECT_TIMEOUT": "1000ms",
        "OUTBOUND_DISCOVERY_IDLE_TIMEOUT": "5s",
        "OUTBOUND_CONNECT_KEEPALIVE": "10000ms",
    }


def _compact(value: Mapping[str, str]) -> str:
    return json.dumps(value, separators=(",", ":"))
