"""Who may call whom: what rules allow, what becomes of them in the cluster, and what may not be written."""

from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest

from domain.access import Access, Caller, Mode, Rule, Target
from settings import InvalidSettings, Settings
from settings.access import access
from tests.unit.stack_files import load_lab, make_project

FACE, DEFAULT = Caller.account("face"), Caller.account("default")
SMILEY, COLOR = Caller.workload("smiley"), Caller.workload("color")
NOBODY = Caller.unmeshed()


def _access(*rules: Rule, mode: Mode = "enforce", outside: tuple[str, ...] = ("smiley", "color")) -> Access:
    targets = [Target(service=name, outside=True, labels={"service": name}) for name in ("smiley", "color")]
    inside = Target(service="face", outside=False, labels={"service": "face"})
    return Access(rules=rules, targets=[*targets, inside], outside=outside, mode=mode)


def test_nobody_may_call_what_no_rule_names_and_anybody_what_is_not_judged() -> None:
    found = _access(Rule(name="one", to=("color",), workloads=("smiley",)))
    assert found.allows(SMILEY, "color")
    for caller, service in (SMILEY, "smiley"), (COLOR, "color"), (FACE, "color"), (NOBODY, "color"), (SMILEY, "face"):
        assert not found.allows(caller, service), (caller, service)
    assert found.allows(NOBODY, "smiley2")


def test_everybody_on_the_mesh_is_dns_names_by_a_star_and_spiffe_ids_one_by_one() -> None:
    found = _access(Rule(name="all", to=("color",), meshed=True))
    assert found.identities(found.rules[0]) == [
        "*",
        "spiffe://root.linkerd.cluster.local/color",
        "spiffe://root.linkerd.cluster.local/smiley",
    ]
    for caller in FACE, DEFAULT, SMILEY:
        assert found.allows(caller, "color")
    assert not found.allows(NOBODY, "color")
    assert not found.allows(Caller.workload("stranger"), "color")


def test_a_service_account_is_one_of_faces_namespace() -> None:
    found = _access(Rule(name="face", to=("color",), service_accounts=("face",)))
    assert found.identities(found.rules[0]) == ["face.faces.serviceaccount.identity.linkerd.cluster.local"]
    assert found.allows(FACE, "color")
    assert not found.allows(DEFAULT, "color")
    assert not found.allows(Caller.account("face", "elsewhere"), "color")


@pytest.mark.parametrize(
    ("network", "caller", "allowed"),
    [
        ("192.0.2.0/24", Caller.unmeshed(ip_address("192.0.2.9")), True),
        ("192.0.2.0/24", Caller.unmeshed(ip_address("192.0.3.9")), False),
        ("192.0.2.0/24", Caller.unmeshed(ip_address("2001:db8::1")), False),
        ("192.0.2.0/24", NOBODY, False),
        ("0.0.0.0/0", NOBODY, True),
        # A network asks for no identity, so one does no harm either.
        ("192.0.2.0/24", Caller.account("other", address=ip_address("192.0.2.9")), True),
    ],
)
def test_a_network_lets_in_whoever_calls_from_it(network: str, caller: Caller, allowed: bool) -> None:
    found = _access(Rule(name="lan", to=("color",), networks=(ip_network(network),)))
    assert found.allows(caller, "color") is allowed


def test_only_enforce_refuses_and_the_mode_changes_no_rule() -> None:
    found = {mode: _access(Rule(name="one", to=("color",), workloads=("smiley",)), mode=mode) for mode in _MODES}
    assert {mode: (rules.allows(NOBODY, "color"), rules.answers(NOBODY, "color")) for mode, rules in found.items()} == {
        "off": (False, True),
        "audit": (False, True),
        "enforce": (False, False),
    }
    assert {rules.access_policy for rules in found.values()} == {"all-unauthenticated", "audit", "deny"}


_MODES: tuple[Mode, ...] = ("off", "audit", "enforce")


def test_a_workload_that_is_gone_may_call_nothing() -> None:
    rules = Rule(name="one", to=("color",), workloads=("smiley",)), Rule(name="all", to=("face",), meshed=True)
    found = _access(*rules, outside=("color",))
    assert not found.allows(SMILEY, "color")
    assert not found.allows(SMILEY, "face")
    assert [grant.name for grant in found.grants] == ["all-cluster-face"], "an empty list of identities is refused"


def test_identities_and_networks_of_a_rule_are_one_authorization_each_since_a_policy_asks_for_all_it_names() -> None:
    lan = (ip_network("192.0.2.0/24"),)
    found = _access(Rule(name="both", to=("smiley", "face"), workloads=("color",), networks=lan))
    assert [grant.name for grant in found.grants] == [
        "both-smiley",
        "both-smiley-networks",
        "both-cluster-face",
        "both-cluster-face-networks",
    ]


