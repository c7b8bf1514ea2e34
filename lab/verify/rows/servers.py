"""Policies stand in the cluster as configured: the mode of every Server, and who may use each route."""

from collections.abc import Iterator
from functools import partial

from domain.access import Grant, Target
from lab.verify.context import Context
from lab.verify.row import Case, Group, Row, Seen

_API = "/apis/policy.linkerd.io"


def _cases(context: Context) -> Iterator[Case]:
    promises = context.promises
    if not promises.judged:
        return
    for target in promises.access.targets:
        names = frozenset(workload.name for workload in promises.workloads if workload.service == target.service)
        yield Case(
            subject=f"Server {target.name}",
            expected=f"mode {promises.access.mode}: accessPolicy {promises.access.access_policy}",
            look=partial(_look_at_server, context, target),
            workloads=names if target.outside else frozenset(),
        )
    for grant in promises.access.grants:
        yield Case(
            subject=f"rule {grant.rule.name} → {grant.target.service}{', by address' if grant.by == 'networks' else ''}",
            expected=f"lets {_who(context, grant)} call {grant.target.service}",
            look=partial(_look_at_grant, context, grant),
        )
    yield Case(
        subject="authorizations",
        expected="none that no rule asks for",
        look=partial(_look_for_others, context),
    )


async def _look_at_server(context: Context, target: Target) -> Seen:
    namespace = context.promises.namespace
    found = await context.cluster.named(f"{_API}/v1beta3/namespaces/{namespace}/servers", target.name)
    if found is None:
        return Seen(right=False, found="there is no such Server", next=context.up)
    spec = found.get("spec", {})
    policy = spec.get("accessPolicy", "deny")
    if policy != context.promises.access.access_policy:
        return Seen(right=False, found=f"accessPolicy {policy}", next=_back(context))
    selector = spec.get("externalWorkloadSelector" if target.outside else "podSelector") or {}
    if selector.get("matchLabels") != dict(target.labels):
        return Seen(right=False, found=f"it selects {selector or 'something else'}", next=_back(context))
    return Seen(right=True, found=f"accessPolicy {policy}")


async def _look_at_grant(context: Context, grant: Grant) -> Seen:
    namespace = context.promises.namespace
    base = f"{_API}/v1alpha1/namespaces/{namespace}"
    policy = await context.cluster.named(f"{base}/authorizationpolicies", grant.name)
    if policy is None:
        return Seen(right=False, found=f"there is no AuthorizationPolicy {grant.name}", next=_back(context))
    if (named := policy["spec"].get("targetRef", {}).get("name")) != grant.target.name:
        return Seen(right=False, found=f"AuthorizationPolicy {grant.name} is about {named}", next=_back(context))
    asked = [entry.get("name") for entry in policy["spec"].get("requiredAuthenticationRefs") or []]
    if asked != [grant.rule.name]:
        shown = ", ".join(map(str, asked)) or "nothing"
        return Seen(right=False, found=f"AuthorizationPolicy {grant.name} asks for {shown}", next=_back(context))
    kind = "meshtlsauthentications" if grant.by == "identities" else "networkauthentications"
    found = await context.cluster.named(f"{base}/{kind}", grant.rule.name)
    spec = (found or {}).get("spec", {})
    if grant.by == "identities":
        there, wanted = sorted(spec.get("identities") or []), context.promises.access.identities(grant.rule)
    else:
        there = sorted(entry.get("cidr", "") for entry in spec.get("networks") or [])
        wanted = sorted(map(str, grant.rule.networks))
    if there != wanted:
        return Seen(right=False, found=f"it lets {', '.join(there) or 'nobody'}", next=_back(context))
    return Seen(right=True, found=f"AuthorizationPolicy {grant.name} says so")


async def _look_for_others(context: Context) -> Seen:
    """An authorization that somebody has added by hand at one of the lab's Servers, at their routes, or at all of them."""
    access, namespace = context.promises.access, context.promises.namespace
    targets = {target.name for target in access.targets} | set(access.ready_routes)
    known = {grant.name for grant in access.grants} | set(access.ready_routes)
    listed = await context.cluster.items(f"{_API}/v1alpha1/namespaces/{namespace}/authorizationpolicies")
    others = [
        item["metadata"]["name"]
        for item in listed
        if item["metadata"]["name"] not in known
        and (
            item["spec"].get("targetRef", {}).get("name") in targets
            or item["spec"].get("targetRef", {}).get("kind") == "Namespace"
        )
    ]
    if others:
        look = f"kubectl get authorizationpolicies -n {namespace}"
        return Seen(right=False, found=f"nobody configured {', '.join(sorted(others))}", next=look)
    return Seen(right=True, found=f"{len(known)}, all of the configuration")


def _who(context: Context, grant: Grant) -> str:
    if grant.by == "networks":
        return ", ".join(map(str, grant.rule.networks))
    return ", ".join(context.promises.access.identities(grant.rule))


def _back(context: Context) -> str:
    return f"{context.up}, which puts back what {context.file} says"


ROW = Row(
    id="access.policy",
    title="policies are as configured",
    group=Group.ACCESS,
    results=("R19", "R22", "R24", "R37"),
    needs="the cluster's API",
    unasked="no workload that this lab provisions, and so no policy",
    cases=_cases,
)
