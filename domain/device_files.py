"""The files of a device that differ from one device to another."""

import json
from collections.abc import Mapping
from ipaddress import ip_address

from domain.device import Device
from domain.environment import container_lines, shell_lines
from domain.local_server import server_files
from domain.proxy import AGENT_SOCKET, proxy_environment
from domain.workloads import TRUST_DOMAIN

CONFIGURATION = "/etc/mesh-expansion"
_AGENT_DATA = "/var/lib/mesh-expansion/agent"
# A server beside the agent that starts anew knows no agent any more, so there is nothing to keep.
_PASSING_AGENT_DATA = "/run/mesh-expansion/agent"


def device_files(device: Device) -> Mapping[str, str]:
    """Contents by path. Raises ValueError for a value that cannot be written, naming it and the fix."""
    return {
        f"{CONFIGURATION}/agent.conf": _agent(device),
        f"{CONFIGURATION}/container.env": shell_lines(
            {"CONTAINER_USER": device.user, "CONTAINER_DEVICES": " ".join(device.gpio)}
        ),
        f"{CONFIGURATION}/device.crt": _ends_with_line(device.certificate_pem),
        f"{CONFIGURATION}/device.env": shell_lines(
            {
                "WORKLOAD": device.workload.name,
                "SPIFFE_ID": device.workload.spiffe_id,
                "SERVER_NAME": device.workload.server_name,
                "PORT": str(device.workload.port),
            }
        ),
        f"{CONFIGURATION}/networks": "".join(f"{network}\n" for network in device.meshed_networks),
        f"{CONFIGURATION}/proxy.env": shell_lines(proxy_environment(device)),
        f"{CONFIGURATION}/routes": "".join(f"{route.network} via {route.via}\n" for route in device.routes),
        f"{CONFIGURATION}/trust-anchors.pem": _ends_with_line(device.trust_anchors_pem),
        f"{CONFIGURATION}/workload.env": container_lines(device.environment),
        "/etc/systemd/resolved.conf.d/mesh-expansion.conf": _resolver(device),
        **{path: _ends_with_line(text) for path, text in _server(device).items()},
    }


def _server(device: Device) -> Mapping[str, str]:
    return server_files(device, device.server) if device.server else {}


def _agent(device: Device) -> str:
    """The SPIRE agent's HCL. A JSON string is an HCL string too."""
    keys = "memory" if device.server else "disk"
    place = "" if device.server else f'\n      directory = "{_AGENT_DATA}"'
    return f"""agent {{
  data_dir = "{_PASSING_AGENT_DATA if device.server else _AGENT_DATA}"
  log_level = "INFO"
  server_address = {json.dumps(device.spire.host)}
  server_port = {device.spire.port}
  socket_path = "{AGENT_SOCKET}"
  trust_domain = "{TRUST_DOMAIN}"
  trust_bundle_path = "{CONFIGURATION}/trust-anchors.pem"
  # A device that was off while the trust anchors changed starts again from the file above.
  rebootstrap_mode = "auto"
}}

plugins {{
  NodeAttestor "x509pop" {{
    plugin_data {{
      private_key_path = "{CONFIGURATION}/device.key"
      certificate_path = "{CONFIGURATION}/device.crt"
    }}
  }}
  KeyManager "{keys}" {{
    plugin_data {{{place}
    }}
  }}
  WorkloadAttestor "unix" {{
    plugin_data {{
      discover_workload_path = true
    }}
  }}
}}
"""


def _resolver(device: Device) -> str:
    """Names of the cluster go to its DNS; systemd-resolved takes addresses alone.

    Raises ValueError when the DNS server is given by a name.
    """
    try:
        ip_address(device.dns.host)
    except ValueError:
        raise ValueError(
            f"dns: {device.dns.host!r} is no IP address; expected the address of a node; fix: give the node's address"
        ) from None
    return f"[Resolve]\nDNS={device.dns}\nDomains=~svc.cluster.local ~cluster.local\n"


def _ends_with_line(text: str) -> str:
    return text.rstrip("\n") + "\n"
