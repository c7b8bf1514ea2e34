"""What `lab picture` draws of a stack file, before anything is there."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from lab.picture import sources
from lab.picture.difference import compare, words
from lab.picture.graph import Graph, Mark, Node
from lab.picture.grouping import grouped
from lab.picture.mermaid import mermaid
from lab.picture.svg import svg
from tests.unit.stack_files import VALID, document

_ROUTE = {"name": "smiley-route", "service": "smiley", "backends": {"smiley": 80, "smiley2": 20}}


def graph_of(directory: Path, lab: str = "twin", name: str = "twin", **changed: Any) -> Graph:
    """The graph of a lab's stack file with one route and some keys changed."""
    config = {
        "lab": lab,
        **VALID[lab],
        "routes": [_ROUTE],
        "policy": {},
        "services": [],
        **{key.replace("_", "-"): value for key, value in changed.items()},
    }
    file = directory / f"Pulumi.{name}.yaml"
    file.write_text(yaml.safe_dump(document(config)))
    return sources.of_file(str(file))


def _devices(number: int, **more: Any) -> list[dict[str, Any]]:
    return [
        {"name": f"pi-{index}", "service": "smiley", "addresses": [f"192.168.1.{index}"], "device": {}, **more}
        for index in range(1, number + 1)
    ]


def _lines(graph: Graph, key: str) -> tuple[str, ...]:
    node = graph.by_key[key]
    return (*node.lines, *node.own)


def _arrows(graph: Graph) -> dict[tuple[str, str], str]:
    return {(edge.source.rpartition("/")[2], edge.target.rpartition("/")[2]): edge.label for edge in graph.edges}


def test_a_route_leads_to_its_backends_with_their_shares_and_services_to_their_machines(tmp_path: Path) -> None:
    arrows = _arrows(graph_of(tmp_path))
    assert arrows["face", "smiley-route"] == ""
    assert arrows["smiley-route", "smiley"] == "80 %"
    assert arrows["smiley-route", "smiley2"] == "20 %"
    assert ("smiley", "smiley") in arrows
    assert ("color", "color-1") in arrows


def test_a_machine_stands_where_it_is_with_its_addresses_and_what_is_its_own(tmp_path: Path) -> None:
    graph = graph_of(tmp_path)
    assert graph.by_key["machine/smiley"].place == "outside/device"
    assert _lines(graph, "machine/smiley") == ("arm64", "192.168.1.21")
    assert "COLOR=green" in _lines(graph, "machine/color-1")
    containers = graph_of(tmp_path, "k3d-lab")
    assert containers.by_key["machine/color"].place == "outside/container"
    assert graph_of(tmp_path, "dual-stack").by_key["machine/color"].place == "outside/registered"


def test_nothing_leads_to_a_machine_that_was_given_up(tmp_path: Path) -> None:
    workloads = _devices(2)
    workloads[0]["device"] = {"gone": True}
    graph = graph_of(tmp_path, workloads=workloads)
    assert "given up (gone)" in _lines(graph, "machine/pi-1")
    assert [edge.target for edge in graph.edges if edge.kind == "reaches"] == ["machine/pi-2"]


def test_a_trust_anchor_signs_what_the_stack_file_says(tmp_path: Path) -> None:
    signed = {edge.source: edge.target for edge in graph_of(tmp_path).edges if edge.kind == "signs"}
    assert set(signed) == {"anchor/trust anchor 2"}
    assert "issuer 3, 365 days" in _lines(graph_of(tmp_path), "plane/linkerd")


def test_who_may_call_whom_is_there_and_a_call_that_is_refused_says_so(tmp_path: Path) -> None:
    rule = {
        "name": "known",
        "from": {"workloads": ["smiley"], "networks": ["192.0.2.0/24"], "service-accounts": ["face"]},
        "to": ["color"],
    }
    graph = graph_of(tmp_path, policy={"access": [rule]})
    assert _lines(graph, "access/known") == (
        "access for",
        "service account face",
        "workload smiley",
        "network 192.0.2.0/24",
    )
    allowed = [(edge.source, edge.target) for edge in graph.edges if edge.kind == "allows"]
    assert allowed == [("access/known", "service/faces/color")]
    refused = [(edge.source, edge.target) for edge in graph.edges if edge.kind == "refused"]
    assert refused == [("service/faces/face", "route/smiley-route")]
    audited = graph_of(tmp_path, policy={"mode": "audit", "access": [rule]})
    assert not [edge for edge in audited.edges if edge.kind == "refused"]


@pytest.mark.parametrize(
    ("policy", "said"),
    [
        ({}, "everybody on the mesh may call them"),
        ({"access": []}, "access rules are enforced, and nobody may call them"),
        ({"mode": "off"}, "access rules are off: whoever reaches them may call"),
    ],
)
def test_without_rules_it_is_said_who_may_call(tmp_path: Path, policy: dict[str, Any], said: str) -> None:
    graph = graph_of(tmp_path, policy=policy)
    assert said in next(place for place in graph.places if place.key == "outside").lines


def test_applications_beside_faces_have_frames_of_their_own(tmp_path: Path) -> None:
    graph = graph_of(tmp_path, emojivoto={}, emissary={})
    arrows = _arrows(graph)
    assert ("vote-bot", "web") in arrows
    assert ("emissary-ingress", "faces-gui") in arrows
    titles = [place.title for place in graph.places]
    assert titles.index("namespace emissary, not meshed") < titles.index("namespace faces, meshed")


