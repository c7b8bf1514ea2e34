"""Which change of a Kubernetes object updates it, which replaces it, and which is none."""

from typing import Any

import pytest

from lab.standins.base.values import UNKNOWN
from lab.standins.kubernetes.diff import difference, quantity
from lab.standins.kubernetes.fields import for_engine, for_server, redact, secret_strings, secrets_of
from lab.standins.kubernetes.forcenew import force_new
from lab.standins.kubernetes.manifest import normalized, pruned

Object = dict[str, Any]


def verdict(kind: str, old: Object, new: Object, **mutable: bool) -> tuple[dict[str, str], bool]:
    """Changes by dotted path, and whether the object is replaced."""
    api_version, _, name = kind.rpartition("/")
    head = {"apiVersion": api_version, "kind": name}
    settings = {"mutable_config_maps": False, "mutable_secrets": False, **mutable}
    found = difference({**head, **old}, {**head, **new}, force_new=force_new({**head, **new}, **settings))
    return {".".join(map(str, path)): kind for path, kind in found.changes.items()}, bool(found.replace)


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        ("v1/Namespace", "metadata.name"),
        ("v1/ConfigMap", "metadata.namespace"),
        ("lab.example/v1/Thing", "metadata.name"),
        ("v1/ConfigMap", "data.a"),
        ("v1/ConfigMap", "binaryData.a"),
        ("v1/Secret", "data.a"),
        ("v1/Secret", "stringData.a"),
        ("v1/Secret", "type"),
        ("v1/Service", "spec.clusterIP"),
        ("apps/v1/Deployment", "spec.selector.matchLabels.app"),
        ("apps/v1/DaemonSet", "spec.selector.matchLabels.app"),
        ("apps/v1/StatefulSet", "spec.serviceName"),
        ("batch/v1/Job", "spec.template.spec.restartPolicy"),
        ("v1/Pod", "spec.nodeName"),
        ("v1/PersistentVolumeClaim", "spec.storageClassName"),
        ("rbac.authorization.k8s.io/v1/RoleBinding", "roleRef.name"),
        ("storage.k8s.io/v1/StorageClass", "provisioner"),
    ],
)
def test_a_change_of_this_field_replaces(kind: str, path: str) -> None:
    assert verdict(kind, at(path, "one"), at(path, "two")) == ({path: "update"}, True)


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        ("v1/Namespace", "metadata.labels.a"),
        ("v1/ConfigMap", "metadata.labels.a"),
        ("v1/Service", "spec.type"),
        ("v1/ServiceAccount", "metadata.annotations.a"),
        ("apps/v1/Deployment", "spec.replicas"),
        ("apps/v1/StatefulSet", "spec.replicas"),
        ("lab.example/v1/Thing", "spec.selector.app"),
        ("v1/PersistentVolumeClaim", "spec.resources.requests.storage"),
        ("rbac.authorization.k8s.io/v1/Role", "rules.a"),
    ],
)
def test_a_change_of_this_field_updates(kind: str, path: str) -> None:
    assert verdict(kind, at(path, "one"), at(path, "two")) == ({path: "update"}, False)


def at(path: str, value: Any) -> Object:
    for step in reversed(path.split(".")):
        value = {step: value}
    found: Object = value
    return found


def test_mutable_config_maps_and_secrets_update_unless_they_are_immutable() -> None:
    old, new = at("data.a", "one"), at("data.a", "two")
    assert not verdict("v1/ConfigMap", old, new, mutable_config_maps=True)[1]
    assert not verdict("v1/Secret", old, new, mutable_secrets=True)[1]
    fixed = {"immutable": True}
    assert verdict("v1/ConfigMap", {**old, **fixed}, {**new, **fixed}, mutable_config_maps=True)[1]
    assert verdict("v1/Secret", {**old, **fixed}, {**new, **fixed}, mutable_secrets=True)[1]


def test_a_container_of_a_pod_is_found_inside_its_list() -> None:
    old, new = ({"spec": {"containers": [{"name": "c", "image": image}]}} for image in ("one", "two"))
    assert verdict("v1/Pod", old, new) == ({"spec.containers.0.image": "update"}, True)


