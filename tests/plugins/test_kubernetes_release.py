"""What a kubernetes plugin does with Helm releases, killed and interrupted ones included.

The recovery from `pending-...` is this project's demand: the official plugin stops there (pulumi-kubernetes#2054).
"""

import base64
import gzip
import json
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.plugins.kubernetes_lab import Lab, eventually, kubeconfig, lab

__all__ = ["kubeconfig", "lab"]

SECRET = "helm-secret-5f0d7a"
CONFIG_MAP = """
apiVersion: v1
kind: ConfigMap
metadata: {name: "{{ .Release.Name }}-settings"}
data: {colour: "{{ .Values.colour }}", password: "{{ .Values.password }}"}
"""
# A suspended Job never ends, on any cluster, and helm waits for it for as long as it is told to.
SLOW = """
{{- if .Values.slow }}
apiVersion: batch/v1
kind: Job
metadata: {name: "{{ .Release.Name }}-slow"}
spec: {suspend: true, template: {spec: {restartPolicy: Never, containers: [{name: c, image: i}]}}}
{{- end }}
"""


@pytest.fixture(scope="module")
def chart(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("charts") / "tiny"
    (directory / "templates").mkdir(parents=True)
    (directory / "templates" / "settings.yaml").write_text(CONFIG_MAP)
    (directory / "templates" / "slow.yaml").write_text(SLOW)
    (directory / "values.yaml").write_text("{colour: grey, password: none, slow: false}")
    versioned(directory, "1.0.0")
    return directory


def versioned(chart: Path, version: str) -> None:
    (chart / "Chart.yaml").write_text(
        json.dumps({"apiVersion": "v2", "name": "tiny", "version": version, "appVersion": "7"})
    )


NAMESPACE = 'ns = k8s.core.v1.Namespace("ns", metadata={"name": f"{RUN}-helm"})\n'


def release(
    chart: Path,
    resource: str = "release",
    *,
    name: str = "tiny",
    slow: bool = False,
    colour: str = "red",
    more: str = "",
) -> str:
    return f"""
{resource} = k8s.helm.v3.Release({resource!r}, chart={str(chart)!r}, name={name!r}, namespace=ns.metadata["name"], wait_for_jobs=True,
    values={{"colour": {colour!r}, "slow": {slow}, "password": pulumi.Output.secret({SECRET!r})}}{more})
pulumi.export("status-{resource}", {resource}.status)
pulumi.export("names-{resource}", {resource}.resource_names)
"""


def source(chart: Path, **settings: Any) -> str:
    return NAMESPACE + release(chart, **settings)


def revisions(lab: Lab, name: str = "tiny") -> list[dict[str, str]]:
    found = lab.core.list_namespaced_secret(f"{lab.run}-helm", label_selector=f"owner=helm,name={name}").items
    labels = [secret.metadata.labels for secret in found]
    return sorted(
        ({"version": each["version"], "status": each["status"]} for each in labels),
        key=lambda each: int(each["version"]),
    )


def status(lab: Lab) -> Any:
    return lab.stack.outputs()["status-release"]


def test_a_preview_makes_nothing_and_needs_no_namespace(lab: Lab, chart: Path) -> None:
    assert lab.preview(source(chart)).changes() == {"ns": "create", "release": "create"}
    assert lab.namespaces() == []


def test_wrong_inputs_are_named_in_preview(lab: Lab, chart: Path) -> None:
    assert "no-such-chart" in lab.refused(source(Path("/no-such-chart")))
    assert "timeout" in lab.refused(source(chart, more=', timeout="long"')).lower()
    assert lab.namespaces() == []


@pytest.mark.stricter  # the official plugin ignores an input that it does not know
def test_an_input_that_a_release_does_not_have_is_named_in_preview(lab: Lab) -> None:
    raw = 'pulumi.CustomResource("kubernetes:helm.sh/v3:Release", "r", {"chart": "c", "verzion": "1"})'
    assert "verzion" in lab.refused(raw)


def test_a_release_is_installed_and_tells_what_it_has(lab: Lab, chart: Path) -> None:
    lab.up(source(chart))
    assert status(lab) | {"namespace": "-"} == {
        "name": "tiny",
        "namespace": "-",
        "chart": "tiny",
        "version": "1.0.0",
        "app_version": "7",
        "revision": 1,
        "status": "deployed",
    }
    # In every plugin: a state may go from one to the other.
    kept = lab.stack.resource("release")["inputs"]
    assert (kept["atomic"], kept["waitForJobs"], kept["description"]) == (False, True, "")
    assert lab.stack.outputs()["names-release"] == {"ConfigMap/v1": ["tiny-settings"]}
    lab.stack.expect_no_changes()
    lab.stack.refresh("--expect-no-changes")


def test_secret_values_are_not_readable_in_state_or_logs(lab: Lab) -> None:
    assert SECRET in json.dumps(lab.core.read_namespaced_config_map("tiny-settings", f"{lab.run}-helm").data)
    assert all(SECRET not in text for _, text in lab.stack.written())


def test_values_and_versions_update_and_names_replace(lab: Lab, chart: Path) -> None:
    assert lab.preview(source(chart, colour="blue")).changes() == {"release": "update"}
    assert lab.preview(source(chart, name="other")).changes() == {"release": "replace"}
    versioned(chart, "1.1.0")
    changed = lab.up(source(chart, colour="blue"))
    assert changed.changes() == {"release": "update"}
    assert set(changed.detail("release")) == {"values.colour", "version"}
    assert (status(lab)["revision"], status(lab)["version"]) == (2, "1.1.0")
    lab.stack.expect_no_changes()


def test_a_failed_upgrade_stays_in_the_state_and_converges(lab: Lab, chart: Path) -> None:
    failed = lab.up(source(chart, slow=True, more=", timeout=2"), check=False)
    assert failed.code
    assert SECRET not in failed.output
    assert lab.stack.resource("release")["initErrors"]
    lab.up(source(chart))
    assert status(lab)["status"] == "deployed"
    lab.stack.expect_no_changes()


@pytest.mark.stricter  # the official plugin stops at "another operation is in progress" until someone helps by hand
@pytest.mark.parametrize("pending", ["pending-upgrade", "pending-rollback"])
def test_a_release_left_pending_by_an_upgrade_is_rolled_back_and_upgraded(lab: Lab, chart: Path, pending: str) -> None:
    leave(lab, pending)
    lab.up(source(chart, colour=pending))
    assert status(lab)["status"] == "deployed"
    assert revisions(lab)[-1]["status"] == "deployed"
    settings = lab.core.read_namespaced_config_map("tiny-settings", f"{lab.run}-helm")
    assert settings.data["colour"] == pending


def leave(lab: Lab, pending: str) -> None:
    """The last revision gets the status that a killed helm leaves, in the label and in helm's own record."""
    name = f"sh.helm.release.v1.tiny.v{revisions(lab)[-1]['version']}"
    kept = lab.core.read_namespaced_secret(name, f"{lab.run}-helm").data["release"]
    record = json.loads(gzip.decompress(base64.b64decode(base64.b64decode(kept))))
    record["info"]["status"] = pending
    encoded = base64.b64encode(base64.b64encode(gzip.compress(json.dumps(record).encode()))).decode()
    body = {"metadata": {"labels": {"status": pending}}, "data": {"release": encoded}}
    lab.core.patch_namespaced_secret(name, f"{lab.run}-helm", body)


@pytest.mark.stricter  # the official plugin stops at "cannot re-use a name that is still in use"
def test_a_killed_install_converges_on_the_next_run(lab: Lab, chart: Path) -> None:
    lab.program(source(chart) + release(chart, "second", name="second", slow=True))
    running = lab.stack.start("up")
    eventually(lambda: revisions(lab, "second"))
    kill(running.process.pid)
    running.wait()
    lab.stack.cli("cancel", "--yes")  # the lock of the killed engine; the state stays as it is
    assert revisions(lab, "second")[-1]["status"] in {"pending-install", "failed"}
    both = source(chart) + release(chart, "second", name="second")
    lab.up(both)
    assert revisions(lab, "second")[-1]["status"] == "deployed"
    lab.stack.expect_no_changes()


def kill(pid: int) -> None:
    """The engine, its plugins and helm, all at once, as a machine that loses power."""
    engine = psutil.Process(pid)
    for process in [engine, *engine.children(recursive=True)]:
        with suppress(psutil.NoSuchProcess):  # a plugin whose engine has gone ends by itself
            process.kill()


def test_an_interrupt_ends_helm_and_the_next_run_goes_on(lab: Lab, chart: Path) -> None:
    lab.program(source(chart) + release(chart, "third", name="third", slow=True))
    running = lab.stack.start("up")
    eventually(lambda: revisions(lab, "third"))
    time.sleep(1)
    running.process.send_signal(signal.SIGINT)
    assert running.wait().code
    lab.up(source(chart) + release(chart, "third", name="third"))
    assert revisions(lab, "third")[-1]["status"] == "deployed"


def helm(lab: Lab, *arguments: str) -> None:
    environment = {**lab.stack.environment, "KUBECONFIG": str(lab.kubeconfig)}
    command = ["helm", *arguments, "--namespace", f"{lab.run}-helm"]
    subprocess.run(command, check=True, env=environment, capture_output=True)


def test_a_release_of_someone_else_is_left_alone(lab: Lab, chart: Path) -> None:
    helm(lab, "install", "theirs", str(chart))
    failed = lab.up(source(chart) + release(chart, "theirs", name="theirs"), check=False)
    assert failed.code
    assert "theirs" in failed.output
    assert revisions(lab, "theirs") == [{"version": "1", "status": "deployed"}]
    helm(lab, "uninstall", "theirs")


def test_a_release_that_was_removed_is_seen_by_refresh_and_comes_back(lab: Lab, chart: Path) -> None:
    helm(lab, "uninstall", "tiny")
    lab.stack.refresh()
    assert lab.up(source(chart)).verdict("release") == "create"


def test_destroy_purges_the_release(lab: Lab) -> None:
    lab.stack.destroy()
    assert lab.namespaces() == []
