"""What it means when a row of `lab verify` fails."""

from collections.abc import Mapping
from typing import NamedTuple


class Failure(NamedTuple):
    """Why, most often, and what to type; Markdown."""

    cause: str
    do: str


_CONTROLLERS = "`kubectl get pods -n linkerd`"
_UP = "`make up`, which puts back what the file says"

ROWS: Mapping[str, Failure] = {
    "mesh.control-plane": Failure(
        "a pod of Linkerd does not start: no image, no room, a webhook that does not answer", _CONTROLLERS
    ),
    "mesh.hand-off": Failure("a Deployment of Faces was scaled by hand, or an `up` was cut off", _UP),
    "mesh.gui": Failure(
        "the GUI's pods do not run, or nothing leads to its Service", "`kubectl get pods,services -n faces`"
    ),
    "mesh.emissary": Failure("somebody put the namespace on the mesh", "`kubectl get namespace emissary -o yaml`"),
    "devices.ready": Failure("the prober says why in the condition: the table above", "`make doctor`"),
    "devices.endpoints": Failure(
        "a workload is not Ready, its labels are not those that the Service selects, or pods answer beside it",
        "`kubectl get externalworkloads -n faces -o wide`",
    ),
    "names.dns": Failure(
        "`edge.dns-port` of the nodes is closed, or CoreDNS is down",
        "`kubectl get service -n kube-system mesh-expansion-dns`",
    ),
    "traffic.routes": Failure("somebody changed a route or a Service's annotations by hand", _UP),
    "traffic.accepted": Failure(
        "a Service of the route is not there, or the policy controller is down",
        "`kubectl logs -n linkerd deploy/linkerd-destination -c policy`",
    ),
    "traffic.shares": Failure(
        "a backend is not Ready and the others get its share, a weight was changed by hand, or the difference is chance: ask more often",
        "`.venv/bin/python -m lab verify --row traffic.shares --requests 1000`",
    ),
    "traffic.paths": Failure(
        "another route of the Service has a longer path, or none fits, which is answered with 404",
        "`kubectl get httproutes -n faces -o yaml`",
    ),
    "traffic.retries": Failure(
        "the route has a value that Linkerd cannot read, and was dropped; or all tries failed",
        "`make verify ROW=traffic.accepted`",
    ),
    "traffic.timeouts": Failure(
        "as for retries; or the route's timeout takes the place of the Service's", "`make verify ROW=traffic.routes`"
    ),
    "traffic.grpc": Failure(
        "the Service's port is not seen as HTTP/2, or the GRPCRoute is not accepted", "`kubectl get grpcroutes -A`"
    ),
    "access.policy": Failure("somebody changed a Server or an authorization by hand", _UP),
    "access.matrix": Failure(
        "the caller proves another identity than the rule names: a pod of Faces runs as `default` until a rule names its part",
        "on the machine: `sudo journalctl -u mesh-expansion-proxy | grep authz`; [policy](how-to/policy.md)",
    ),
    "access.audit": Failure(
        "the mode is not `audit` where the proxy is, or nobody who is no rule's has called",
        "`make verify ROW=access.policy`",
    ),
    "wire.encrypted": Failure(
        "the request went past the proxy: the redirect is not there, or the caller is not on the mesh",
        "on the machine: `sudo systemctl start mesh-expansion-watch`, which mends it and says so in its log",
    ),
    "wire.plain": Failure("nothing reached the machine: a firewall on the way, or another address", "`make doctor`"),
    "wire.counted": Failure(
        "the caller's proxy did not know that the workload is on the mesh", "`make verify ROW=devices.endpoints`"
    ),
    "certificates.chains": Failure(
        "a machine missed a rotation, or an issuer in the cluster is not the stack's", "`make doctor`, then `make up`"
    ),
}