def test_a_thousand_workloads_of_three_services_are_a_handful_of_objects() -> None:
    targets = [Target(service=name, outside=True, labels={"service": name}) for name in ("a", "b", "c")]
    outside = [f"pi-{number}" for number in range(1000)]
    found = Access(rules=[Rule(name="all", to=("a", "b", "c"), meshed=True)], targets=targets, outside=outside)
    assert len(found.grants) == 3
    assert len(found.identities(found.rules[0])) == 1001
    assert len(found.ready_routes) == 1


def test_no_route_has_more_parents_than_the_gateway_api_takes() -> None:
    targets = [Target(service=f"s{number:02}", outside=True, labels={}) for number in range(70)]
    found = Access(rules=[], targets=targets, outside=[]).ready_routes
    assert [(name, len(servers)) for name, servers in found.items()] == [
        ("edge-ready", 32),
        ("edge-ready-2", 32),
        ("edge-ready-3", 6),
    ]
    assert [name for servers in found.values() for name in servers] == [target.name for target in targets]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return make_project(tmp_path)


def _rule(name: str = "rule", to: Any = ("smiley",), **callers: Any) -> dict[str, Any]:
    return {"name": name, "from": {key.replace("_", "-"): value for key, value in callers.items()}, "to": list(to)}


def _load(project: Path, *rules: Any, lab: str = "k3d-lab", **policy: Any) -> Settings:
    return load_lab(lab, project, policy={**policy, "access": list(rules)})


def _refused(project: Path, *rules: Any) -> str:
    with pytest.raises(InvalidSettings) as caught:
        _load(project, *rules)
    return str(caught.value)


def test_without_a_word_everybody_on_the_mesh_may_call_what_is_outside_and_pods_are_not_judged(project: Path) -> None:
    found = access(load_lab("k3d-lab", project, policy=None))
    for caller in DEFAULT, SMILEY, COLOR:
        assert found.allows(caller, "smiley")
    assert not found.answers(NOBODY, "color")
    assert found.answers(NOBODY, "face")
    assert [target.name for target in found.targets] == ["edge-color", "edge-smiley"]


def test_a_lab_that_brings_up_no_machine_judges_nothing_until_policy_says_something_about_access(project: Path) -> None:
    policies: list[Any] = [None, {"default-inbound": "deny"}, {"mode": "audit"}, {"access": []}]
    found = [access(load_lab("dual-stack", project, policy=policy)).targets for policy in policies]
    both = ["edge-color", "edge-smiley"]
    assert [[target.name for target in targets] for targets in found] == [[], [], both, both]


def test_an_empty_list_of_rules_is_nobody(project: Path) -> None:
    found = access(_load(project))
    assert not any(found.allows(caller, "smiley") for caller in (DEFAULT, FACE, SMILEY, NOBODY))


def test_pods_are_judged_as_soon_as_a_rule_names_their_service_by_the_labels_that_the_chart_selects_by(
    project: Path,
) -> None:
    (inside,) = [
        target for target in access(_load(project, _rule(to=["face"], meshed=True))).targets if not target.outside
    ]
    assert inside.name == "cluster-face"
    assert inside.labels["faces.buoyant.io/component"] == "face"


def test_a_part_on_the_edge_has_no_pods_to_judge_and_one_that_is_not_has_both(project: Path) -> None:
    def names(on_edge: list[str]) -> list[str]:
        asked = {"access": [_rule(meshed=True)]}
        found = access(load_lab("k3d-lab", project, policy=asked, faces={"on-edge": on_edge}, routes=None))
        return [target.name for target in found.targets if target.service == "smiley"]

    assert names(["smiley"]) == ["edge-smiley"]
    assert names([]) == ["edge-smiley", "cluster-smiley"]


def test_a_name_that_the_lab_lacks_is_told_with_the_one_that_was_meant(project: Path) -> None:
    text = _refused(project, _rule(to=["smily"], service_accounts=["fase"], workloads=["colour"]))
    for place, meant in (("to[0]", "smiley"), ("from.service-accounts[0]", "face"), ("from.workloads[0]", "color")):
        start = text.index(f"mesh-expansion:policy.access[0].{place}: ")
        assert f"did you mean '{meant}'?" in text[start:].split("\n")[2], place


def test_a_target_of_a_part_that_the_lab_leaves_out_is_refused(project: Path) -> None:
    assert "policy.access[0].to[0]: 'color2' is no Service of this lab" in _refused(
        project, _rule(to=["color2"], meshed=True)
    )


