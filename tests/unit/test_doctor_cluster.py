"""What `lab doctor` says of a cluster, by a kubectl that answers as it is told."""

import asyncio
import base64
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from domain import nodes
from lab.doctor import cluster, made_cluster
from lab.doctor.context import Context
from lab.doctor.finding import Finding, Status
from lab.doctor.once import Once
from lab.doctor.state import State
from settings.cluster import K3dClusterSettings
from tests.conftest import Issue
from tests.unit.doctor_fixtures import context_of, findings, node, node_list, one, program

SERVER = "https://192.0.2.10:6443"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LAB_HOME", str(tmp_path / "lab"))
    _kubeconfig(tmp_path)
    return tmp_path


def _kubeconfig(project: Path, **user: Any) -> None:
    document = {
        "current-context": "c",
        "contexts": [{"name": "c", "context": {"cluster": "k", "user": "u"}}],
        "clusters": [{"name": "k", "cluster": {"server": SERVER}}],
        "users": [{"name": "u", "user": user}],
    }
    (project / "kubeconfig").write_text(yaml.safe_dump(document))


def _answers(project: Path, **answers: str) -> None:
    """A kubectl that prints the file that is called as the last part of the path is."""
    given = {"version": '{"gitVersion": "v1.34.4"}', "nodes": node_list(node()), "kubernetes": _service("10.43.0.1")}
    for name, text in {**given, **answers}.items():
        (project / f"answer-{name}").write_text(text)
    program(
        project / "lab" / "bin",
        "kubectl",
        f'for last; do :; done; echo "$@" >>{project}/asked; while IFS= read -r line || [ -n "$line" ]; do echo "$line"; done '
        f"<{project}/answer-${{last##*/}}",
    )


def _service(address: str) -> str:
    return json.dumps({"spec": {"clusterIP": address}})


def _check(project: Path, **keys: Any) -> list[Finding]:
    context = context_of(project, **keys)
    kubectl = cluster.brought(context.settings, project)
    asked = Context(**{**context.__dict__, "nodes": Once(lambda: cluster.find_nodes(kubectl))})
    return findings(cluster.check(asked))


def test_a_cluster_that_answers_and_fits_is_well_and_only_read(project: Path) -> None:
    _answers(project)
    found = _check(project)
    assert {finding.check: finding.status for finding in found} == {
        "cluster.kubeconfig": Status.OK,
        "cluster.reach": Status.OK,
        "cluster.ranges": Status.OK,
    }
    assert "Kubernetes v1.34.4" in found[1].cause
    for line in (project / "asked").read_text().splitlines():
        assert " get --raw /" in line


@pytest.mark.parametrize(
    ("says", "words"),
    [
        ("The connection to the server was refused: dial tcp: connect: connection refused", "nothing listens at"),
        ("dial tcp: lookup pi-0.local: no such host", "no address is known for"),
        ("net/http: request canceled (Client.Timeout exceeded while awaiting headers)", "does not answer"),
        ("dial tcp 192.0.2.10:6443: connect: no route to host", "has no way to"),
        ("x509: certificate has expired or is not yet valid", "is not valid now"),
        ("x509: certificate signed by unknown authority", "is another cluster than the kubeconfig's"),
        ("error: You must be logged in to the server (Unauthorized)", "does not let the kubeconfig's user in"),
        ('exec: executable aws not found: "aws"', "from a program that is not here"),
        ("something else", "something else"),
    ],
)
def test_a_cluster_that_does_not_answer_says_why_and_what_to_type(project: Path, says: str, words: str) -> None:
    program(project / "lab" / "bin", "kubectl", f"echo '{says}' >&2; exit 1")
    _, found = _check(project)
    assert (found.check, found.status) == ("cluster.reach", Status.FAILED)
    assert words in found.cause
    assert (SERVER in found.cause) == ("exec" not in says)
    assert found.next == f"kubectl --kubeconfig {project / 'kubeconfig'} get nodes"


def test_nodes_whose_pods_lie_elsewhere_than_the_stack_file_says_are_named(project: Path) -> None:
    _answers(
        project, nodes=node_list(node(), node("n1", "192.0.2.11", "10.244.1.0/24")), kubernetes=_service("10.96.0.1")
    )
    ranges = {
        finding.subject: finding
        for finding in _check(project)
        if finding.check == "cluster.ranges" and finding.status is Status.FAILED
    }
    assert ranges.keys() == {"node n1", "cluster"}
    assert "10.244.1.0/24, outside of 10.42.0.0/16" in ranges["node n1"].cause
    assert "cluster.pod-cidr" in ranges["node n1"].next
    assert "cluster.service-cidr" in ranges["cluster"].next


