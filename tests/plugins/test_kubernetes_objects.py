"""What a kubernetes plugin does with objects: verdicts, drift, patches, names, and leaving."""

import pytest

from tests.plugins.kubernetes_lab import Lab, kubeconfig, lab

__all__ = ["kubeconfig", "lab"]

OBJECTS = """
ns = k8s.core.v1.Namespace("ns", metadata={"name": NAMESPACE, "labels": {"stage": STAGE}})
inside = {"namespace": ns.metadata["name"]}
k8s.core.v1.ConfigMap("named", metadata={**inside, "name": "named"}, data={"a": DATA})
k8s.core.v1.ConfigMap("unnamed", metadata=inside, data={"a": DATA})
k8s.core.v1.Secret("secret", metadata={**inside, "name": "secret"}, string_data={"a": DATA})
k8s.core.v1.ServiceAccount("account", metadata={**inside, "name": "account", "labels": {"stage": STAGE}})
k8s.core.v1.Service("service", metadata={**inside, "name": "service", "annotations": {"pulumi.com/skipAwait": "true"}},
    spec={"selector": {"app": "none"}, "ports": [{"port": 80, "targetPort": PORT, "protocol": "TCP"}]})
k8s.apps.v1.Deployment("deployment", metadata={**inside, "name": "deployment", "annotations": {"pulumi.com/patchForce": "true"}},
    spec={"replicas": REPLICAS, "selector": {"matchLabels": {"app": APP}}, "template": {
        "metadata": {"labels": {"app": APP}},
        "spec": {"containers": [{"name": "c", "image": IMAGE, "resources": {"limits": {"cpu": "0.5", "memory": "1024Mi"}}}]}}})
"""
FIRST = {
    "NAMESPACE": 'f"{RUN}-objects"',
    "STAGE": '"one"',
    "DATA": '"one"',
    "PORT": "80",
    "REPLICAS": "1",
    "APP": '"one"',
    "IMAGE": '"image:one"',
}


def objects(**changed: str) -> str:
    source = OBJECTS
    for name, value in {**FIRST, **changed}.items():
        source = source.replace(name, value)
    return source


def test_objects_are_made_and_a_second_run_changes_nothing(lab: Lab) -> None:
    made = lab.up(objects())
    assert set(made.changes().values()) == {"create"}
    assert len(made.changes()) == 7
    lab.stack.expect_no_changes()
    names = [found.metadata.name for found in lab.core.list_namespaced_config_map(f"{lab.run}-objects").items]
    assert any(name.startswith("unnamed-") and len(name) == len("unnamed-") + 8 for name in names)


@pytest.mark.parametrize(
    ("changed", "verdicts"),
    [
        (
            {"STAGE": '"two"', "DATA": '"two"', "PORT": "81", "IMAGE": '"image:two"'},
            dict.fromkeys(("ns", "account", "service", "deployment"), "update")
            | dict.fromkeys(("named", "unnamed", "secret"), "replace"),
        ),
        (
            {"NAMESPACE": 'f"{RUN}-other"'},
            dict.fromkeys(("ns", "named", "unnamed", "secret", "account", "service", "deployment"), "replace"),
        ),
    ],
)
def test_a_preview_tells_updates_from_replacements(lab: Lab, changed: dict[str, str], verdicts: dict[str, str]) -> None:
    assert lab.preview(objects(**changed)).changes() == verdicts


def test_the_changed_field_is_named(lab: Lab) -> None:
    found = lab.preview(objects(APP='"two"', PORT="81"))
    assert found.changes() == {"deployment": "replace", "service": "update"}
    assert found.detail("service") == {"spec.ports[0].targetPort": "update"}
    assert found.detail("deployment") == {
        "spec.selector.matchLabels.app": "update-replace",
        "spec.template.metadata.labels.app": "update",
    }


