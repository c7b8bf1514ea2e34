"""Files of manifests of which something fails, or in the middle of which somebody interrupts."""

import signal
import time
from pathlib import Path

from tests.plugins.kubernetes_lab import Lab, kubeconfig, lab

__all__ = ["kubeconfig", "lab"]

_GOOD = "{apiVersion: v1, kind: ConfigMap, metadata: {name: RUN-good, namespace: default}}"
_REFUSED = """
{apiVersion: v1, kind: Service, metadata: {name: RUN-refused, namespace: default}, spec: {ports: [{port: 0}]}}
"""
# Without endpoints it is waited for.
_WAITED_FOR = """
apiVersion: v1
kind: Service
metadata: {name: RUN-slow, namespace: default}
spec: {selector: {app: RUN}, ports: [{port: 80}]}
"""


def _program(lab: Lab, directory: Path, *objects: str) -> str:
    path = directory / "manifests.yaml"
    path.write_text("\n---\n".join(objects).replace("RUN", lab.run))
    return f'k8s.yaml.v2.ConfigFile("files", file={str(path)!r})\n'


def _services(lab: Lab) -> set[str]:
    return {service.metadata.name for service in lab.core.list_namespaced_service("default").items}


def test_an_interrupt_ends_an_objects_creation_and_is_no_fault_of_its_file(lab: Lab, tmp_path: Path) -> None:
    lab.program(_program(lab, tmp_path, _GOOD, _WAITED_FOR))
    running = lab.stack.start("up")
    deadline = time.monotonic() + 120
    while f"{lab.run}-slow" not in _services(lab):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    running.process.send_signal(signal.SIGINT)
    result = running.wait()
    assert result.code
    # That its children's registrations came to an end is the engine's own word.
    problems = [message for message in result.messages if "has a problem" in message]
    assert [problem for problem in problems if "client connection is closing" not in problem] == []
    assert any(f"{lab.run}-slow" in message for message in result.messages)
    lab.up(_program(lab, tmp_path, _GOOD))
    assert f"{lab.run}-slow" not in _services(lab)
    lab.stack.expect_no_changes()


def test_what_the_cluster_refuses_is_told_by_name(lab: Lab, tmp_path: Path) -> None:
    result = lab.up(_program(lab, tmp_path, _REFUSED), check=False)
    assert result.code
    assert any(f"{lab.run}-refused" in message and "port" in message for message in result.messages)


def test_where_the_engine_is_to_go_on_the_other_objects_are_made(lab: Lab, tmp_path: Path) -> None:
    other = _GOOD.replace("good", "other")
    lab.program(_program(lab, tmp_path, _GOOD, _REFUSED, other))
    result = lab.stack.up("--continue-on-error", check=False)
    assert result.code
    assert result.verdict(f"files:default/{lab.run}-other") == "create"
    assert "has a problem" not in result.output
    assert "Traceback" not in result.output
    assert lab.up(_program(lab, tmp_path, _GOOD, other)).changes() == {}