def test_a_mistake_elsewhere_in_the_file_keeps_nobody_from_looking_but_one_in_what_is_drawn_does(
    tmp_path: Path,
) -> None:
    graph_of(tmp_path, ssh={"private-key-file": "not-there"})
    with pytest.raises(sources.SourceError, match="no such key"):
        graph_of(tmp_path, workloads=[{"nome": "smiley"}])


def test_encrypted_values_are_not_drawn(tmp_path: Path) -> None:
    graph = graph_of(tmp_path, trust_issuer_key={"secure": "v1:cGxhaW4=:c2VjcmV0"}, trust={"own": _own()})
    drawn = mermaid(graph) + svg(graph)
    assert "c2VjcmV0" not in drawn


def _own() -> dict[str, str]:
    return {"anchors": "anchors", "issuer": "issuer"}


def test_fifty_equal_devices_are_drawn_as_one_and_three_are_not(tmp_path: Path) -> None:
    many = [node for node in grouped(graph_of(tmp_path, workloads=_devices(50))).nodes if node.kind == "device"]
    assert [(node.title, node.count) for node in many] == [("pi-1 … pi-50", 50)]
    assert "50 devices" in many[0].lines
    assert many[0].own == ("192.168.1.1 … 192.168.1.50",)
    few = [node for node in grouped(graph_of(tmp_path, workloads=_devices(3))).nodes if node.kind == "device"]
    assert [node.title for node in few] == ["pi-1", "pi-2", "pi-3"]


def test_a_device_that_differs_in_anything_is_drawn_for_itself(tmp_path: Path) -> None:
    workloads = _devices(9)
    workloads[4]["environment"] = {"SMILEY": "HeartEyes"}
    drawn = grouped(graph_of(tmp_path, workloads=workloads))
    titles = [node.title for node in drawn.nodes if node.kind == "device"]
    assert titles == ["pi-1 … pi-9", "pi-5"]
    assert {node.count for node in drawn.nodes if node.kind == "device"} == {8, 1}


def test_devices_with_a_service_each_are_drawn_as_one_with_their_services(tmp_path: Path) -> None:
    workloads = [
        {"name": f"sensor-{index}", "addresses": [f"192.168.1.{index}"], "device": {}} for index in range(1, 51)
    ]
    drawn = grouped(graph_of(tmp_path, workloads=workloads, faces={}, routes=[]))
    outside = [node for node in drawn.nodes if node.kind in ("device", "service")]
    assert [node.title for node in outside] == ["sensor-1 … sensor-50"] * 2
    assert len([edge for edge in drawn.edges if edge.kind == "reaches"]) == 1


def test_the_same_file_gives_the_same_bytes(tmp_path: Path) -> None:
    first, second = (grouped(graph_of(tmp_path, workloads=_devices(12))) for _ in range(2))
    assert mermaid(first) == mermaid(second)
    assert svg(first) == svg(second)


def _changed(tmp_path: Path) -> Graph:
    before = graph_of(tmp_path, workloads=_devices(12))
    workloads = [*_devices(12)[1:], {"name": "new", "service": "smiley", "addresses": ["192.168.1.99"], "device": {}}]
    workloads[0]["addresses"] = ["192.168.1.222"]
    route = {"name": "smiley-route", "service": "smiley", "backends": {"smiley": 60, "smiley2": 40}}
    return compare(before, graph_of(tmp_path, workloads=workloads, routes=[route]))


def test_a_difference_says_of_everything_what_became_of_it(tmp_path: Path) -> None:
    graph = _changed(tmp_path)
    marks = {node.title: node.mark for node in graph.nodes if node.mark}
    assert marks == {"pi-1": Mark.REMOVED, "pi-2": Mark.CHANGED, "new": Mark.ADDED}
    assert "was: 192.168.1.2" in graph.by_key["machine/pi-2"].lines
    assert _arrows(graph)["smiley-route", "smiley"] == "80 % → 60 %"
    told = "\n".join(words(graph))
    assert "- removed: pi-1" in told
    assert "≠ changed: smiley-route → smiley2 (20 % → 40 %)" in told


def test_what_is_marked_is_not_hidden_in_a_group(tmp_path: Path) -> None:
    titles = {node.title: node.mark for node in grouped(_changed(tmp_path)).nodes if node.kind == "device"}
    assert titles == {
        "pi-1": Mark.REMOVED,
        "pi-2": Mark.CHANGED,
        "pi-3 … pi-12": Mark.SAME,
        "new": Mark.ADDED,
    }


def test_marks_are_words_and_forms_and_not_colours_alone(tmp_path: Path) -> None:
    graph = grouped(_changed(tmp_path))
    for text in (mermaid(graph), svg(graph)):
        assert "+ added" in text
        assert "- removed" in text
        assert "≠ changed" in text
        assert "stroke-dasharray" in text


def test_nothing_differs_between_a_file_and_itself(tmp_path: Path) -> None:
    graph = compare(graph_of(tmp_path), graph_of(tmp_path))
    assert not graph.marked
    assert words(graph) == []


def test_a_call_that_is_refused_from_now_on_is_one_change_of_that_call(tmp_path: Path) -> None:
    graph = compare(graph_of(tmp_path), graph_of(tmp_path, policy={"access": []}))
    assert _arrows(graph)["face", "smiley-route"] == "let through → ✗ refused"


def test_a_node_of_one_lab_and_of_another_keep_their_names(tmp_path: Path) -> None:
    nodes: list[Node] = list(compare(graph_of(tmp_path), graph_of(tmp_path, "k3d-lab")).nodes)
    assert len({node.key for node in nodes}) == len(nodes)
    assert next(node for node in nodes if node.key == "machine/smiley").mark is Mark.CHANGED
