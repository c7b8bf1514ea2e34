"""Settings of the prober: environment variables, with what a pod finds as defaults.

PROBE_NAMESPACES (comma-separated, required), PROBE_ANCHORS (file of certificates), PROBE_PATH, PROBE_SECONDS (between two
looks at a ready workload), PROBE_SOON_SECONDS (at one that is not), PROBE_TIMEOUT (seconds for one address),
PROBE_THREADS; and for another place than a pod PROBE_API (URL), PROBE_API_CA and PROBE_TOKEN (files).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

_ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"


@dataclass(frozen=True)
class Settings:
    """Durations in seconds."""

    namespaces: tuple[str, ...]
    anchors: str
    path: str
    seconds: float
    soon: float
    timeout: float
    threads: int
    api: str
    api_ca: str
    token: str

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> Settings:
        """From the environment; SystemExit names what is missing."""
        namespaces = tuple(name for name in environment.get("PROBE_NAMESPACES", "").split(",") if name)
        if not namespaces:
            raise SystemExit("PROBE_NAMESPACES is empty; expected the namespaces to look at, separated by commas")
        host = environment.get("KUBERNETES_SERVICE_HOST", "")
        host = f"[{host}]" if ":" in host else host
        inside = f"https://{host}:{environment.get('KUBERNETES_SERVICE_PORT', '443')}" if host else ""
        api = environment.get("PROBE_API", inside)
        if not api:
            raise SystemExit("no Kubernetes API: this is no pod, and PROBE_API is not set (https://host:port)")
        return cls(
            namespaces=namespaces,
            anchors=environment.get("PROBE_ANCHORS", "/etc/mesh-expansion/trust-anchors.pem"),
            path=environment.get("PROBE_PATH", "/ready"),
            seconds=float(environment.get("PROBE_SECONDS", "10")),
            soon=float(environment.get("PROBE_SOON_SECONDS", "2")),
            timeout=float(environment.get("PROBE_TIMEOUT", "3")),
            threads=int(environment.get("PROBE_THREADS", "32")),
            api=api,
            api_ca=environment.get("PROBE_API_CA", f"{_ACCOUNT}/ca.crt"),
            token=environment.get("PROBE_TOKEN", f"{_ACCOUNT}/token"),
        )
