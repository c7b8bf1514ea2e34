"""What the program declares for a cluster that it makes itself, and what it refuses."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pulumi
import pulumi_kubernetes as k8s
import pytest
from pulumi.runtime.mocks import MockCallArgs, MockResourceArgs

from components.chart import ChartSource
from components.cluster.cluster import Cluster
from components.cluster.k3d import K3dCluster, K3dClusterArgs
from components.cluster.kind import KindCluster, KindClusterArgs
from components.metallb import MetalLb, MetalLbArgs
from domain import k3d, nodes
from tests.components.conftest import NODES, Declare, Recording

_MARK = "0123456789abcdef"
_MADE = "20261121T180000Z"
_KUBECONFIG = "apiVersion: v1\n"


def _k3d(name: str, network: str, labels: dict[str, str]) -> dict[str, Any]:
    return {
        "name": name,
        "network": {"name": network},
        "nodes": [{"runtimeLabels": labels}],
        **{"serversCount": 1, "serversRunning": 1, "agentsCount": 0, "agentsRunning": 0},
    }


_OURS = _k3d("mesh-exp", "mesh-exp", {k3d.MARK: _MARK, k3d.MADE: _MADE})
_FOREIGN = _k3d("mesh-exp", "theirs", {})

Answering = Callable[[str], None]


@pytest.fixture
def answering(monkeypatch: pytest.MonkeyPatch) -> Iterator[Answering]:
    """Says what the tool's `found` script prints; the tools' other steps answer as they do when all is well."""
    found = ["[]"]
    new_resource = Recording.new_resource

    def call(_: Recording, args: MockCallArgs) -> tuple[dict[Any, Any], list[tuple[str, str]] | None]:
        is_found = "/found" in args.args["command"]
        return {**args.args, "stdout": found[-1] if is_found else json.dumps(NODES), "stderr": ""}, []

    def resource(self: Recording, args: MockResourceArgs) -> tuple[str | None, dict[Any, Any]]:
        id_, outputs = new_resource(self, args)
        if args.typ == "command:local:Command":
            outputs["stdout"] = {"cluster-mark": _MARK, "cluster-kubeconfig": f"---\n{_KUBECONFIG}"}.get(args.name, "")
        return id_, outputs

    monkeypatch.setattr(Recording, "call", call)
    monkeypatch.setattr(Recording, "new_resource", resource)
    yield found.append


def _program(component: Callable[[], Cluster]) -> dict[str, Any]:
    cluster = component()
    return {"routes": cluster.nodes().apply(nodes.routes), "kubeconfig": cluster.kubeconfig}


def test_a_k3d_cluster_has_three_steps_and_a_provider(declare: Declare, answering: Answering) -> None:
    answering(json.dumps([_OURS]))
    recording = declare(lambda: _program(lambda: K3dCluster("cluster", K3dClusterArgs(agents=2))))
    made, kubeconfig = recording.resources["cluster"], recording.resources["cluster-kubeconfig"]
    assert [made.inputs[step] for step in ("create", "update", "delete")] == [
        f"sh assets/cluster/k3d/{step}" for step in ("create", "update", "delete")
    ]
    told = made.inputs["environment"]
    assert told["CLUSTER_MARK"] == _MARK
    assert told["CLUSTER_MADE"] == _MADE, "a cluster that is there stays the one that it is"
    assert told["CLUSTER_K3S_ARGUMENTS"].split("\n")[-1] == "--disable=traefik,metrics-server@server:*"
    assert "2" not in made.inputs["triggers"], "agents come and go without a new cluster"
    assert told["CLUSTER_HTTP_PORT"] in made.inputs["triggers"]
    assert made.inputs["logging"] == "stderr"
    assert kubeconfig.inputs["logging"] == "none"
    assert "cluster" in kubeconfig.depends_on
    provider = recording.resources["cluster-provider"]
    assert provider.inputs["kubeconfig"] == _KUBECONFIG
    assert "kubeconfig" in provider.secret
    assert provider.inputs["deleteUnreachable"] == "true", "a lab can be destroyed after its cluster is gone"
    assert recording.exports["routes"] == {"10.42.0.0/24": "192.168.1.10", "10.42.1.0/24": "192.168.1.11"}


def _identity(recording: Recording) -> str:
    return str(recording.resources["cluster-provider"].inputs["clusterIdentifier"])


def test_what_makes_the_cluster_anew_makes_it_another_one_for_its_objects(
    declare: Declare, answering: Answering
) -> None:
    answering(json.dumps([_OURS]))

    def identity(**change: Any) -> str:
        return _identity(declare(lambda: _program(lambda: K3dCluster("cluster", K3dClusterArgs(**change)))))

    before = identity()
    assert identity() == before
    assert identity(agents=3) == before
    assert identity(image="another") != before
    answering("[]")
    assert identity() != before, "a cluster that is gone is made anew, and nothing is in it"


@pytest.mark.parametrize("found", [_FOREIGN, _k3d("mesh-exp", "mesh-exp", {k3d.MARK: "another"})])
def test_a_cluster_of_somebody_else_ends_the_program_with_the_ways_out(
    declare: Declare, answering: Answering, found: dict[str, Any]
) -> None:
    answering(json.dumps([found]))
    with pytest.raises(pulumi.RunError, match="this stack did not make") as refused:
        declare(lambda: _program(lambda: K3dCluster("cluster", K3dClusterArgs())))
    assert "cluster.adopt: true" in str(refused.value)


def test_a_cluster_that_is_adopted_is_used_only_in_the_network_of_the_lab(
    declare: Declare, answering: Answering
) -> None:
    answering(json.dumps([_FOREIGN]))
    with pytest.raises(pulumi.RunError, match=r"cluster\.network: theirs"):
        declare(lambda: _program(lambda: K3dCluster("cluster", K3dClusterArgs(adopt=True))))
    recording = declare(lambda: _program(lambda: K3dCluster("cluster", K3dClusterArgs(adopt=True, network="theirs"))))
    provider = recording.resources["cluster-provider"]
    assert provider.inputs["upsertExistingObjects"] == "false", "what is in somebody else's cluster is not taken over"


def test_a_kind_cluster_is_told_by_its_configuration_on_standard_input(declare: Declare, answering: Answering) -> None:
    answering("")
    recording = declare(lambda: _program(lambda: KindCluster("cluster", KindClusterArgs())))
    made = recording.resources["cluster"]
    told = json.loads(made.inputs["stdin"])
    assert told["networking"]["podSubnet"] == "fd00:10:1::/64,10.10.1.0/24"
    assert told["nodes"][0]["labels"]["mesh-expansion-lab/mark"] == _MARK
    assert made.inputs["stdin"] in made.inputs["triggers"], "what kind is told cannot be changed later"


def test_a_kind_cluster_of_somebody_else_ends_the_program(declare: Declare, answering: Answering) -> None:
    answering(json.dumps(NODES))
    with pytest.raises(pulumi.RunError, match="kind delete cluster --name sma-dual"):
        declare(lambda: _program(lambda: KindCluster("cluster", KindClusterArgs())))
    declare(lambda: _program(lambda: KindCluster("cluster", KindClusterArgs(adopt=True))))


def test_metallb_gets_its_pool_once_it_runs(declare: Declare) -> None:
    def program() -> dict[str, Any]:
        provider = k8s.Provider("provider", kubeconfig="{}")
        arguments = MetalLbArgs(charts=ChartSource("mirror"), addresses=["fd00::/112", "192.0.2.0/28"])
        MetalLb("metallb", arguments, pulumi.ResourceOptions(provider=provider))
        return {}

    recording = declare(program)
    pool, advertisement = recording.resources["metallb-pool"], recording.resources["metallb-advertisement"]
    assert pool.inputs["spec"] == {"addresses": ["fd00::/112", "192.0.2.0/28"]}
    assert "metallb-release" in pool.depends_on
    assert advertisement.inputs["spec"] == {"ipAddressPools": ["kind-pool"]}
    assert {"metallb"} <= recording.completed
