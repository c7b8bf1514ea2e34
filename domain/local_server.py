"""The files of a SPIRE server that a device runs for itself alone.

It keeps nothing: keys, entry and attestation are made anew at each start, in a directory that is not on disk. So a new
intermediate is in use as soon as the server has started again, and no other key of an authority is ever written down.
"""

import json
from collections.abc import Mapping

from domain.device import Device, LocalServer
from domain.environment import shell_lines
from domain.spire import AGENT_PATH_TEMPLATE, DEVICE_SELECTORS, agent_id
from domain.workloads import TRUST_DOMAIN

LOOPBACK = "127.0.0.1"
_CONFIGURATION = "/etc/mesh-expansion"
_RUNTIME = "/run/mesh-expansion-server"
# Nobody has to reach another machine for the next one, so they may be short: SPIRE's own defaults.
_AUTHORITY_TTL, _IDENTITY_TTL = "24h", "1h"


def server_files(device: Device, server: LocalServer) -> Mapping[str, str]:
    """Contents by path, all public; the intermediate's key is made on the device and stays there."""
    return {
        f"{_CONFIGURATION}/device-ca.crt": server.device_ca_pem,
        f"{_CONFIGURATION}/entry.env": shell_lines(
            {
                "PARENT_ID": agent_id(device.workload.name),
                "SPIFFE_ID": device.workload.spiffe_id,
                "SELECTORS": " ".join(DEVICE_SELECTORS),
            }
        ),
        f"{_CONFIGURATION}/intermediate.crt": server.chain_pem,
        f"{_CONFIGURATION}/server.conf": _configuration(device),
    }


def _configuration(device: Device) -> str:
    """The SPIRE server's HCL. A JSON string is an HCL string too."""
    return f"""server {{
  bind_address = {json.dumps(device.spire.host)}
  bind_port = {device.spire.port}
  socket_path = "{_RUNTIME}/api.sock"
  data_dir = "{_RUNTIME}"
  log_level = "INFO"
  trust_domain = "{TRUST_DOMAIN}"
  # Linkerd's proxies take no other kind, and cannot read an authority without a subject.
  ca_key_type = "ec-p256"
  ca_subject {{
    country = ["ZZ"]
    organization = ["mesh-expansion"]
    common_name = {json.dumps(device.workload.name)}
  }}
  ca_ttl = "{_AUTHORITY_TTL}"
  default_x509_svid_ttl = "{_IDENTITY_TTL}"
  disable_jwt_svids = true
  ratelimit {{
    # One agent asks, and it shall not wait after a restart.
    attestation = false
  }}
}}

plugins {{
  DataStore "sql" {{
    plugin_data {{
      database_type = "sqlite3"
      connection_string = "{_RUNTIME}/datastore.sqlite3"
    }}
  }}
  KeyManager "memory" {{
    plugin_data {{}}
  }}
  NodeAttestor "x509pop" {{
    plugin_data {{
      ca_bundle_path = "{_CONFIGURATION}/device-ca.crt"
      agent_path_template = "{AGENT_PATH_TEMPLATE}"
    }}
  }}
  UpstreamAuthority "disk" {{
    plugin_data {{
      cert_file_path = "{_CONFIGURATION}/intermediate.crt"
      key_file_path = "{_CONFIGURATION}/intermediate.key"
      bundle_file_path = "{_CONFIGURATION}/trust-anchors.pem"
    }}
  }}
}}
"""
