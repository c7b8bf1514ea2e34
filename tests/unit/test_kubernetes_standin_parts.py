"""Names, ownership of fields, release recovery, files of manifests and configuration of the kubernetes stand-in."""

import json
from pathlib import Path
from typing import Any

import pytest

from lab.standins.base.errors import InvalidInputs, ProviderError
from lab.standins.base.values import UNKNOWN, Asset
from lab.standins.kubernetes import config, release_inputs, yamls
from lab.standins.kubernetes.apply import taken_over
from lab.standins.kubernetes.checks import problems_of
from lab.standins.kubernetes.discovery import Discovery
from lab.standins.kubernetes.errors import ApiError, NoSuchKind
from lab.standins.kubernetes.kubeconfig import chosen, read
from lab.standins.kubernetes.manifest import AUTONAMED, Kind, is_patch, kind_of_type, name_of
from lab.standins.kubernetes.naming import adopt_name, name_new
from lab.standins.kubernetes.recovery import Plan, Revision, Step, plan
from lab.standins.kubernetes.release import resource_names


def test_an_unnamed_object_gets_a_name_and_keeps_it() -> None:
    obj: dict[str, Any] = {"metadata": {}}
    name_new(obj, "web", b"seed")
    assert name_of(obj).startswith("web-")
    assert len(name_of(obj)) == len("web-") + 8
    assert obj["metadata"]["annotations"] == {AUTONAMED: "true"}
    later: dict[str, Any] = {"metadata": {}}
    adopt_name(later, obj)
    assert name_of(later) == name_of(obj)


def test_a_name_that_is_not_known_yet_is_left_alone() -> None:
    obj: dict[str, Any] = {"metadata": {"name": UNKNOWN}}
    name_new(obj, "web", b"seed")
    assert obj == {"metadata": {"name": UNKNOWN}}


def test_types_tell_kinds_and_patches() -> None:
    assert kind_of_type("kubernetes:core/v1:Service") == Kind("", "v1", "Service")
    assert kind_of_type("kubernetes:apps/v1:Deployment").api_version == "apps/v1"
    assert is_patch("kubernetes:core/v1:ServicePatch", "Service")
    assert not is_patch("kubernetes:lab.example/v1:DogPatch", "DogPatch")
    with pytest.raises(ValueError, match="not of the form"):
        kind_of_type("kubernetes:index:Provider")


def test_the_creator_s_fields_become_those_of_the_applier() -> None:
    created = {"manager": "pulumi-kubernetes", "operation": "Update", "fieldsV1": {"f:spec": {"f:a": {}}}}
    other = {"manager": "kwok", "operation": "Update", "subresource": "status", "fieldsV1": {"f:status": {}}}
    mine = {"manager": "me", "operation": "Apply", "fieldsV1": {"f:spec": {"f:b": {}}}}
    assert taken_over([created, other], "me") == [{**created, "manager": "me", "operation": "Apply"}, other]
    assert taken_over([created, mine], "me") == [{**mine, "fieldsV1": {"f:spec": {"f:a": {}, "f:b": {}}}}]
    assert taken_over([other], "me") == [other]


@pytest.mark.parametrize(
    ("statuses", "in_state", "expected"),
    [
        ([], False, Plan(Step.INSTALL)),
        (["deployed"], True, Plan(Step.UPGRADE, "deployed")),
        (["failed"], True, Plan(Step.UPGRADE, "failed")),
        (["deployed"], False, Plan(Step.FOREIGN, "deployed")),
        (["pending-install"], False, Plan(Step.REINSTALL, "pending-install")),
        (["uninstalling"], True, Plan(Step.REINSTALL, "uninstalling")),
        (["superseded", "deployed", "pending-upgrade"], True, Plan(Step.ROLL_BACK, "pending-upgrade", 2)),
        (["superseded", "failed", "pending-rollback"], True, Plan(Step.ROLL_BACK, "pending-rollback", 1)),
        (["failed", "pending-upgrade"], True, Plan(Step.REINSTALL, "pending-upgrade")),
    ],
)
def test_what_is_left_of_a_release_decides_what_to_do(statuses: list[str], in_state: bool, expected: Plan) -> None:
    known = [Revision(number, status) for number, status in enumerate(statuses, start=1)]
    assert plan(known, owner="me", in_state=in_state) == expected


