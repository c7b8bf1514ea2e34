"""What a kubernetes plugin waits for, and how waits end."""

import signal
import time

from tests.plugins.kubernetes_lab import Lab, eventually, kubeconfig, lab

__all__ = ["kubeconfig", "lab"]

NAMESPACE = 'ns = k8s.core.v1.Namespace("ns", metadata={"name": f"{RUN}-wait"})\n'
WAITING = (
    NAMESPACE
    + """
k8s.core.v1.ConfigMap("gate", data={"a": "b"}, metadata={"namespace": ns.metadata["name"], "name": "gate",
    "annotations": {"pulumi.com/waitFor": WAIT, "pulumi.com/timeoutSeconds": "SECONDS"}})
"""
)


def waiting(wait: str, seconds: int) -> str:
    return WAITING.replace("WAIT", repr(wait)).replace("SECONDS", str(seconds))


def open_gate(lab: Lab, value: str) -> None:
    lab.core.patch_namespaced_config_map("gate", f"{lab.run}-wait", {"metadata": {"labels": {"gate": value}}})


def gate_is_there(lab: Lab) -> bool:
    found = lab.core.list_config_map_for_all_namespaces(field_selector="metadata.name=gate").items
    return any(each.metadata.namespace == f"{lab.run}-wait" for each in found)


def test_a_wait_ends_when_its_condition_is_met(lab: Lab) -> None:
    lab.program(waiting("jsonpath={.metadata.labels.gate}=open", 60))
    running = lab.stack.start("up")
    eventually(lambda: gate_is_there(lab))
    time.sleep(2)
    assert running.process.poll() is None
    open_gate(lab, "open")
    assert running.wait().code == 0


def test_what_does_not_become_ready_stays_in_the_state_and_converges_later(lab: Lab) -> None:
    failed = lab.up(
        waiting('["jsonpath={.metadata.labels.gate}", "jsonpath={.metadata.labels.gate}=wide"]', 2), check=False
    )
    assert failed.code
    assert "gate" in failed.output
    assert lab.stack.resource("gate")["initErrors"]
    open_gate(lab, "wide")
    assert lab.stack.up().verdict("gate") == "update"
    assert not lab.stack.resource("gate").get("initErrors")
    lab.stack.expect_no_changes()


def test_a_service_with_a_selector_is_waited_for_unless_told_not_to(lab: Lab) -> None:
    service = """
k8s.core.v1.Service("NAME", metadata={"namespace": ns.metadata["name"], "name": "NAME", "annotations": ANNOTATIONS},
    spec={"selector": {"app": "none"}, "ports": [{"port": 80}]})
"""
    quick = service.replace("NAME", "quick").replace("ANNOTATIONS", '{"pulumi.com/skipAwait": "true"}')
    slow = service.replace("NAME", "slow").replace("ANNOTATIONS", "{}")
    base = waiting("jsonpath={.metadata.labels.gate}", 60)
    begun = time.monotonic()
    lab.up(base + quick)
    unwaited = time.monotonic() - begun
    begun = time.monotonic()
    lab.up(base + quick + slow)
    waited = time.monotonic() - begun
    # Ten seconds without a change is what the plugin waits for: no speed of ours, and no less on a fast machine.
    assert waited > max(9, unwaited)


def test_a_deployment_is_ready_when_its_pods_are(lab: Lab) -> None:
    deployment = """
k8s.apps.v1.Deployment("pods", metadata={"namespace": ns.metadata["name"], "name": "pods"}, spec={"replicas": 2,
    "selector": {"matchLabels": {"app": "pods"}}, "template": {"metadata": {"labels": {"app": "pods"}},
    "spec": {"containers": [{"name": "c", "image": "i"}]}}})
"""
    lab.up(NAMESPACE + deployment)
    assert lab.apps.read_namespaced_deployment("pods", f"{lab.run}-wait").status.available_replicas == 2


def test_an_interrupt_ends_a_wait_and_keeps_what_was_made(lab: Lab) -> None:
    lab.program(waiting("jsonpath={.metadata.labels.gate}=never", 120))
    running = lab.stack.start("up")
    eventually(lambda: gate_is_there(lab))
    time.sleep(1)
    begun = time.monotonic()
    running.process.send_signal(signal.SIGINT)
    assert running.wait().code
    assert time.monotonic() - begun < 100  # of the 120 s that the wait had left
    assert lab.stack.resource("gate")["id"] == f"{lab.run}-wait/gate"
    lab.up(waiting("jsonpath={.data.a}=b", 60))
    lab.stack.destroy()
    assert lab.namespaces() == []
