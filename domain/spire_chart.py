"""Values of SPIRE's official chart.

It has no key for x509pop with an authority of one's own and a path template (its `x509POP.mode: externalPKI` drops the
template), so that goes the way it leaves open for such plugins, `unsupportedBuiltInPlugins`.
"""

from typing import Any

from domain.spire import AGENT_PATH_TEMPLATE, attestation_is_limited
from domain.workloads import TRUST_DOMAIN

CLASS = "mesh-expansion"  # which ClusterStaticEntries the controller takes up
UPSTREAM_SECRET = "spire-upstream-ca"  # noqa: S105 - a name
DEVICE_CA = "spire-device-ca"
_DEVICE_CA_PLACE = "/run/mesh-expansion/device-ca"
# SPIRE asks for an authority that lives six times as long as what it signs; half a day without a server is survived.
_AUTHORITY_TTL, _IDENTITY_TTL = "168h", "24h"
_FORGET_DEVICES_AFTER = "720h"
_USER = 1000
_UNPRIVILEGED = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "readOnlyRootFilesystem": True,
    "runAsNonRoot": True,
    "seccompProfile": {"type": "RuntimeDefault"},
}


def spire_values(devices: int, device_ca_digest: object) -> dict[str, Any]:
    """Values of the chart for that many devices; the digest, of the device authority, may be an output of Pulumi."""
    off = {"enabled": False}
    return {
        "global": {
            "spire": {
                "clusterName": CLASS,
                "trustDomain": TRUST_DOMAIN,
                "caSubject": {"country": "ZZ", "organization": "mesh-expansion", "commonName": f"spire.{TRUST_DOMAIN}"},
            }
        },
        "spire-agent": off,
        "spiffe-csi-driver": off,
        "spiffe-oidc-discovery-provider": off,
        "spire-server": {
            "caKeyType": "ec-p256",  # Linkerd's proxies take no other kind
            "caTTL": _AUTHORITY_TTL,
            "defaultX509SvidTTL": _IDENTITY_TTL,
            "pruneAttestedNodesExpiredFor": _FORGET_DEVICES_AFTER,
            "jwtSVIDSupport": False,
            "rateLimit": {"attestation": attestation_is_limited(devices), "signing": True},
            "nodeAttestor": {"k8sPSAT": off},
            "bundlePublisher": {"k8sConfigMap": off},  # agents bring the anchors, nothing reads a ConfigMap
            "unsupportedBuiltInPlugins": {
                "nodeAttestor": {
                    "x509pop": {
                        "plugin_data": {
                            "ca_bundle_path": f"{_DEVICE_CA_PLACE}/ca.crt",
                            "agent_path_template": AGENT_PATH_TEMPLATE,
                        }
                    }
                }
            },
            "upstreamAuthority": {
                "disk": {
                    "enabled": True,
                    # The bundle's text is not read from here; that there is one tells the chart to mention the file.
                    "secret": {"create": False, "name": UPSTREAM_SECRET, "data": {"bundle": "in the Secret"}},
                }
            },
            "extraVolumes": [{"name": "device-ca", "configMap": {"name": DEVICE_CA}}],
            "extraVolumeMounts": [{"name": "device-ca", "mountPath": _DEVICE_CA_PLACE, "readOnly": True}],
            # The server reads the device authority at its start only.
            "podAnnotations": {"mesh-expansion/device-ca": device_ca_digest},
            # With a user of its own the chart needs no container that runs as root to give it the data.
            "podSecurityContext": {"runAsUser": _USER, "runAsGroup": _USER, "fsGroup": _USER},
            "securityContext": _UNPRIVILEGED,
            "controllerManager": {
                "className": CLASS,
                "securityContext": _UNPRIVILEGED,
                # Only ClusterStaticEntries are used, and the webhook checks the two other kinds.
                "validatingWebhookConfiguration": off,
                "reconcile": {"clusterSPIFFEIDs": False, "clusterFederatedTrustDomains": False},
                "identities": {"clusterSPIFFEIDs": {"default": off, "oidc-discovery-provider": off, "test-keys": off}},
            },
            "externalControllerManagers": off,
        },
    }