def test_a_cluster_without_a_node_is_no_cluster(project: Path) -> None:
    _answers(project, nodes=node_list())
    assert [finding.check for finding in _check(project) if finding.status is Status.FAILED] == ["cluster.nodes"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"context": "other"}, "no context 'other'; there are: c"),
        ({}, "no kubeconfig"),
        ({}, "cannot be read"),
        ({}, "names a cluster that is not in it"),
    ],
)
def test_a_kubeconfig_that_is_no_use_says_why(project: Path, change: dict[str, str], words: str) -> None:
    file = project / "kubeconfig"
    if words == "no kubeconfig":
        file.write_text("- a")
    elif words == "cannot be read":
        file.write_text("a: [")
    elif "cluster" in words:
        file.write_text(file.read_text().replace("server:", "sever:"))
    found = _check(project, cluster={"kubeconfig": "kubeconfig", **change})[0]
    assert (found.check, found.status) == ("cluster.kubeconfig", Status.FAILED)
    assert words in found.cause
    assert found.next.endswith("config get-contexts")


@pytest.mark.parametrize(("days", "status"), [(0, Status.FAILED), (10, Status.WARNING), (100, Status.OK)])
def test_the_end_of_a_kubeconfigs_certificate_is_said_in_time(
    project: Path, issue: Issue, days: int, status: Status
) -> None:
    client = issue("admin", authority=False, days=days + 1)
    _kubeconfig(project, **{"client-certificate-data": base64.b64encode(client.pem.encode()).decode()})
    _answers(project)
    assert _check(project)[0].status is status


def test_a_lab_that_up_starts_is_not_asked(project: Path) -> None:
    context = context_of(project, waits="the twin does not run; `make up` starts it")
    found = one(cluster.check(context))
    assert (found.status, found.next) == (Status.NOT_CHECKED, "make up")


def test_what_kubectl_cannot_say_of_nodes_is_no_node(project: Path) -> None:
    for text in ("", "{", '{"items": []}', '{"items": [{}]}'):
        _answers(project, nodes=text)
        context = context_of(project)
        found = asyncio.run(cluster.find_nodes(cluster.brought(context.settings, project)))
        assert found is None
    _answers(project)
    found = asyncio.run(cluster.find_nodes(cluster.brought(context.settings, project)))
    assert found == nodes.parse(node_list(node()))


@pytest.mark.parametrize(
    ("told", "address"),
    [
        ({"host": "192.0.2.9"}, "192.0.2.9"),
        ({"host": "pi-0.local", "address": "192.0.2.9"}, "192.0.2.9"),
        ({"host": "pi-0.local"}, None),
    ],
)
def test_the_node_of_a_cluster_that_is_not_there_yet_is_its_machine(
    project: Path, told: dict[str, str], address: str | None
) -> None:
    context = context_of(project, lab="pi-lab", cluster={**told, "host-key": "ssh-ed25519 AAAA"})
    found = asyncio.run(cluster.expected_nodes(context.settings, None))
    if address is None:
        assert found is None
    else:
        assert found is not None
        assert [str(known) for known in found[0].addresses] == [address]


def _k3d(**changes: Any) -> str:
    cluster = {
        "name": "mesh-exp",
        "network": {"name": "mesh-exp"},
        "serversCount": 1,
        "serversRunning": 1,
        "agentsCount": 0,
        "agentsRunning": 0,
        "nodes": [{"runtimeLabels": {"k3d-mesh-expansion-lab": "mark"}}],
        **changes,
    }
    return json.dumps([cluster])


@pytest.mark.parametrize(
    ("listed", "mark", "adopt", "failing"),
    [
        ("[]", None, False, []),
        (_k3d(), "mark", False, []),
        (_k3d(nodes=[]), None, False, ["k3d cluster delete mesh-exp"]),
        (_k3d(nodes=[]), None, True, []),
        (_k3d(serversRunning=0), "mark", False, ["k3d cluster start mesh-exp"]),
        (_k3d(), "another", False, ["k3d cluster delete mesh-exp"]),
    ],
)
def test_a_k3d_cluster_of_that_name_is_this_stacks_own_or_refused(
    project: Path, listed: str, mark: str | None, adopt: bool, failing: list[str]
) -> None:
    (project / "listed").write_text(listed)
    program(
        project / "lab" / "bin",
        "k3d",
        f'while IFS= read -r line || [ -n "$line" ]; do echo "$line"; done <{project}/listed',
    )
    context = context_of(project, lab="k3d-lab", state=State(mark=mark), cluster={"adopt": adopt})
    assert isinstance(context.settings.cluster, K3dClusterSettings)
    found = findings(made_cluster.check_k3d(context, context.settings.cluster))
    failed = [finding.next for finding in found if finding.status is Status.FAILED]
    assert len(failed) == len(failing)
    assert all(words in text for words, text in zip(failing, failed, strict=True))
    if not failing:
        assert [finding.status for finding in found] == [Status.OK]
