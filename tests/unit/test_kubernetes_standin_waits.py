"""When an object counts as ready, and what a wait says."""

import asyncio
from typing import Any

import pytest

from lab.standins.kubernetes.await_ import workloads
from lab.standins.kubernetes.await_.conditions import all_of, generic_ready, wait_for
from lab.standins.kubernetes.await_.jsonpath import parse
from lab.standins.kubernetes.await_.progress import Judge, Progress
from lab.standins.kubernetes.await_.rules import DEFAULT_TIMEOUT, timeout_of, waits_for_deletion
from lab.standins.kubernetes.await_.service import SETTLE_SECONDS, ServiceJudge

Object = dict[str, Any]


def look(judge: Judge, obj: Object) -> Progress:
    async def once() -> Progress:
        return await judge(obj)

    return asyncio.run(once())


def conditions(**statuses: str) -> Object:
    return {"status": {"conditions": [{"type": kind, "status": status} for kind, status in statuses.items()]}}


def test_a_condition_is_met_by_its_status() -> None:
    judge = all_of(wait_for("condition=Accepted"))
    assert look(judge, conditions(Accepted="True")).ready
    assert not look(judge, conditions(Accepted="False")).ready
    assert not look(judge, {}).ready
    assert look(all_of(wait_for("condition=Accepted=False")), conditions(Accepted="False")).ready


def test_all_of_a_list_must_be_met() -> None:
    judge = all_of(wait_for('["condition=A", "condition=B"]'))
    assert look(judge, conditions(A="True", B="True")).ready
    assert "B" in look(judge, conditions(A="True", B="False")).message


def test_a_path_waits_for_the_controller_to_see_the_last_change() -> None:
    judge = all_of(wait_for("jsonpath={.status.phase}=Running"))
    seen: Object = {"metadata": {"generation": 2}, "status": {"phase": "Running", "observedGeneration": 2}}
    assert look(judge, seen).ready
    seen["status"]["observedGeneration"] = 1
    assert not look(judge, seen).ready


@pytest.mark.parametrize(
    ("expression", "met"),
    [
        ("{.a.b}", True),
        ("{.a.b}=1", True),
        ("{.a.b}=2", False),
        ("{$.a.c[0].type}=x", True),
        ("{.a.c[-1].type}=y", True),
        ("{.a.c[*].on}=true", True),
        ("{.a['odd.key']}=z", True),
        ('{.a.c[?(@.type=="y")].on}=false', True),
        ('{.a.c[?(@.type=="y" && @.on==true)].type}', False),
        ("{.nothing}", False),
        ("{.a}", True),
    ],
)
def test_paths_select_what_kubectl_would(expression: str, met: bool) -> None:
    obj = {"a": {"b": 1, "c": [{"type": "x", "on": True}, {"type": "y", "on": False}], "odd.key": "z"}}
    parsed = parse(expression)
    assert parsed.matches(parsed.select(obj)) is met


@pytest.mark.parametrize("wrong", [".a", "'{.a}'", "{.a}=", "{.a[1:2]}", "{..a}"])
def test_a_path_that_is_not_understood_is_an_error(wrong: str) -> None:
    with pytest.raises(ValueError, match=r"should be|after the equals|not understood"):
        parse(wrong)


@pytest.mark.parametrize("wrong", ["Ready", "[]", '["x"]', "[1]"])
def test_a_wait_that_is_no_condition_is_an_error(wrong: str) -> None:
    with pytest.raises(ValueError, match="condition"):
        wait_for(wrong)


def deployment(**status: int) -> Object:
    progress = {"observedGeneration": 1, **status, **conditions(Available="True")["status"]}
    return {"metadata": {"generation": 1}, "spec": {"replicas": 2}, "status": progress}


