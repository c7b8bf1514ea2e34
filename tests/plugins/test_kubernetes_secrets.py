"""What a kubernetes plugin does with secrets: of objects, and of the cluster's own credentials."""

import base64

import pytest
import yaml

from tests.plugins.kubernetes_lab import Lab, kubeconfig, lab

__all__ = ["kubeconfig", "lab"]

CLEAR = "clear-secret-91c2d4"
ENCODED = base64.b64encode(CLEAR.encode()).decode()


def source(lab: Lab) -> str:
    return f"""
import pathlib
provider = k8s.Provider("cluster", kubeconfig=pulumi.Output.secret(pathlib.Path({str(lab.kubeconfig)!r}).read_text()))
on_it = ResourceOptions(provider=provider)
ns = k8s.core.v1.Namespace("ns", metadata={{"name": f"{{RUN}}-secret"}}, opts=on_it)
secret = k8s.core.v1.Secret("secret", string_data={{"a": {CLEAR!r}}}, metadata={{"namespace": ns.metadata["name"]}}, opts=on_it)
k8s.core.v1.ConfigMap("config", data={{"a": "b"}}, metadata={{"namespace": ns.metadata["name"], "annotations": {{
    "of": pulumi.Output.secret({CLEAR!r})}}}}, opts=on_it)
pulumi.export("data", secret.data)
"""


def credentials(lab: Lab) -> list[str]:
    """What of the kubeconfig nobody else may read."""
    users = [entry["user"] for entry in yaml.safe_load(lab.kubeconfig.read_text())["users"]]
    return [str(user[key]) for user in users for key in ("token", "client-key-data") if user.get(key)]


def test_secrets_are_readable_in_no_file_of_the_engine(lab: Lab) -> None:
    lab.up(source(lab))
    hidden = [CLEAR, ENCODED, *credentials(lab)]
    for path, text in lab.stack.written():
        for number, secret in enumerate(hidden):
            assert secret not in text, f"secret number {number} is in {path}"


def test_outputs_of_a_secret_are_secret(lab: Lab) -> None:
    assert ENCODED not in lab.stack.cli("stack", "output").stdout
    assert lab.stack.outputs()["data"] == {"a": ENCODED}


def test_a_refresh_keeps_secrets_secret(lab: Lab) -> None:
    lab.stack.refresh()
    lab.stack.expect_no_changes()
    assert all(secret not in lab.stack.export() for secret in (CLEAR, ENCODED))


@pytest.mark.stricter  # the official plugin previews as if the cluster were not there, and fails in `up`
def test_a_kubeconfig_that_cannot_be_used_is_not_repeated(lab: Lab) -> None:
    wrong = 'k8s.Provider("wrong", kubeconfig="users: [{token: not-to-be-seen")\n'
    said = lab.refused(wrong + 'k8s.core.v1.ConfigMap("c", metadata={"namespace": "default"})')
    assert "kubeconfig" in said
    assert "not-to-be-seen" not in said


def test_the_same_cluster_in_another_text_replaces_nothing(lab: Lab) -> None:
    lab.program(source(lab).replace(".read_text()", '.read_text() + "\\n# as before\\n"'))
    assert "replace" not in lab.stack.preview().changes().values()


def test_another_cluster_replaces_everything_unless_it_is_declared_the_same(lab: Lab) -> None:
    server = yaml.safe_load(lab.kubeconfig.read_text())["clusters"][0]["cluster"]["server"]
    elsewhere = source(lab).replace(".read_text()", f".read_text().replace({server!r}, 'https://127.0.0.1:9')")
    lab.program(elsewhere)
    assert lab.stack.preview().verdict("secret") == "replace"
    lab.up(source(lab).replace('"cluster", ', '"cluster", cluster_identifier="one", '))
    lab.program(elsewhere.replace('"cluster", ', '"cluster", cluster_identifier="one", '))
    assert lab.stack.preview(check=False).verdict("secret") != "replace"
    lab.stack.destroy()
    assert lab.namespaces() == []
