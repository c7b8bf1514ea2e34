"""Linkerd's destination and policy controllers, as the control plane's Deployment describes them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from domain.device import DESTINATION_PORT, POLICY_PORT
from lab.twin.inside.errors import NotThereError
from lab.twin.inside.places import DESTINATION, POLICY, Places, Wanted
from lab.twin.layout import CLUSTER_DOMAIN

OWNER = "/apis/apps/v1/namespaces/linkerd/deployments/linkerd-destination"
NAMESPACE = "linkerd"
_OPAQUE = "default-opaque-ports"
_ADMIN_PORTS = {DESTINATION: 9996, POLICY: 9990}
# Nobody calls its webhook here: the objects that it would check are written by this program alone.
_WEBHOOK = ("server-addr", "server-tls-key", "server-tls-certs")


def destination(places: Places, owner: Mapping[str, Any], kubeconfig: Path) -> Wanted:
    """What tells proxies where to send requests. The chart's roles are a stand-in's too, so the twin's own account it is."""
    flags = {
        **flags_of(owner, "destination"),
        "addr": f"{places.address}:{DESTINATION_PORT}",
        "metrics-addr": f"{places.address}:{_ADMIN_PORTS[DESTINATION]}",
        "controller-namespace": NAMESPACE,
    }
    return _wanted(places, DESTINATION, DESTINATION_PORT, kubeconfig, "destination", flags)


def policy(places: Places, owner: Mapping[str, Any], kubeconfig: Path) -> Wanted:
    """What tells proxies whom to let in."""
    flags = {
        _OPAQUE: flags_of(owner, "destination").get(_OPAQUE, ""),
        **{name: value for name, value in flags_of(owner, "policy").items() if name not in _WEBHOOK},
        "grpc-addr": f"{places.address}:{POLICY_PORT}",
        "admin-addr": f"{places.address}:{_ADMIN_PORTS[POLICY]}",
        "control-plane-namespace": NAMESPACE,
        "cluster-domain": CLUSTER_DOMAIN,
    }
    return _wanted(places, POLICY, POLICY_PORT, kubeconfig, "--admission-controller-disabled", flags)


def _wanted(places: Places, name: str, port: int, kubeconfig: Path, first: str, flags: Mapping[str, str]) -> Wanted:
    return Wanted(
        name=name,
        binary=places.part(name),
        arguments=(first, places.mark(name), *(f"--{flag}={value}" for flag, value in flags.items())),
        reads=(kubeconfig,),
        # Who holds the lease: the same one after a restart, which then need not wait for it to run out.
        environment={"HOSTNAME": f"twin-{name}"},
        port=port,
    )


def flags_of(owner: Mapping[str, Any], container: str) -> dict[str, str]:
    """The container's arguments of the form `--name=value` or `-name=value`."""
    listed = owner["spec"]["template"]["spec"]["containers"]
    found = next((item for item in listed if item["name"] == container), None)
    if found is None:
        raise NotThereError(f"{owner['metadata']['name']} has no container {container}")
    words = [word for word in found.get("args", []) if word.startswith("-")]
    return {name.lstrip("-"): value for name, _, value in (word.partition("=") for word in words)}
