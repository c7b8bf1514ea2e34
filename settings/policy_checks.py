"""Checks of `policy`, in the words of the stack file."""

import difflib
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from packaging.version import InvalidVersion

from domain.access import ANYONE, DEFAULT_ACCOUNT, Access
from domain.problem import Problem, shown
from domain.workloads import is_label
from settings.access import access
from settings.asked import faces_plan, workload_list
from settings.check import Check
from settings.model import Settings
from settings.policy import RuleSettings


def _policy(settings: Settings, _project: Path) -> Iterator[Problem]:
    try:
        parts = faces_plan(settings).chart_services.keys()
    except InvalidVersion:
        return
    outside, on_edge = workload_list(settings), settings.faces.on_edge
    accounts = {DEFAULT_ACCOUNT, *parts} - set(on_edge)
    services = {*parts, *(workload.service for workload in outside)}
    rules = settings.policy.access or []
    named: dict[str, int] = {}
    for index, rule in enumerate(rules):
        key = f"policy.access[{index}]"
        yield from _name(key, rule.name, named.get(rule.name))
        named.setdefault(rule.name, index)
        yield from _sources(f"{key}.from", rule)
        yield from _accounts(f"{key}.from.service-accounts", rule.callers.service_accounts, accounts, on_edge)
        names = [workload.name for workload in outside]
        yield from _unknown(f"{key}.from.workloads", rule.callers.workloads, "workload of this lab", names)
        yield from _targets(f"{key}.to", rule.to, services)
    if len(named) == len(rules):  # else the same objects are there twice, as was said
        yield from _objects(access(settings), named)


def _name(key: str, name: str, first: int | None) -> Iterator[Problem]:
    if not is_label(name):
        yield Problem(
            f"{key}.name",
            repr(name),
            "a DNS label: small letters, digits and hyphens, a letter first, 63 characters at most",
            "rename the rule: its name begins the names of its objects",
        )
    elif name == ANYONE:
        yield Problem(
            f"{key}.name",
            f"{name!r}, the name of what lets the prober in",
            "another name",
            "rename the rule",
        )
    elif first is not None:
        yield Problem(
            f"{key}.name",
            f"{name!r} is the name of policy.access[{first}] too",
            "a name that no other rule has",
            "rename one, or make one rule of the two",
        )


def _sources(key: str, rule: RuleSettings) -> Iterator[Problem]:
    callers = rule.callers
    named = [*callers.service_accounts, *callers.workloads]
    if not (named or callers.networks or callers.meshed):
        yield Problem(
            key,
            "nobody",
            "at least one of service-accounts, workloads, networks or `meshed: true`",
            "say who may call, or remove the rule: what no rule allows is not allowed",
        )
    if callers.meshed and named:
        yield Problem(
            f"{key}.meshed",
            f"true, and beside it {shown(named)}",
            "either everybody on the mesh or some of them; only networks say more",
            "remove `meshed`, or remove service-accounts and workloads",
        )


def _accounts(key: str, names: list[str], known: Collection[str], on_edge: Collection[str]) -> Iterator[Problem]:
    for index, name in enumerate(names):
        if name in on_edge:
            yield Problem(
                f"{key}[{index}]",
                f"{name!r} runs on the edge (faces.on-edge), where no service account is",
                "a part of Faces that runs in the cluster",
                f"name the workloads behind it under `workloads`, or take {name} out of faces.on-edge",
            )
    yield from _unknown(key, names, "service account of Faces", known, on_edge)


def _targets(key: str, names: list[str], known: Collection[str]) -> Iterator[Problem]:
    if not names:
        yield Problem(key, "nothing", "at least one Service", "say what may be called, or remove the rule")
    yield from _unknown(key, names, "Service of this lab", known)


def _unknown(
    key: str, names: list[str], kind: str, known: Collection[str], said: Collection[str] = ()
) -> Iterator[Problem]:
    for index, name in enumerate(names):
        if name not in known and name not in said:
            close = difflib.get_close_matches(name, known, n=1)
            yield Problem(
                f"{key}[{index}]",
                f"{name!r} is no {kind}",
                f"one of {', '.join(sorted(known))}" if known else "nothing: there is none",
                f"did you mean {close[0]!r}?" if close else "correct or remove it",
            )


def _objects(access: Access, named: Mapping[str, int]) -> Iterator[Problem]:
    """Objects that would have the name of another: `a-b` to `c` and `a` to `b-c`, or of what lets the prober in."""
    for target in access.targets:
        if target.name in access.ready_routes:
            yield Problem(
                "workloads",
                f"a Service {target.service!r}, whose route would have the name of what lets the prober in",
                "another name",
                "rename the `service` of its workloads",
            )
    taken: dict[str, str] = {}
    for grant in access.grants:
        if grant.name in taken:
            yield Problem(
                f"policy.access[{named[grant.rule.name]}].name",
                f"{grant.name!r}, the AuthorizationPolicy for {grant.target.service}, is the name of one of rule {taken[grant.name]!r} too",
                "names of rules that make names of objects which differ",
                "rename the rule",
            )
        taken.setdefault(grant.name, grant.rule.name)


# Each with the keys of the top level that it reads.
CHECKS: tuple[Check, ...] = ((_policy, {"policy", "faces", "workloads"}),)
