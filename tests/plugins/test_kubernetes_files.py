"""What a kubernetes plugin makes of files of manifests."""

from pathlib import Path

import pytest

from tests.plugins.kubernetes_lab import Lab, eventually, kubeconfig, lab

__all__ = ["kubeconfig", "lab"]

SECRET = "file-secret-3b1c9e"
MANIFESTS = """
apiVersion: lab.example/v1
kind: KIND
metadata: {name: one, namespace: RUN-files}
spec: {when: 2020-01-01}
---
apiVersion: v1
kind: List
items:
- apiVersion: v1
  kind: ConfigMap
  metadata: {name: listed, namespace: RUN-files}
  data: {a: VALUE}
---
apiVersion: v1
kind: Secret
metadata: {name: hidden, namespace: RUN-files}
stringData: {a: FILESECRET}
---
apiVersion: v1
kind: Service
metadata: {name: slow, namespace: RUN-files}
spec: {selector: {app: none}, ports: [{port: 80}]}
---
apiVersion: v1
kind: Namespace
metadata: {name: RUN-files}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: RUNs.lab.example}
spec:
  group: lab.example
  names: {kind: KIND, plural: RUNs, singular: RUN}
  scope: Namespaced
  versions:
  - name: v1
    served: true
    storage: true
    schema:
      openAPIV3Schema:
        type: object
        properties: {spec: {type: object, properties: {when: {type: string}}}}
"""
CHILDREN = ("RUN-files/one", "RUN-files/listed", "RUN-files/hidden", "RUN-files/slow", "RUN-files", "RUNs.lab.example")


def write(lab: Lab, directory: Path, value: str) -> str:
    path = directory / "manifests.yaml"
    text = MANIFESTS.replace("RUN", lab.run).replace("KIND", lab.run.capitalize()).replace("VALUE", value)
    path.write_text(text.replace("FILESECRET", SECRET))
    return f'files = k8s.yaml.v2.ConfigFile("files", file={str(path)!r}, skip_await=True)\n'


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("manifests")


def test_every_object_of_a_file_becomes_a_resource_below_it(lab: Lab, directory: Path) -> None:
    source = write(lab, directory, "one")
    expected = {"files": "create"} | {f"files:{child.replace('RUN', lab.run)}": "create" for child in CHILDREN}
    assert lab.preview(source).changes() == expected
    assert lab.namespaces() == []
    assert lab.up(source + 'pulumi.export("count", files.resources.apply(len))').changes() == expected
    assert lab.stack.outputs() == {"count": len(CHILDREN)}
    child = lab.stack.resource(f"files:{lab.run}-files/listed")
    assert child["parent"] == lab.stack.resource("files")["urn"]
    lab.stack.expect_no_changes()


def test_a_changed_file_changes_its_objects(lab: Lab, directory: Path) -> None:
    assert lab.up(write(lab, directory, "two")).changes() == {f"files:{lab.run}-files/listed": "replace"}


def test_secrets_of_a_file_are_not_readable_in_the_state(lab: Lab) -> None:
    assert all(SECRET not in text for _, text in lab.stack.written())


def test_a_group_takes_patterns_texts_and_objects(lab: Lab, directory: Path) -> None:
    source = (
        write(lab, directory, "two")
        + f"""
k8s.yaml.v2.ConfigGroup("group", files=[{str(directory / "more*.yaml")!r}], resource_prefix="p",
    yaml="{{apiVersion: v1, kind: ConfigMap, metadata: {{name: texted, namespace: {lab.run}-files}}}}",
    objs=[{{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {{"name": "given", "namespace": "{lab.run}-files"}}}}],
    opts=ResourceOptions(depends_on=[files]))
"""
    )
    more = "{apiVersion: v1, kind: ConfigMap, metadata: {name: globbed, namespace: RUN-files}}"
    (directory / "more-1.yaml").write_text(more.replace("RUN", lab.run))
    made = lab.up(source).changes()
    assert made == {"group": "create"} | {
        f"p:{lab.run}-files/{name}": "create" for name in ("globbed", "texted", "given")
    }


def test_a_file_that_is_not_there_is_named(lab: Lab) -> None:
    said = lab.refused('k8s.yaml.v2.ConfigFile("files", file="no-such-file.yaml")')
    assert "no-such-file.yaml" in said


def test_destroy_removes_the_objects(lab: Lab) -> None:
    lab.stack.destroy()
    # skipAwait on a Namespace spares the wait for its end as well.
    assert eventually(lambda: not lab.namespaces())