def test_a_release_that_this_resource_made_before_a_kill_is_taken_up() -> None:
    assert plan([Revision(1, "deployed", "me")], owner="me", in_state=False).step is Step.UPGRADE
    assert plan([Revision(1, "deployed", "you")], owner="me", in_state=False, take_any=True).step is Step.UPGRADE


def test_value_files_are_merged_below_the_values() -> None:
    files = [Asset("text", "{a: {x: 1, y: 1}, b: 1}"), Asset("text", "{a: {y: 2}}")]
    found = release_inputs.settled({"chart": "c", "values": {"b": 3}, "valueYamlFiles": files}, namespace="n")
    given = {name: value for name, value in found.items() if value not in (False, "")}
    assert given == {"chart": "c", "namespace": "n", "timeout": 300, "values": {"a": {"x": 1, "y": 2}, "b": 3}}


def test_switches_that_a_program_leaves_out_are_kept_as_the_official_plugin_keeps_them() -> None:
    found = release_inputs.settled({"chart": "c", "atomic": True}, namespace="n")
    assert (found["atomic"], found["waitForJobs"], found["description"]) == (True, False, "")
    assert "takeOwnership" not in found


def test_what_helm_s_command_line_cannot_do_is_refused() -> None:
    with pytest.raises(InvalidInputs, match="lint"):
        release_inputs.settled({"chart": "c", "lint": True}, namespace="n")


def test_flags_follow_the_inputs() -> None:
    inputs = {
        "chart": "c",
        "atomic": True,
        "timeout": 7,
        "waitForJobs": True,
        "createNamespace": True,
        "cleanupOnFail": True,
    }
    assert release_inputs.install_flags(inputs) == [
        "--atomic",
        "--wait",
        "--wait-for-jobs",
        "--timeout=7s",
        "--create-namespace",
    ]
    assert "--cleanup-on-fail" in release_inputs.upgrade_flags(inputs)
    assert "--wait" not in release_inputs.install_flags({"skipAwait": True})


def test_names_of_a_manifest_are_grouped_by_kind() -> None:
    manifest = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: d, namespace: n}
