"""What a kubernetes plugin says to wrong inputs, and what its previews do on a cluster that has nothing yet."""

import pytest

from tests.plugins.kubernetes_lab import Lab, kubeconfig, lab

__all__ = ["kubeconfig", "lab"]

CUSTOM = """
crd = k8s.apiextensions.v1.CustomResourceDefinition("crd", metadata={"name": f"{RUN}s.lab.example"}, spec={
    "group": "lab.example", "scope": "Namespaced",
    "names": {"kind": RUN.capitalize(), "plural": f"{RUN}s", "singular": RUN},
    "versions": [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": {
        "type": "object", "properties": {"spec": {"type": "object", "properties": {"size": {"type": "integer"}}}}}}}]})
ns = k8s.core.v1.Namespace("ns", metadata={"name": f"{RUN}-custom"})
k8s.apiextensions.CustomResource("one", api_version="lab.example/v1", kind=RUN.capitalize(), spec={"size": SIZE},
    metadata={"name": "one", "namespace": ns.metadata["name"]}, opts=ResourceOptions(depends_on=[crd]))
"""


@pytest.mark.stricter  # the official plugin drops the field without a word, in `up` too
def test_a_field_that_the_kind_does_not_have_is_named_in_preview(lab: Lab) -> None:
    said = lab.refused(
        'k8s.core.v1.ConfigMap("c", metadata={"namespace": "default"}, data={"a": "b"}).urn\n'
        'k8s.core.v1.Service("s", metadata={"name": RUN, "namespace": "default"},'
        ' spec={"ports": [{"port": 80}], "sellector": {"a": "b"}})'
    )
    assert "sellector" in said


@pytest.mark.stricter  # the official plugin drops the field
def test_a_field_is_checked_in_a_namespace_that_is_not_there_yet(lab: Lab) -> None:
    said = lab.refused(
        'ns = k8s.core.v1.Namespace("ns", metadata={"name": f"{RUN}-new"})\n'
        'k8s.apps.v1.Deployment("d", metadata={"namespace": f"{RUN}-new"}, spec={"replicaz": 2,'
        ' "selector": {"matchLabels": {"a": "b"}}, "template": {"metadata": {"labels": {"a": "b"}},'
        ' "spec": {"containers": [{"name": "c", "image": "i"}]}}}, opts=ResourceOptions(depends_on=[ns]))'
    )
    assert "replicaz" in said
    assert lab.namespaces() == []


def test_a_value_of_the_wrong_type_is_named_in_preview(lab: Lab) -> None:
    said = lab.refused(
        'k8s.core.v1.Service("s", metadata={"name": RUN, "namespace": "default"}, spec={"ports": [{"port": "eighty"}]})'
    )
    assert "port" in said


@pytest.mark.stricter  # the official plugin says so in `up`, when the object is there already
def test_a_wait_that_cannot_be_understood_is_an_error(lab: Lab) -> None:
    said = lab.refused('k8s.core.v1.ConfigMap("c", metadata={"annotations": {"pulumi.com/waitFor": "Ready"}})')
    assert "condition=" in said


@pytest.mark.stricter  # the official plugin ignores the setting, and takes the ambient cluster
def test_a_setting_of_the_provider_that_does_not_exist_is_an_error(lab: Lab) -> None:
    said = lab.refused(
        "import pulumi\n"
        "class P(pulumi.ProviderResource):\n"
        "    pass\n"
        'p = P("kubernetes", "p", {"kubekonfig": "x"})\n'
        'k8s.core.v1.ConfigMap("c", opts=ResourceOptions(provider=p))'
    )
    assert "kubekonfig" in said


@pytest.mark.stricter  # the official plugin keeps them there
def test_a_storage_of_helm_that_is_not_supported_is_an_error(lab: Lab) -> None:
    said = lab.refused('k8s.Provider("p", helm_release_settings=k8s.HelmReleaseSettingsArgs(driver="configmap"))')
    assert "helmReleaseSettings.driver" in said


def test_a_patch_needs_the_name_of_its_object(lab: Lab) -> None:
    assert "metadata.name" in lab.refused('k8s.core.v1.ServicePatch("p", metadata={"labels": {"a": "b"}})')


def test_a_preview_works_before_the_definition_and_the_namespace_exist(lab: Lab) -> None:
    found = lab.preview(CUSTOM.replace("SIZE", "3"))
    assert found.changes() == {"crd": "create", "ns": "create", "one": "create"}
    assert lab.namespaces() == []


def test_a_custom_resource_is_made_updated_and_checked(lab: Lab) -> None:
    assert set(lab.up(CUSTOM.replace("SIZE", "3")).changes().values()) == {"create"}
    lab.stack.expect_no_changes()
    changed = lab.up(CUSTOM.replace("SIZE", "4"))
    assert changed.changes() == {"one": "update"}
    assert changed.detail("one") == {"spec.size": "update"}
    assert "size" in lab.refused(CUSTOM.replace("SIZE", '"many"'))
    lab.stack.destroy()
    assert lab.namespaces() == []
