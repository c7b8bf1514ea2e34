"""The environment of a pod's linkerd2-proxy, as Linkerd's injector would set it."""

import json

from domain.access import account_identity
from domain.device import DESTINATION_PORT, POLICY_PORT
from domain.proxy import ADMIN, CONTROL, INBOUND, OUTBOUND, PRIVATE_NETWORKS, SERVER_FIRST
from lab.twin.layout import CLUSTER_DOMAIN

IDENTITY_PORT = 8080  # of the controllers' ports on the proxy's own loopback address
TOKEN = "token"  # noqa: S105 - a file's name
AUDIENCE = "identity.l5d.io"


def proxy_environment(
    *, account: str, namespace: str, pod: str, node: str, anchors_pem: str, directory: str
) -> dict[str, str]:
    """For a pod that calls others and that nobody calls. `directory` holds its token, key and request."""
    context = {"ns": namespace, "nodeName": node, "pod": pod}
    values = {
        "LOG": "info",
        "LOG_FORMAT": "plain",
        # Dialled at a loopback address, they need not prove who they are.
        "DESTINATION_SVC_ADDR": f"127.0.0.1:{DESTINATION_PORT}",
        "POLICY_SVC_ADDR": f"127.0.0.1:{POLICY_PORT}",
        "IDENTITY_SVC_ADDR": f"127.0.0.1:{IDENTITY_PORT}",
        "IDENTITY_DIR": directory,
        "IDENTITY_TOKEN_FILE": f"{directory}/{TOKEN}",
        "IDENTITY_LOCAL_NAME": account_identity(account, namespace),
        "IDENTITY_TRUST_ANCHORS": anchors_pem,
        "DESTINATION_CONTEXT": _compact(context),
        "DESTINATION_PROFILE_NETWORKS": PRIVATE_NETWORKS,
        "DESTINATION_PROFILE_SUFFIXES": f"svc.{CLUSTER_DOMAIN}.",
        "POLICY_WORKLOAD": _compact({"ns": namespace, "pod": pod}),
        "POLICY_CLUSTER_NETWORKS": PRIVATE_NETWORKS,
        "CONTROL_STREAM_INITIAL_TIMEOUT": "3s",
        "CONTROL_STREAM_IDLE_TIMEOUT": "5m",
        "CONTROL_STREAM_LIFETIME": "1h",
        # Nobody reaches it but this container, and to look at its own metrics no policy controller can allow: it knows no such pod.
        "INBOUND_DEFAULT_POLICY": "all-unauthenticated",
        "INBOUND_PORTS_DISABLE_PROTOCOL_DETECTION": SERVER_FIRST,
        "INBOUND_LISTEN_ADDR": f"127.0.0.1:{INBOUND}",
        "OUTBOUND_LISTEN_ADDR": f"127.0.0.1:{OUTBOUND}",
        "CONTROL_LISTEN_ADDR": f"127.0.0.1:{CONTROL}",
        "ADMIN_LISTEN_ADDR": f"127.0.0.1:{ADMIN}",
        "INBOUND_CONNECT_TIMEOUT": "100ms",
        "OUTBOUND_CONNECT_TIMEOUT": "1000ms",
        "OUTBOUND_CONNECT_KEEPALIVE": "10000ms",
        "OUTBOUND_DISCOVERY_IDLE_TIMEOUT": "5s",
    }
    return {f"LINKERD2_PROXY_{name}": value for name, value in values.items()}


def _compact(value: dict[str, str]) -> str:
    return json.dumps(value, separators=(",", ":"))