---
# nothing
---
{apiVersion: v1, kind: Service, metadata: {name: b}}
---
{apiVersion: v1, kind: Service, metadata: {name: a}}
"""
    assert resource_names(manifest) == {"Deployment.apps/apps/v1": ["n/d"], "Service/v1": ["a", "b"]}


def test_dates_of_a_manifest_stay_text() -> None:
    (found,) = yamls.parse("{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, data: {when: 2020-01-01}}", "x")
    assert found["data"] == {"when": "2020-01-01"}


@pytest.mark.parametrize("text", ["[1]", "{kind: A}", "a: [", "{apiVersion: v1, kind: ConfigMap}"])
def test_a_manifest_that_is_none_is_an_error_that_names_its_source(text: str) -> None:
    with pytest.raises(ProviderError, match="here"):
        yamls.parse(text, "here")


def named(kind: str, name: str, namespace: str = "", api_version: str = "v1", **more: Any) -> dict[str, Any]:
    metadata = {"name": name, **({"namespace": namespace} if namespace else {}), **more.pop("metadata", {})}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **more}


def test_definitions_and_namespaces_come_before_what_needs_them() -> None:
    definition = named(
        "CustomResourceDefinition",
        "x",
        api_version="apiextensions.k8s.io/v1",
        spec={"group": "g", "names": {"kind": "K"}},
    )
    objects = [named("K", "k", "n", "g/v1"), named("ConfigMap", "c", "n"), named("Namespace", "n"), definition]
    assert [each.after for each in yamls.plan(objects)] == [[2, 3], [2], [], []]


def test_objects_that_wait_for_each_other_are_an_error() -> None:
    def waiting(name: str, other: str) -> dict[str, Any]:
        return named("ConfigMap", name, metadata={"annotations": {yamls.DEPENDS_ON: f"/ConfigMap/{other}"}})

    with pytest.raises(ProviderError, match="circle"):
        yamls.plan([waiting("a", "b"), waiting("b", "a")])


def test_a_kind_is_asked_for_again_until_its_definition_is_there() -> None:
    answers: list[Any] = [
        ApiError(404, "NotFound", "no"),
        {"resources": [{"name": "things", "kind": "Thing", "namespaced": False}]},
    ]

    def get(_: str) -> Any:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    discovery, kind = Discovery(get), Kind("lab.example", "v1", "Thing")
    with pytest.raises(NoSuchKind, match="CustomResourceDefinition"):
        discovery.find(kind)
    assert discovery.find(kind).plural == "things"
    assert not discovery.namespaced(kind)


def test_the_scope_of_a_planned_definition_is_known() -> None:
    def get(_: str) -> Any:
        raise ApiError(404, "NotFound", "no")

    discovery = Discovery(get)
    discovery.plan({"spec": {"group": "g", "scope": "Cluster", "names": {"kind": "K"}}})
    assert not discovery.namespaced(Kind("g", "v1", "K"))
    assert discovery.namespaced(Kind("g", "v1", "Other"))


def kubeconfig(server: str, name: str = "c") -> str:
    return json.dumps(
        {
            "clusters": [{"name": name, "cluster": {"server": server}}],
            "users": [{"name": "u", "user": {"token": "t"}}],
            "contexts": [{"name": "x", "context": {"cluster": name, "user": "u"}}],
            "current-context": "x",
        }
    )


@pytest.mark.parametrize(
    ("old", "new", "replaces"),
    [
        ({"kubeconfig": kubeconfig("https://a")}, {"kubeconfig": kubeconfig("https://b")}, True),
        ({"kubeconfig": kubeconfig("https://a")}, {"kubeconfig": kubeconfig("https://a", "d")}, False),
        ({"kubeconfig": kubeconfig("https://a")}, {"kubeconfig": UNKNOWN}, True),
        ({"clusterIdentifier": "1"}, {"clusterIdentifier": "2"}, True),
        ({"namespace": "a"}, {"namespace": "b"}, False),
        (
            {"clusterIdentifier": "1", "kubeconfig": kubeconfig("https://a")},
            {"clusterIdentifier": "1", "kubeconfig": kubeconfig("https://b")},
            False,
        ),
    ],
)
def test_only_another_cluster_replaces(old: dict[str, Any], new: dict[str, Any], replaces: bool) -> None:
    assert bool(config.diff(old, new).replace) is replaces


@pytest.mark.parametrize(
    "wrong", [{"enableServerSideApply": False}, {"renderYamlToDirectory": "x"}, {"kubeconfig": "no-such-file"}]
)
def test_settings_that_cannot_be_honoured_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidInputs):
        config.check(wrong)


def test_a_kubeconfig_is_a_path_or_its_content(tmp_path: Path) -> None:
    path = tmp_path / "kubeconfig"
    path.write_text(kubeconfig("https://a"))
    assert read(str(path)) == read(kubeconfig("https://a"))
    with pytest.raises(ProviderError, match="has no context 'other'"):
        chosen(read(str(path)), "other", None)


@pytest.mark.parametrize(
    ("metadata", "named_problem"),
    [
        ({"name": 1}, "metadata.name"),
        ({"generateName": "a-"}, "metadata.generateName"),
        ({"annotations": {"pulumi.com/timeoutSeconds": "soon"}}, "timeoutSeconds"),
        ({"annotations": {"pulumi.com/deletionPropagationPolicy": "never"}}, "deletionPropagationPolicy"),
        ("x", "metadata"),
    ],
)
def test_steering_that_cannot_be_followed_is_named(metadata: Any, named_problem: str) -> None:
    (problem,) = problems_of({"metadata": metadata}, patch=False)
    assert named_problem in problem.property
