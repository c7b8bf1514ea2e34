"""What the prober writes into a workload's Ready condition when it is not well, by the condition's reason."""

from collections.abc import Mapping

from lab.troubles.trouble import Trouble

_LOG = "on the machine: `sudo journalctl -u mesh-expansion-proxy -n 50`"
_WORKLOAD = "on the machine: `sudo podman logs mesh-expansion-workload`"

REASONS: Mapping[str, Trouble] = {
    "Unreachable": Trouble(
        says="no connection to ...: ...",
        cause="the machine is off, has another address, its proxy is down, or a firewall stands in front of the workload's port",
        do="`make doctor STACK=pi-lab`; on the machine: `systemctl status 'mesh-expansion-*'`",
    ),
    "NoIdentity": Trouble(
        says="no TLS on ...: ...",
        cause="the proxy has no identity yet, or the redirect is not there and the workload itself answered",
        do="on the machine: `sudo journalctl -u mesh-expansion-agent -n 50`; `kubectl get clusterstaticentries`",
    ),
    "WrongIdentity": Trouble(
        says="... proves ...; expected ...",
        cause="another workload's machine has this address",
        do="compare `addresses` in the stack file: `make doctor STACK=pi-lab`",
    ),
    "Untrusted": Trouble(
        says="... has a certificate of another trust: ...",
        cause="the machine was left out of a rotation of the trust anchor, or belongs to another lab",
        do="`make up STACK=pi-lab`, which gives it the anchors",
    ),
    "Expired": Trouble(
        says="the certificate on ... has expired",
        cause="its agent has not renewed it: it cannot reach the SPIRE server, or clocks differ",
        do="on the machine: `sudo journalctl -u mesh-expansion-agent -n 50`",
    ),
    "NotYetValid": Trouble(
        says="the certificate on ... is not valid yet: compare the clocks",
        cause="the node's clock is behind that of who issued it",
        do="`date -u` on the node and on the machine",
    ),
    "Denied": Trouble(
        says="...: its policy does not let the probe in",
        cause="`edge.ready-path` is not the path that the policy opens, or somebody changed the policy by hand",
        do="`.venv/bin/python -m lab verify -s pi-lab --row access.policy`",
    ),
    "NotReady": Trouble(
        says="... answered ... with ...",
        cause="the workload answers, and not with success: it says itself that it is not well, or has no such path",
        do=f"{_WORKLOAD}; is `edge.ready-path` right?",
    ),
    "AppDown": Trouble(
        says="... did not answer ...: ...",
        cause="the proxy is well and the workload behind it is not: it crashed, hangs, or listens elsewhere",
        do=_WORKLOAD,
    ),
    "NoAddress": Trouble(
        says="the workload is registered without an address",
        cause="somebody edited the ExternalWorkload",
        do="`make up STACK=pi-lab`",
    ),
    "ProbeFailed": Trouble(
        says="the prober itself failed: ...",
        cause="a mistake in the prober",
        do="`kubectl logs -n mesh-expansion deploy/edge-prober`, and report it",
    ),
}
