"""What k3d and kind say, and what follows from it."""

import json
from typing import Any

import pytest

from domain import k3d, kind


def _k3d(name: str = "mesh-exp", labels: dict[str, str] | None = None, **change: Any) -> dict[str, Any]:
    """An entry of `k3d cluster list -o json`, k3d 5.9, shortened."""
    nodes = [
        {
            "name": f"k3d-{name}-server-0",
            "role": "server",
            "image": "docker.io/rancher/k3s:v1.34.4-k3s1",
            "created": "2026-11-21T17:00:00.000000000Z",
            "runtimeLabels": {"k3d.cluster": name, "k3d.cluster.token": "very-secret", **(labels or {})},
            "Networks": ["mesh-exp"],
            "State": {"Running": True, "Status": "running", "Started": ""},
        },
        {"name": f"k3d-{name}-serverlb", "role": "loadbalancer", "runtimeLabels": None},
    ]
    entry: dict[str, Any] = {
        "name": name,
        "network": {"name": "mesh-exp", "id": "0815", "isExternal": True, "ipam": {}, "Members": None},
        "nodes": nodes,
        "InitNode": None,
        "serversRunning": 1,
        "serversCount": 1,
        "agentsRunning": 0,
        "agentsCount": 0,
        "hasLoadbalancer": True,
    }
    return {**entry, **change}


def _found(**change: Any) -> k3d.K3dCluster | None:
    return k3d.named(k3d.clusters(json.dumps([_k3d("other"), _k3d(**change)])), "mesh-exp")


_OURS = {k3d.MARK: "0123456789abcdef", k3d.MADE: "20261121T180000Z"}


def test_a_cluster_says_who_made_it_and_when() -> None:
    found = _found(labels=_OURS)
    assert found
    assert (found.mark, found.made, found.network) == ("0123456789abcdef", "20261121T180000Z", "mesh-exp")
    assert "very-secret" not in repr(found)


def test_no_cluster_is_none() -> None:
    assert k3d.clusters("[]") == []
    assert k3d.named([], "mesh-exp") is None
    assert not k3d.problems(None, name="mesh-exp", network="mesh-exp", mark=None, adopt=False)


@pytest.mark.parametrize(
    "text", ["", "FATA[0000] Cannot connect to the Docker daemon", '{"name": 1}', "[1]", '[{"name": "a"}]']
)
def test_an_answer_that_is_no_list_of_clusters_is_an_error_that_names_the_command(text: str) -> None:
    with pytest.raises(ValueError, match="k3d cluster list"):
        k3d.clusters(text)


def test_the_labels_are_such_that_k3d_takes_and_shows_them() -> None:
    for label in (k3d.MARK, k3d.MADE):
        assert label.startswith("k3d")
        assert not label.startswith(("k3d.", "k3s."))


@pytest.mark.parametrize("mark", [None, "fedcba9876543210"])
def test_a_cluster_of_somebody_else_is_refused_with_the_ways_out(mark: str | None) -> None:
    problems = k3d.problems(_found(), name="mesh-exp", network="mesh-exp", mark=mark, adopt=False)
    assert [problem.key for problem in problems] == ["cluster.name"]
    assert all(way in problems[0].fix for way in ("cluster.adopt: true", "another name", "k3d cluster delete mesh-exp"))


def test_whose_a_marked_cluster_is_waits_for_the_mark_of_this_stack() -> None:
    found = _found(labels=_OURS)
    asked = {"name": "mesh-exp", "network": "mesh-exp", "adopt": False}
    assert not k3d.problems(found, mark=None, **asked)  # type: ignore[arg-type]
    assert not k3d.problems(found, mark=_OURS[k3d.MARK], **asked)  # type: ignore[arg-type]
    assert k3d.problems(found, mark="fedcba9876543210", **asked)  # type: ignore[arg-type]


def test_a_cluster_that_is_used_has_to_be_in_the_network_of_the_lab() -> None:
    (problem,) = k3d.problems(_found(), name="mesh-exp", network="lab", mark="1", adopt=True)
    assert problem.key == "cluster.network"
    assert "cluster.network: mesh-exp" in problem.fix
    assert not k3d.problems(_found(), name="mesh-exp", network="mesh-exp", mark="1", adopt=True)


def test_a_cluster_that_is_stopped_says_how_to_start_it() -> None:
    stopped = _found(labels=_OURS, serversRunning=0)
    (problem,) = k3d.problems(stopped, name="mesh-exp", network="mesh-exp", mark=_OURS[k3d.MARK], adopt=False)
    assert problem.fix == "`k3d cluster start mesh-exp`"


def test_the_kubeconfig_is_what_follows_the_line_that_begins_it() -> None:
    assert k3d.kubeconfig("---\napiVersion: v1\n") == "apiVersion: v1\n"
    assert k3d.kubeconfig("apiVersion: v1\n") == "apiVersion: v1\n"


def test_versions_are_read_and_anything_else_is_an_error() -> None:
    assert k3d.version("k3d version v5.9.0\nk3s version v1.32.5-k3s1 (default)\n") == "5.9.0"
    assert kind.version("kind v0.31.0 go1.25.5 linux/amd64\n") == "0.31.0"
    for read in (k3d.version, kind.version):
        with pytest.raises(ValueError, match="version"):
            read("command not found")


def test_kind_is_told_of_both_families_and_whose_the_cluster_is() -> None:
    told = json.loads(
        kind.config(
            pod_cidrs=["fd00:10:1::/64", "10.10.1.0/24"],
            service_cidrs=["fd00:10:2::/112", "10.10.2.0/24"],
            mark="0123456789abcdef",
            made="20261121T180000Z",
        )
    )
    assert told["networking"] == {
        "ipFamily": "dual",
        "podSubnet": "fd00:10:1::/64,10.10.1.0/24",
        "serviceSubnet": "fd00:10:2::/112,10.10.2.0/24",
    }
    assert told["nodes"][0]["labels"] == {kind.MARK: "0123456789abcdef", kind.MADE: "20261121T180000Z"}


def test_the_node_of_kind_says_whose_the_cluster_is() -> None:
    assert kind.cluster("") is None
    node = {"metadata": {"name": "sma-dual-control-plane", "labels": {kind.MARK: "1", kind.MADE: "2"}}}
    assert kind.cluster(json.dumps({"items": [node]})) == kind.KindCluster(mark="1", made="2")
    foreign = kind.cluster(json.dumps({"items": [{"metadata": {"name": "x"}}]}))
    assert foreign == kind.KindCluster(mark="", made="")
    (problem,) = kind.problems(foreign, name="sma-dual", mark=None, adopt=False)
    assert "kind delete cluster --name sma-dual" in problem.fix
    assert not kind.problems(foreign, name="sma-dual", mark=None, adopt=True)
    with pytest.raises(ValueError, match="kubectl get nodes"):
        kind.cluster("The connection to the server was refused")