@pytest.mark.parametrize(
    ("status", "is_ready"),
    [
        ({"replicas": 2, "updatedReplicas": 2, "availableReplicas": 2}, True),
        ({"replicas": 2, "updatedReplicas": 2, "availableReplicas": 1}, False),
        ({"replicas": 3, "updatedReplicas": 2, "availableReplicas": 3}, False),
        ({"replicas": 2, "updatedReplicas": 2, "availableReplicas": 2, "observedGeneration": 0}, False),
        ({}, False),
    ],
)
def test_a_deployment_is_ready_when_it_is_rolled_out(status: dict[str, int], is_ready: bool) -> None:
    assert look(workloads.deployment, deployment(**status)).ready is is_ready


def test_a_job_that_failed_says_so() -> None:
    assert look(workloads.job, conditions(Complete="True")).ready
    failed = look(workloads.job, {**conditions(Failed="True"), "metadata": {"name": "j"}})
    assert not failed.ready
    assert "failed" in failed.problems[0]


def test_a_pod_says_which_container_holds_it_back() -> None:
    waiting = {"name": "c", "state": {"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}}}
    found = look(workloads.pod, {"metadata": {"name": "p"}, "status": {"containerStatuses": [waiting]}})
    assert found.problems == ("Pod p, container c: ImagePullBackOff no such image",)


def test_a_custom_resource_without_conditions_is_ready() -> None:
    assert look(generic_ready, {}).ready
    assert not look(generic_ready, conditions(Ready="False")).ready
    assert not look(generic_ready, conditions(Reconciling="True")).ready


class Endpoints:
    """Answers for the cluster: the Endpoints of any Service."""

    def __init__(self) -> None:
        self.version = "1"
        self.subsets: list[Object] = []

    def get(self, *_: object) -> Object:
        return {"metadata": {"resourceVersion": self.version}, "subsets": self.subsets}


def service(**spec: Any) -> Object:
    return {"metadata": {"name": "s", "namespace": "n"}, "spec": {"selector": {"a": "b"}, **spec}}


def test_a_service_with_a_selector_waits_until_its_endpoints_settle() -> None:
    endpoints, now = Endpoints(), [100.0]
    judge = ServiceJudge(endpoints, clock=lambda: now[0])  # type: ignore[arg-type] # all that the judge asks for
    assert not look(judge, service()).ready
    now[0] += SETTLE_SECONDS - 1
    endpoints.version = "2"
    assert not look(judge, service()).ready
    now[0] += SETTLE_SECONDS - 1
    assert not look(judge, service()).ready
    now[0] += 1
    assert look(judge, service()).ready
    endpoints.subsets = [{"notReadyAddresses": [{}]}]
    assert not look(judge, service()).ready


@pytest.mark.parametrize("spec", [{"clusterIP": "None"}, {"type": "ExternalName"}, {"selector": None}])
def test_a_service_without_pods_of_its_own_is_ready_at_once(spec: Object) -> None:
    assert look(ServiceJudge(Endpoints()), service(**spec)).ready  # type: ignore[arg-type] # all that the judge asks for


def test_a_load_balancer_needs_an_address() -> None:
    judge = ServiceJudge(Endpoints())  # type: ignore[arg-type] # all that the judge asks for
    balanced = service(type="LoadBalancer", selector=None)
    assert not look(judge, balanced).ready
    assert look(judge, {**balanced, "status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}}}).ready


def annotated(kind: str, **annotations: str) -> Object:
    found = {f"pulumi.com/{key}": value for key, value in annotations.items()}
    return {"apiVersion": "v1", "kind": kind, "metadata": {"annotations": found}}


def test_time_outs_come_from_the_options_then_the_annotation() -> None:
    assert timeout_of(5, annotated("Pod", timeoutSeconds="7")) == 5
    assert timeout_of(0, annotated("Pod", timeoutSeconds="7")) == 7
    assert timeout_of(0, {}) == DEFAULT_TIMEOUT


def test_only_some_kinds_skip_the_wait_for_their_deletion() -> None:
    assert not waits_for_deletion(annotated("Namespace", skipAwait="true"))
    assert waits_for_deletion(annotated("Service", skipAwait="true"))
    assert waits_for_deletion(annotated("Namespace"))
