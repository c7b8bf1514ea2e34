"""Identities of agents, what a proxy is known by, and how often devices may knock."""

from domain.workloads import TRUST_DOMAIN

PROXY_UID = 2102
PROXY_PATH = "/opt/mesh-expansion/bin/linkerd2-proxy"
DEVICE_SELECTORS = (f"unix:uid:{PROXY_UID}", f"unix:path:{PROXY_PATH}")
# SPIRE's template over the certificate that a device attests with; `agent_id` is what comes out of it.
AGENT_PATH_TEMPLATE = "/device/{{ .Subject.CommonName }}"
MOST_LIMITED = 30  # devices; SPIRE lets one attest in a second, and behind one address they wait for each other


def agent_id(device: str) -> str:
    """SPIFFE ID of the agent on a device, known before the device exists."""
    return f"spiffe://{TRUST_DOMAIN}/spire/agent/device/{device}"


def attestation_is_limited(devices: int) -> bool:
    """Whether SPIRE's limit of one attestation a second and address may stay on.

    A node in front of the server shows it one address for all devices, so after a power cut the last of them would wait
    as many seconds as there are devices. Above half a minute the limit goes: a device has to sign with a key that this
    program certified, and that is what keeps strangers out.
    """
    return devices <= MOST_LIMITED