def test_an_added_object_that_holds_a_replacing_field_replaces() -> None:
    assert verdict("apps/v1/Deployment", {}, at("spec.selector.matchLabels.app", "a"))[1]


def test_metadata_that_goes_away_as_a_whole_replaces() -> None:
    assert verdict("v1/Namespace", at("metadata.name", "a"), {})[1]


def test_the_same_quantity_in_another_spelling_is_no_change() -> None:
    old, new = (
        {"spec": {"limits": {"cpu": cpu, "memory": memory}}} for cpu, memory in (("500m", "1Gi"), ("0.5", "1024Mi"))
    )
    assert verdict("v1/Thing", old, new) == ({}, False)
    assert verdict("v1/Thing", {"spec": {"name": "500m"}}, {"spec": {"name": "0.5"}})[0]


@pytest.mark.parametrize(("text", "value"), [("500m", "0.5"), ("1Gi", "1073741824"), ("1e3", "1000"), (2, "2")])
def test_quantities_are_read_as_kubernetes_does(text: str | int, value: str) -> None:
    assert str(quantity(text)).rstrip("0").rstrip(".") in {value, value.rstrip("0")} or quantity(text) == quantity(
        value
    )


@pytest.mark.parametrize("text", ["", "abc", "1..2", "."])
def test_what_is_no_quantity_is_none(text: str) -> None:
    assert quantity(text) is None


@pytest.mark.parametrize("empty", ["", False, [], {}, 0, None])
def test_an_empty_value_that_the_server_leaves_out_is_no_change(empty: Any) -> None:
    assert verdict("apps/v1/Deployment", {"spec": {}}, {"spec": {"a": empty}}) == ({}, False)


def test_a_custom_resource_may_hold_empty_values() -> None:
    found = difference({"spec": {}}, {"spec": {"a": ""}}, force_new=(), zero_is_absent=False)
    assert found.changes == {("spec", "a"): "add"}


def test_an_unknown_value_is_a_change() -> None:
    assert verdict("v1/ConfigMap", at("data.a", "one"), {"data": {"a": UNKNOWN}}) == ({"data.a": "update"}, True)


def test_one_and_true_differ() -> None:
    assert verdict("v1/Thing", {"a": 1}, {"a": True})[0] == {"a": "update"}


def test_what_the_server_added_is_cut_off_before_comparing() -> None:
    live = {"spec": {"ports": [{"port": 80, "nodePort": 30000}], "clusterIP": "10.43.0.9"}, "status": {}}
    assert pruned(live, {"spec": {"ports": [{"port": 80}]}}) == {"spec": {"ports": [{"port": 80}]}}


def test_clear_text_of_a_secret_is_the_same_as_its_data() -> None:
    head = {"apiVersion": "v1", "kind": "Secret"}
    assert normalized({**head, "stringData": {"a": "b"}}) == {**head, "data": {"a": "Yg=="}}
    assert normalized({**head, "data": {"a": "Yg==\n"}}) == {**head, "data": {"a": "Yg=="}}


def test_a_secret_in_a_list_hides_the_list_and_all_data_of_a_secret_is_hidden() -> None:
    assert secrets_of({"spec": {}}, {("spec", "args", 0)}) == {("spec", "args")}
    assert secrets_of({"kind": "Secret", "data": {"a": "b"}}, ()) == {("data",)}


def test_secrets_are_taken_out_of_messages() -> None:
    hidden = secret_strings({"values": {"password": "hunter22", "n": 1}}, {("values",)})
    assert redact("bad value hunter22 for a", hidden) == "bad value [secret] for a"


def test_dashes_of_a_definition_survive_the_engine() -> None:
    schema = {"x-kubernetes-preserve-unknown-fields": True, "items": [{"x-kubernetes-list-type": "map"}]}
    assert for_server(for_engine(schema)) == schema
    assert "x_kubernetes_preserve_unknown_fields" in for_engine(schema)
