"""In audit mode those whom no rule allows are let in, counted and written to the log."""

from collections.abc import Iterator
from functools import partial

from domain.access import Caller
from domain.workloads import Workload
from lab.verify import asking, metrics
from lab.verify.context import Context
from lab.verify.metrics import Metrics
from lab.verify.place import KeepsLog, NotProvable, Request
from lab.verify.row import Case, Group, Row, Seen

_COUNTER = "inbound_http_authz_allow_total"
_LOGGED = "authz.name=audit"
_COUNT = 5
_SECONDS = 120.0
_ADMIN_PORT = 4191


def _cases(context: Context) -> Iterator[Case]:
    promises = context.promises
    if promises.judged and promises.access.mode == "audit":
        for workload in promises.workloads:
            if workload.name not in promises.provisioned:
                continue
            yield Case(
                subject=f"workload {workload.name}",
                expected='a stranger is let in, counted under authz_name="audit", and in the log',
                look=partial(_look_outside, context, workload),
                workloads=frozenset({workload.name}),
            )
    if promises.default_inbound == "audit":
        yield Case(
            subject="pods of face",
            expected='strangers are counted under authz_name="audit"',
            look=partial(_look_at_pods, context),
        )


async def _look_outside(context: Context, workload: Workload) -> Seen:
    place, target = await context.places.host(), await context.places.outside(workload.name)
    if context.promises.access.allows(Caller.unmeshed(), workload.service):
        raise NotProvable(f"a rule allows everybody to call {workload.service}, so nobody is a stranger")
    address = workload.addresses[0]
    host = f"[{address}]" if address.version == 6 else str(address)
    before = await asking.proxy_of(target)
    answers = await place.ask(Request(url=f"http://{host}:{workload.port}/", count=_COUNT))
    counted = _audited((await asking.proxy_of(target)).since(before))
    found = f"{asking.statuses(answers)}; {counted} counted as audit"
    look = f"make verify STACK={context.stack} ROW=access.policy"
    if not counted or any(answer.status == 403 for answer in answers):
        return Seen(right=False, found=found, next=look)
    if not isinstance(target, KeepsLog):
        return Seen(right=True, found=f"{found}; its log cannot be read from here")
    lines = (await target.log(_SECONDS)).count(_LOGGED)
    return Seen(right=lines > 0, found=f"{found}; {lines} lines of its log say {_LOGGED}", next="" if lines else look)


async def _look_at_pods(context: Context) -> Seen:
    """Whoever has called them since they started: Emissary, or a browser by way of the GUI."""
    if why := await context.cluster.no_pods():
        raise NotProvable(why)
    namespace = context.promises.namespace
    pods = [
        item["metadata"]["name"]
        for item in await context.cluster.items(f"/api/v1/namespaces/{namespace}/pods?labelSelector=service%3Dface")
    ]
    if not pods:
        return Seen(right=False, found="no pod of face", next=f"kubectl get pods -n {namespace}")
    counted = 0
    for pod in pods:
        text = await context.cluster.text(f"/api/v1/namespaces/{namespace}/pods/{pod}:{_ADMIN_PORT}/proxy/metrics")
        counted += _audited(metrics.parse(text))
    found = f"{counted} requests counted as audit by {len(pods)} pods"
    if not counted:
        raise NotProvable(f"{found}: nobody without an identity has called face yet; open the GUI by way of Emissary")
    return Seen(right=True, found=found)


def _audited(counted: Metrics) -> int:
    return round(counted.total(_COUNTER, lambda labels: labels.get("authz_name") == "audit"))


ROW = Row(
    id="access.audit",
    title="audit counts and logs strangers",
    group=Group.ACCESS,
    results=("R37", "R38", "R39"),
    needs="a way onto the machine outside, a real proxy there",
    unasked="policy.mode is not audit",
    cases=_cases,
)
