"""Who gets through to whom, asked from every place and compared with the rules."""

from collections.abc import Awaitable, Callable, Iterator
from functools import partial

from domain.access import Caller, Target
from domain.workloads import Workload
from lab.verify.context import Context
from lab.verify.row import Case, Group, Row, Seen
from lab.verify.rows.refusal import Direct, Through, direct, through

# Of many machines that no rule names each stands for all.
_OTHERS = 3


def _cases(context: Context) -> Iterator[Case]:
    promises = context.promises
    if not promises.judged:
        return
    for target in promises.access.targets:
        behind = [
            workload
            for workload in promises.workloads
            if workload.service == target.service and workload.name in promises.provisioned
        ]
        if target.outside:
            yield from _unmeshed(context, target, behind)
        yield from _meshed(context, target, behind)


def _unmeshed(context: Context, target: Target, behind: list[Workload]) -> Iterator[Case]:
    """They ask machines by their addresses: nobody shares out or hides what such a request meets."""
    for workload in behind:
        yield _case(
            "this machine",
            target,
            partial(direct, context, Direct(place=context.places.host, workload=workload)),
            _expected(context, Caller.unmeshed(), target.service, by_address=True),
            [workload],
        )
    for workload in behind[:1]:
        yield _case(
            "an unmeshed pod",
            target,
            partial(direct, context, Direct(place=context.places.unmeshed, workload=workload)),
            _expected(context, Caller.unmeshed(), target.service, by_address=True),
            [workload],
        )


def _meshed(context: Context, target: Target, behind: list[Workload]) -> Iterator[Case]:
    promises = context.promises
    for account in promises.accounts:
        caller = Caller.account(account, promises.namespace)
        asked = Through(place=partial(context.places.meshed, account), caller=caller, service=target.service)
        yield _case(
            f"a meshed pod as {account}",
            target,
            partial(through, context, asked),
            _expected(context, caller, target.service),
            behind,
        )
    named = {name for rule in promises.access.rules for name in rule.workloads}
    outside = [workload for workload in promises.workloads if workload.name in promises.provisioned]
    others = [workload for workload in outside if workload.name not in named][:_OTHERS]
    for workload in outside:
        # Nobody asks itself.
        if workload.service == target.service or (workload.name not in named and workload not in others):
            continue
        caller = Caller.workload(workload.name, workload.addresses[0])
        asked = Through(place=partial(context.places.outside, workload.name), caller=caller, service=target.service)
        yield _case(
            f"workload {workload.name}",
            target,
            partial(through, context, asked),
            _expected(context, caller, target.service),
            [workload, *behind],
        )


def _case(
    source: str,
    target: Target,
    look: Callable[[], Awaitable[Seen]],
    expected: str,
    about: list[Workload],
) -> Case:
    where = target.service if target.outside else f"{target.service}, pods"
    return Case(
        subject=f"{source} → {where}",
        expected=expected,
        look=look,
        workloads=frozenset(workload.name for workload in about),
    )


def _expected(context: Context, caller: Caller, service: str, *, by_address: bool = False) -> str:
    mode = context.promises.access.mode
    if by_address and any(rule.networks for rule in context.promises.access.rules if service in rule.to):
        return "let in or refused by its address"
    if context.promises.lets(caller, service):
        refused = "" if context.promises.access.allows(caller, service) else f" (no rule, but mode {mode})"
        return f"let in{refused}"
    return "refused: 403"


ROW = Row(
    id="access.matrix",
    title="who gets through to whom",
    group=Group.ACCESS,
    results=("R18", "R19", "R20", "R21", "R22", "R23", "R24", "R25", "R26"),
    needs="places on and off the mesh, real proxies",
    unasked="no workload that this lab provisions, and so no policy",
    cases=_cases,
)
