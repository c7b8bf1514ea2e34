"""Generated values of `policy`: whatever they say, the answer is rules or a list of mistakes with their keys."""

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from domain.workloads import is_label
from settings import InvalidSettings
from settings.access import access
from tests.unit.stack_files import load_lab, make_project

_PLACE = re.compile(r"^  mesh-expansion:policy\.access\[(\d+)\]\.(name|from|to)", re.MULTILINE)
_ODD: st.SearchStrategy[Any] = (
    st.none() | st.booleans() | st.integers() | st.text(max_size=6) | st.just({}) | st.just([])
)
_NAMES = st.sampled_from(
    ["face", "faces-gui", "default", "smiley", "color", "smiley2", "color2", "smily", "Face", "", "a b"]
)
_RANGES = st.sampled_from(["192.0.2.0/24", "2001:db8::/32", "0.0.0.0/0", "192.0.2.1/24", "192.0.2.0", "x", ""])
_SOURCES = st.fixed_dictionaries(
    {},
    optional={
        "service-accounts": st.lists(_NAMES, max_size=3),
        "workloads": st.lists(_NAMES, max_size=3),
        "networks": st.lists(_RANGES, max_size=2),
        "meshed": st.booleans(),
    },
)
_RULES = st.fixed_dictionaries(
    {
        "name": st.sampled_from(["one", "two", "edge", "edge-anyone", "One", "-", "x" * 64]) | st.text(max_size=4),
        "from": _SOURCES,
        "to": st.lists(_NAMES, max_size=3),
    }
)
_POLICIES = st.fixed_dictionaries(
    {},
    optional={
        "mode": st.sampled_from(["off", "audit", "enforce", "deny", ""]),
        "access": st.lists(_RULES, max_size=3),
        "default-inbound": st.sampled_from(["deny", "audit", "enforce"]),
    },
)
_QUICK = hypothesis_settings(
    phases=[Phase.explicit, Phase.generate],
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)

# What the lab k3d-lab of the tests' stack files has.
_ACCOUNTS, _OUTSIDE = {"default", "face", "faces-gui", "smiley2"}, {"smiley", "color"}
_SERVICES = {"face", "faces-gui", "smiley", "color", "smiley2"}
_GOOD_RANGES = {"192.0.2.0/24", "2001:db8::/32", "0.0.0.0/0"}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_project(tmp_path_factory.mktemp("project"))


def _is_good(rule: dict[str, Any], before: list[dict[str, Any]]) -> bool:
    """Said in other words than the program's."""
    callers = rule["from"]
    accounts, workloads = callers.get("service-accounts", []), callers.get("workloads", [])
    networks, meshed = callers.get("networks", []), callers.get("meshed", False)
    named = (
        is_label(rule["name"]) and rule["name"] != "edge-anyone" and rule["name"] not in [one["name"] for one in before]
    )
    known = set(accounts) <= _ACCOUNTS and set(workloads) <= _OUTSIDE and set(networks) <= _GOOD_RANGES
    somebody = bool(accounts or workloads or networks or meshed) and not (meshed and (accounts or workloads))
    return bool(named and known and somebody and rule["to"] and set(rule["to"]) <= _SERVICES)


@given(st.lists(_RULES, max_size=4))
@hypothesis_settings(_QUICK, max_examples=150)
def test_every_bad_rule_is_named_and_no_good_one(project: Path, rules: list[dict[str, Any]]) -> None:
    bad = {number for number, rule in enumerate(rules) if not _is_good(rule, rules[:number])}
    try:
        found = access(load_lab("k3d-lab", project, policy={"access": rules}))
    except InvalidSettings as refusal:
        # A range that is none is found before names are compared, so other mistakes come once it is mended.
        named = {int(match[1]) for match in _PLACE.finditer(str(refusal))}
        assert named <= bad
        assert named == bad or "networks[" in str(refusal)
        assert named
    else:
        assert not bad
        assert [rule.name for rule in found.rules] == [rule["name"] for rule in rules]


@given(
    _POLICIES | _ODD | st.dictionaries(st.sampled_from(["mode", "access", "default-inbound", "x"]), _ODD, max_size=3)
)
@hypothesis_settings(_QUICK, max_examples=150)
def test_no_policy_whatever_ends_in_a_traceback(project: Path, policy: Any) -> None:
    if policy is None:
        return
    try:
        found = load_lab("k3d-lab", project, policy=policy)
    except InvalidSettings as refusal:
        assert "mesh-expansion:policy" in str(refusal)
    else:
        assert found.policy.mode in ("off", "audit", "enforce")
