"""Who may call whom in a lab, and a word of warning where that would break the demo."""

from functools import partial

import pulumi

from components.cluster.cluster import Cluster
from components.faces import Faces
from components.policy.accounts import Accounts
from components.policy.policy import Policy, PolicyArgs
from domain.access import Access
from domain.faces import CALLS
from settings import Settings
from settings.access import access
from settings.traffic_checks import route_list


def policy(settings: Settings, cluster: Cluster, faces: Faces, mesh: pulumi.Resource) -> list[pulumi.Resource]:
    """Declare it behind `mesh`, Linkerd's control plane; what has to be there before the first machine outside serves."""
    rules, after = access(settings), partial(_after, cluster)
    if not rules.targets:
        return []
    _warn(rules, settings)
    declared = Policy(
        "policy",
        PolicyArgs(access=rules, namespace=faces.namespace, ready_path=settings.edge.ready_path),
        after(mesh),
    )
    if rules.accounts:
        accounts = {account: faces.leaves_with(account) for account in rules.accounts}
        Accounts("accounts", accounts, faces.namespace, after(faces, declared))
    return [declared]


def _warn(rules: Access, settings: Settings) -> None:
    routes = route_list(settings)
    asked = [
        (caller, backend)
        for caller, service in CALLS
        for backend in dict.fromkeys(
            [service, *(name for route in routes if route.service == service for name in route.backends)]
        )
    ]
    for caller, service in rules.refused(asked):
        pulumi.log.warn(
            f"policy.access: no rule lets {caller} call {service}, and policy.mode is enforce: Faces will show an error"
            f" instead. Let service account {rules.account_of(caller)!r} call {service}, or set policy.mode to audit first."
        )


def _after(cluster: Cluster, *needed: pulumi.Resource) -> pulumi.ResourceOptions:
    return pulumi.ResourceOptions(provider=cluster.provider, depends_on=list(needed))
