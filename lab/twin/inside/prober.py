"""The prober, as its Deployment describes it, on this machine's Python."""

import sys

from lab.twin.inside.account import Account
from lab.twin.inside.errors import NotThereError
from lab.twin.inside.places import PROBER, Places, Wanted
from lab.twin.inside.pod import Pod

OWNER = "/apis/apps/v1/namespaces/mesh-expansion/deployments/edge-prober"
CONTAINER = "edge-prober"


def prober(places: Places, pod: Pod, account: Account) -> Wanted:
    """The container's command, with the service account's files where the twin has them."""
    python, *arguments = pod.container["command"]
    if python != "python":
        raise NotThereError(f"container {CONTAINER} runs {python}; the twin can run python only")
    return Wanted(
        name=PROBER,
        binary=sys.executable,
        arguments=(places.mark(PROBER), *arguments),
        reads=pod.files,
        environment={
            **pod.environment(),
            "PYTHONPATH": str(pod.place(pod.container.get("workingDir", "/"))),
            "PROBE_API": account.server,
            "PROBE_API_CA": str(account.certificates),
            "PROBE_TOKEN": str(account.token),
        },
    )
