"""Linkerd's identity controller, as the control plane's Deployment describes it: it signs what meshed pods ask for."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lab.twin.inside.controllers import NAMESPACE, flags_of
from lab.twin.inside.errors import NotThereError
from lab.twin.inside.places import IDENTITY, ISSUER, Places, Wanted
from lab.twin.inside.pod import Pod

OWNER = f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments/linkerd-identity"
CONTAINER = "identity"
PORT = 8091  # 8080, the Service's, is another program's on many a machine
_ADMIN_PORT = 9991
_ANCHORS = "/var/run/linkerd/identity/trust-roots/ca-bundle.crt"
# The program reads the anchors at this very path and takes no other. A /run of its own, which nobody else sees, has it.
_OWN_RUN = f"""set -eu
mount -t tmpfs -o mode=0700 tmpfs "$(readlink -f /var/run)"
mkdir -p {Path(_ANCHORS).parent}
cp "$1" {_ANCHORS}
shift
exec "$@"
"""


def identity(places: Places, owner: Mapping[str, Any], pod: Pod, kubeconfig: Path) -> Wanted:
    """The chart's roles are a stand-in's too, so it reviews tokens with the twin's own account.

    NotThereError when the part was not brought, or when the pod's volumes hold no issuer or no anchors.
    """
    issuer, anchors = pod.place(ISSUER), pod.place(_ANCHORS)
    if not anchors.is_file() or not issuer.is_dir():
        raise NotThereError(f"the volumes of container {CONTAINER} hold no issuer at {ISSUER} or no {_ANCHORS}")
    own = {
        **flags_of(owner, CONTAINER),
        "addr": f"{places.address}:{PORT}",
        "admin-addr": f"{places.address}:{_ADMIN_PORT}",
        "controller-namespace": NAMESPACE,
    }
    return Wanted(
        name=IDENTITY,
        binary=places.part(IDENTITY),
        arguments=("identity", places.mark(IDENTITY), *(f"--{name}={value}" for name, value in own.items())),
        through=("unshare", "--mount", *_without_root(), "/bin/sh", "-c", _OWN_RUN, "sh", str(anchors)),
        # It follows the links that Kubernetes makes for a change of a Secret, and here are none.
        reads=(kubeconfig, anchors, *sorted(path for path in issuer.iterdir() if path.is_file())),
        # Not by `--kubeconfig`, by which the destination controller is known.
        environment={"KUBECONFIG": str(kubeconfig)},
        port=PORT,
    )


def _without_root() -> tuple[str, ...]:
    """Who is not root may mount in a name space of users of his own only."""
    return () if os.geteuid() == 0 else ("--user", "--map-root-user")