def test_updates_and_replacements_reach_the_cluster(lab: Lab) -> None:
    lab.up(objects(DATA='"two"', IMAGE='"image:two"', STAGE='"two"', REPLICAS="2"))
    lab.stack.expect_no_changes()
    namespace = f"{lab.run}-objects"
    assert lab.core.read_namespaced_config_map("named", namespace).data == {"a": "two"}
    deployment = lab.apps.read_namespaced_deployment("deployment", namespace)
    assert deployment.spec.template.spec.containers[0].image == "image:two"
    assert deployment.spec.replicas == 2
    assert lab.core.read_namespace(namespace).metadata.labels["stage"] == "two"
    assert len(lab.core.list_namespaced_config_map(namespace, label_selector="").items) == 3  # with kube-root-ca.crt


def test_a_field_that_the_program_drops_is_removed(lab: Lab) -> None:
    # `replicas` stands in for all: without it the server's default comes back.
    lab.up(objects(DATA='"two"', STAGE='"two"', IMAGE='"image:two"').replace('"replicas": 1, ', ""))
    assert lab.apps.read_namespaced_deployment("deployment", f"{lab.run}-objects").spec.replicas == 1
    lab.up(objects(DATA='"two"', STAGE='"two"', IMAGE='"image:two"'))


def test_drift_is_seen_by_refresh_and_repaired_by_up(lab: Lab) -> None:
    namespace = f"{lab.run}-objects"
    lab.apps.patch_namespaced_deployment("deployment", namespace, {"spec": {"replicas": 3}}, field_manager="someone")
    lab.core.delete_namespaced_service("service", namespace)
    assert lab.stack.up("--expect-no-changes").changes() == {}
    lab.stack.refresh()
    repaired = lab.stack.up()
    assert repaired.changes() == {"deployment": "update", "service": "create"}
    assert lab.apps.read_namespaced_deployment("deployment", namespace).spec.replicas == 1
    lab.stack.refresh("--expect-no-changes")


def test_an_object_that_exists_already_is_an_error_that_says_what_to_do(lab: Lab) -> None:
    namespace = f"{lab.run}-objects"
    lab.core.create_namespaced_config_map(namespace, {"metadata": {"name": "theirs"}, "data": {"a": "theirs"}})
    source = objects(DATA='"two"', STAGE='"two"', IMAGE='"image:two"')
    more = 'k8s.core.v1.ConfigMap("theirs", metadata={**inside, "name": "theirs"}, data={"a": "ours"})'
    failed = lab.up(f"{source}\n{more}", check=False)
    assert failed.code
    assert "already exists" in failed.output
    assert "import" in failed.output
    assert lab.core.read_namespaced_config_map("theirs", namespace).data == {"a": "theirs"}


def test_an_object_that_exists_is_taken_over_where_the_provider_says_so(lab: Lab) -> None:
    source = objects(DATA='"two"', STAGE='"two"', IMAGE='"image:two"')
    upserting = """
upserting = ResourceOptions(provider=k8s.Provider("upserting", upsert_existing_objects=True))
k8s.core.v1.ConfigMap("taken", metadata={**inside, "name": "theirs"}, data={"a": "theirs"}, opts=upserting)
"""
    assert lab.up(source + upserting).verdict("taken") == "create"
    # As text, in every plugin: a state may go from one to the other.
    assert lab.stack.resource("upserting")["inputs"]["upsertExistingObjects"] == "true"
    lab.stack.expect_no_changes()
    changed = source + upserting.replace('data={"a"', 'data={"b"')
    assert lab.up(changed).verdict("taken") == "replace"
    namespace = f"{lab.run}-objects"
    assert lab.core.read_namespaced_config_map("theirs", namespace).data == {"b": "theirs"}
    lab.up(source)
    lab.core.create_namespaced_config_map(namespace, {"metadata": {"name": "theirs"}, "data": {"a": "theirs"}})


def test_an_object_is_imported_by_namespace_and_name(lab: Lab) -> None:
    source = objects(DATA='"two"', STAGE='"two"', IMAGE='"image:two"')
    lab.core.create_namespaced_service_account(f"{lab.run}-objects", {"metadata": {"name": "found"}})
    imported = (
        'k8s.core.v1.ServiceAccount("found", metadata={**inside, "name": "found"},'
        ' opts=ResourceOptions(import_=f"{RUN}-objects/found"))'
    )
    lab.up(f"{source}\n{imported}")
    lab.stack.expect_no_changes()
    assert lab.up(source).changes() == {"found": "delete"}


