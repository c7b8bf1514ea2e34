"""A CoreDNS for the cluster's names, behind the NodePort of the project's DNS Service."""

from pathlib import Path

from lab.twin.api import Api
from lab.twin.files import write_private
from lab.twin.inside.errors import NotThereError
from lab.twin.inside.places import DNS, Places, Wanted
from lab.twin.layout import CLUSTER_DOMAIN

_SERVICE = "/api/v1/namespaces/kube-system/services/mesh-expansion-dns"
_COREFILE = """{domain}:{port} in-addr.arpa:{port} {{
    bind {address}
    errors
    kubernetes {domain} in-addr.arpa {{
        kubeconfig {kubeconfig}
        pods insecure
        ttl 5
    }}
}}
"""


def server(api: Api, places: Places, kubeconfig: Path) -> Wanted:
    """CoreDNS on the Service's port, over UDP and TCP; the twin's cluster has no DNS pods whose account it could use."""
    service = api.get(_SERVICE)
    if service is None:
        raise NotThereError("no services kube-system/mesh-expansion-dns")
    port = service["spec"]["ports"][0]["nodePort"]
    text = _COREFILE.format(domain=CLUSTER_DOMAIN, port=port, address=places.address, kubeconfig=kubeconfig)
    write_private(places.corefile, text.encode())
    return Wanted(
        name=DNS,
        binary=places.binary("coredns"),
        arguments=("-conf", str(places.corefile)),
        reads=(places.corefile, kubeconfig),
        port=port,
    )