def test_a_part_on_the_edge_is_no_service_account_and_the_answer_says_where_it_is_named(project: Path) -> None:
    text = _refused(project, _rule(service_accounts=["smiley"]))
    assert "policy.access[0].from.service-accounts[0]: 'smiley' runs on the edge (faces.on-edge)" in text
    assert "under `workloads`" in text


@pytest.mark.parametrize(
    ("rule", "answer"),
    [
        (_rule(), "policy.access[0].from: nobody"),
        (_rule(to=[], meshed=True), "policy.access[0].to: nothing"),
        (_rule(meshed=True, workloads=["smiley"]), "policy.access[0].from.meshed: true, and beside it"),
        (_rule(meshed=True, service_accounts=["face"]), "policy.access[0].from.meshed: true, and beside it"),
        (_rule(name="Face calls", meshed=True), "policy.access[0].name: 'Face calls'"),
        (_rule(name="x" * 64, meshed=True), "policy.access[0].name: "),
        (_rule(networks=["192.0.2.1/24"]), "policy.access[0].from.networks[0]: "),
        (_rule(networks=["192.0.2.0"]), "policy.access[0].from.networks[0]: "),
        (_rule(networks=[3]), "policy.access[0].from.networks[0]: "),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_rule_that_makes_no_sense_is_refused_with_its_key(project: Path, rule: dict[str, Any], answer: str) -> None:
    assert f"mesh-expansion:{answer}" in _refused(project, rule)


def test_networks_beside_everybody_on_the_mesh_say_more(project: Path) -> None:
    found = access(_load(project, _rule(meshed=True, networks=["192.0.2.0/24"])))
    assert found.allows(Caller.unmeshed(ip_address("192.0.2.1")), "smiley")


def test_all_mistakes_of_all_rules_are_told_at_once(project: Path) -> None:
    text = _refused(project, _rule(to=[]), _rule(name="rule", workloads=["nobody"]), _rule(name="", meshed=True))
    places = [
        "[0].from: ",
        "[0].to: ",
        "[1].name: 'rule' is the name of policy.access[0]",
        "[1].from.workloads",
        "[2].name: ''",
    ]
    for place in places:
        assert f"policy.access{place}" in text, place


def test_two_rules_whose_objects_would_have_one_name_are_refused(project: Path) -> None:
    workloads = [
        {"name": name, "addresses": [f"172.30.0.{number}"], "container": {}}
        for number, name in enumerate(("smiley", "color", "calls-color"), 41)
    ]
    rules = [_rule("a-calls", ["color"], meshed=True), _rule("a", ["calls-color"], meshed=True)]
    with pytest.raises(InvalidSettings, match=r"policy\.access\[1\]\.name: 'a-calls-color', .* one of rule 'a-calls'"):
        load_lab("k3d-lab", project, workloads=workloads, policy={"access": rules}, edge={"image": "x"})


def test_no_rule_and_no_service_takes_a_name_of_what_lets_the_prober_in(project: Path) -> None:
    assert "policy.access[0].name: 'edge-anyone'" in _refused(project, _rule("edge-anyone", networks=["192.0.2.0/24"]))
    workloads = [
        {"name": name, "addresses": [f"172.30.0.{number}"], "container": {}}
        for number, name in enumerate(("smiley", "color", "ready"), 41)
    ]
    with pytest.raises(InvalidSettings, match=r"mesh-expansion:workloads: a Service 'ready'"):
        load_lab("k3d-lab", project, workloads=workloads, policy=None, edge={"image": "x"})


def test_faces_own_calls_that_a_rule_forgets_are_known_by_the_account_that_a_part_then_runs_as(project: Path) -> None:
    calls = [("face", "smiley"), ("face", "color"), ("faces-gui", "face")]

    def refused(*rules: Any, **policy: Any) -> list[tuple[str, str]]:
        return access(_load(project, *rules, **policy)).refused(calls)

    assert refused(_rule(to=["smiley"], service_accounts=["face"])) == [("face", "color")]
    assert refused(_rule(to=["smiley", "color"], service_accounts=["default"])) == []
    # As soon as one rule says `face`, its pods are no longer among the others.
    others = _rule("others", to=["smiley", "color"], service_accounts=["default"])
    assert refused(others, _rule(to=["smiley"], service_accounts=["face"])) == [("face", "color")]
    assert refused(_rule(to=["face"], workloads=["smiley"]), mode="enforce") == [*calls]
    assert refused(_rule(to=["face"], workloads=["smiley"]), mode="audit") == []