@pytest.mark.stricter  # the official plugin does not see the data of someone else's object, and would replace it
def test_an_object_is_imported_with_its_data(lab: Lab) -> None:
    source = objects(DATA='"two"', STAGE='"two"', IMAGE='"image:two"')
    imported = (
        'k8s.core.v1.ConfigMap("theirs", metadata={**inside, "name": "theirs"}, data={"a": "theirs"},'
        ' opts=ResourceOptions(import_=f"{RUN}-objects/theirs"))'
    )
    lab.up(f"{source}\n{imported}")
    lab.stack.expect_no_changes()
    lab.up(source)


def test_patches_change_single_fields_and_give_them_back(lab: Lab) -> None:
    namespace = f"{lab.run}-objects"
    source = objects(DATA='"two"', STAGE='"two"', IMAGE='"image:two"')
    patched = """
k8s.core.v1.ServicePatch("service-patch", metadata={"name": "service", "namespace": f"{RUN}-objects",
    "labels": {"patched": VALUE}, "annotations": {"pulumi.com/skipAwait": "true"}})
k8s.apps.v1.DeploymentPatch("deployment-patch", metadata={"name": "deployment", "namespace": f"{RUN}-objects",
    "labels": {"patched": VALUE}})
"""
    assert lab.up(source + patched.replace("VALUE", '"1"')).changes() == {
        "service-patch": "create",
        "deployment-patch": "create",
    }
    lab.stack.expect_no_changes()
    assert lab.up(source + patched.replace("VALUE", '"2"')).changes() == {
        "service-patch": "update",
        "deployment-patch": "update",
    }
    service = lab.core.read_namespaced_service("service", namespace)
    assert service.metadata.labels == {"patched": "2"}
    assert service.spec.ports[0].port == 80
    assert lab.up(source).changes() == {"service-patch": "delete", "deployment-patch": "delete"}
    assert not lab.core.read_namespaced_service("service", namespace).metadata.labels
    missing = patched.replace("VALUE", '"1"').replace('"name": "service"', '"name": "nobody"')
    failed = lab.up(source + missing, check=False)
    assert failed.code
    assert any("nobody" in message for message in failed.messages), failed.output
    lab.up(source)


def test_a_patch_of_what_is_gone_cannot_be_taken_back_unless_it_leaves_with_something_else(lab: Lab) -> None:
    namespace = f"{lab.run}-objects"
    source = objects(DATA='"two"', STAGE='"two"', IMAGE='"image:two"')
    lab.core.create_namespaced_service(namespace, {"metadata": {"name": "theirs"}, "spec": {"ports": [{"port": 80}]}})
    patched = """
part = pulumi.ComponentResource("test:index:Part", "part")
k8s.core.v1.ServicePatch("patch", metadata={"name": "theirs", "namespace": f"{RUN}-objects", "labels": {"a": "b"},
    "annotations": {"pulumi.com/skipAwait": "true"}}, opts=ResourceOptions(OPTIONS))
"""
    lab.up(source + patched.replace("OPTIONS", ""))
    lab.core.delete_namespaced_service("theirs", namespace)
    failed = lab.up(source, check=False)
    assert failed.code
    assert any("required field" in message for message in failed.messages), failed.output
    assert lab.stack.refresh().code == 0
    assert lab.up(source).changes() == {}
    lab.core.create_namespaced_service(namespace, {"metadata": {"name": "theirs"}, "spec": {"ports": [{"port": 80}]}})
    lab.up(source + patched.replace("OPTIONS", "deleted_with=part"))
    lab.core.delete_namespaced_service("theirs", namespace)
    assert lab.up(source).changes() == {"patch": "delete", "part": "delete"}


def test_destroy_leaves_nothing_in_the_cluster(lab: Lab) -> None:
    lab.stack.destroy()
    assert lab.namespaces() == []
