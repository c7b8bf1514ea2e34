"""Configuration that explains itself: every mistake at once, with key, value, expectation and fix."""

import json
from pathlib import Path
from typing import Any

import asyncssh
import pytest
import yaml
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from settings import InvalidSettings, Settings, load
from tests.conftest import Issue

SOURCE = "stacks/Pulumi.twin.yaml"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "kubeconfig").write_text("{}")
    return tmp_path


def _raw(**keys: Any) -> dict[str, str]:
    values: dict[str, Any] = {"lab": "twin", "cluster": {"kubeconfig": "kubeconfig"}}
    values |= {name.replace("_", "-"): value for name, value in keys.items()}
    return {key: value if isinstance(value, str) else json.dumps(value) for key, value in values.items()}


def _load(project: Path, secret: set[str] | None = None, **keys: Any) -> Settings:
    return load(_raw(**keys), secret or set(), source=SOURCE, project=project)


def _refused(project: Path, secret: set[str] | None = None, **keys: Any) -> str:
    with pytest.raises(InvalidSettings) as caught:
        _load(project, secret, **keys)
    return str(caught.value)


def test_a_lab_needs_only_its_name_and_a_cluster(project: Path) -> None:
    assert _load(project).linkerd.version.startswith("edge-")


def test_an_unknown_key_is_named_with_the_one_that_was_meant(project: Path) -> None:
    text = _refused(project, trust={"issuer-dayz": 3}, linkered={})
    assert "mesh-expansion:trust.issuer-dayz: no such key" in text
    assert "did you mean 'issuer-days'?" in text
    assert "did you mean 'linkerd'?" in text


def test_a_wrong_type_is_shown_with_its_value_and_an_example(project: Path) -> None:
    text = _refused(project, trust={"issuer-days": "ninety"})
    assert 'trust.issuer-days: "ninety"' in text
    assert "expected: a whole number" in text
    assert "for example `issuer-days: 365`" in text


def test_all_mistakes_are_listed_at_once(project: Path) -> None:
    text = _refused(
        project,
        trust={"issuer-days": 9000},
        linkerd={"version": "edge-24.1.1"},
        workloads=[{"name": "Smiley", "addresses": ["10.42.0.9"]}],
    )
    assert text.startswith("5 problems in stacks/Pulumi.twin.yaml; nothing was changed.")
    for key in ("trust.issuer-days", "linkerd.version", "workloads[0].name", "workloads[0].addresses"):
        assert f"mesh-expansion:{key}: " in text


def test_an_issuer_must_not_outlive_its_trust_anchor(project: Path) -> None:
    text = _refused(project, trust={"root-days": 30, "issuer-days": 30})
    assert "30 days, while a trust anchor lives 30 days" in text
    assert "set trust.issuer-days below 30" in text


def test_the_signing_generation_must_be_trusted_first(project: Path) -> None:
    assert "generation 2 is not among trust.roots [1]" in _refused(project, trust={"issuing-root": 2})


@pytest.mark.parametrize(
    ("version", "answer"),
    [
        ("edge-24.2.4", "edge-24.2.5 or later"),
        ("edge-25.11.2", "edge-25.11.3 or later"),
        ("stable-2.14.0", "an edge release"),
        ("edge-25.13.1", "an edge release"),
    ],
)
def test_a_linkerd_that_cannot_work_is_refused_with_the_reason(project: Path, version: str, answer: str) -> None:
    text = _refused(project, linkerd={"version": version})
    assert version in text
    assert answer in text


@pytest.mark.parametrize("version", ["edge-24.2.5", "edge-25.11.3", "edge-26.8.3"])
def test_a_linkerd_at_the_edges_of_the_ranges_is_accepted(project: Path, version: str) -> None:
    assert _load(project, linkerd={"version": version}).linkerd.version == version


@pytest.mark.parametrize(
    ("linkerd", "gateway", "fits"),
    [
        ("edge-26.8.2", "1.5.1", True),
        ("edge-26.8.1", "1.5.1", False),
        ("edge-26.6.3", "1.2.0", False),
        ("edge-25.11.3", "1.2.1", True),
        ("edge-25.11.3", "1.3.0", False),
    ],
)
def test_a_gateway_api_out_of_linkerds_range_is_refused(
    project: Path, linkerd: str, gateway: str, *, fits: bool
) -> None:
    keys: dict[str, Any] = {"linkerd": {"version": linkerd}, "gateway_api": {"version": gateway}}
    if fits:
        assert _load(project, None, **keys).gateway_api.version == gateway
    else:
        assert f"gateway-api.version: {gateway}, with Linkerd {linkerd}" in _refused(project, None, **keys)


def test_a_kubeconfig_that_is_not_there_names_the_command_that_makes_it(project: Path) -> None:
    text = _refused(project, cluster={"kubeconfig": "nowhere"})
    assert "no file at 'nowhere'" in text
    assert "make twin" in text


@pytest.mark.parametrize(
    "name", ["smiley.", "smi_ley", "smi ley", "Smiley", "-smiley", "smiley-", "1smiley", "s" * 64, "smi/ley"]
)
def test_a_name_that_is_no_dns_label_is_refused(project: Path, name: str) -> None:
    text = _refused(project, workloads=[{"name": name, "addresses": ["192.0.2.1"]}])
    assert f"workloads[0].name: {name!r}\n    expected: a DNS label" in text


def test_a_name_may_be_as_long_as_a_dns_label_may_be(project: Path) -> None:
    machine = {"name": f"s{'-' * 61}y", "addresses": ["192.0.2.1"]}
    assert len(_load(project, workloads=[machine]).workloads[0].name) == 63


def test_two_workloads_may_share_neither_name_nor_address(project: Path) -> None:
    machine = {"name": "smiley", "addresses": ["192.0.2.1"]}
    text = _refused(project, workloads=[machine, machine])
    assert "workloads[1].name: 'smiley' is the name of workloads[0] too" in text
    assert "192.0.2.1 is the address of workload 'smiley' too" in text


def test_a_workload_has_at_most_one_address_of_each_family(project: Path) -> None:
    workload = {"name": "smiley", "addresses": ["192.0.2.1", "2001:db8::1"]}
    assert len(_load(project, workloads=[workload]).workloads[0].addresses) == 2
    workload["addresses"] = ["192.0.2.1", "192.0.2.2"]
    assert "two addresses of family IPv4" in _refused(project, workloads=[workload])


def test_an_address_that_the_cluster_hands_out_is_refused(project: Path) -> None:
    text = _refused(project, workloads=[{"name": "smiley", "addresses": ["10.43.0.10"]}])
    assert "10.43.0.10 lies inside the cluster's service range 10.43.0.0/16" in text


def test_a_part_on_the_edge_needs_a_workload_behind_its_service(project: Path) -> None:
    text = _refused(project, faces={"on-edge": ["smiley"]})
    assert "smiley is to run on the edge, but no workload stands behind its Service" in text


@pytest.mark.parametrize("backends", [{"smiley": 0}, {"smiley": -1, "color": 2}, {"smiley": 2_000_000}])
def test_weights_that_make_no_sense_are_refused(project: Path, backends: dict[str, int]) -> None:
    route = {"name": "smiley-route", "service": "smiley", "backends": backends}
    assert "routes[0].backends" in _refused(project, routes=[route])


def test_a_route_to_a_service_that_the_lab_lacks_lists_those_it_has(project: Path) -> None:
    route = {"name": "smiley-route", "service": "smiley", "backends": {"smiley": 1, "smiley2": 1}}
    assert "'smiley2' is no Service of this lab" in _refused(project, routes=[route])
    assert _load(project, routes=[route], faces={"second": ["smiley2"]}).routes[0].name == "smiley-route"


def test_an_unknown_generation_of_the_faces_chart_is_refused(project: Path) -> None:
    assert "faces.chart-version: '3.0.0'" in _refused(project, faces={"chart-version": "3.0.0"})


def test_certificates_of_ones_own_need_a_secret_key(project: Path, issue: Issue) -> None:
    anchor = issue("root", days=100)
    issuer = issue("issuer", by=anchor)
    own = {"own": {"anchors": anchor.pem, "issuer": issuer.pem}}
    assert "trust-issuer-key: it is not set, but trust.own is" in _refused(project, trust=own)
    plain = _refused(project, trust=own, trust_issuer_key=issuer.key_pem)
    assert "a secret in plain text" in plain
    assert issuer.key_pem.splitlines()[1] not in plain
    assert _load(project, {"trust-issuer-key"}, trust=own, trust_issuer_key=issuer.key_pem).trust.own


def test_a_key_without_its_certificates_is_refused(project: Path) -> None:
    text = _refused(project, {"trust-issuer-key"}, trust_issuer_key="hunter2")
    assert "it is set, but trust.own is not" in text
    assert "hunter2" not in text


def test_the_value_of_an_encrypted_key_is_never_shown(project: Path) -> None:
    text = _refused(project, {"trust"}, trust={"issuer-days": "hunter2", "own": 3})
    assert "trust.issuer-days" in text
    assert "hunter2" not in text


def test_the_example_of_the_twin_is_accepted(project: Path) -> None:
    example = Path(__file__).parents[2] / "stacks" / "examples" / "Pulumi.twin.yaml"
    config = yaml.safe_load(example.read_text())["config"]
    raw = {
        key.removeprefix("mesh-expansion:"): value if isinstance(value, str) else json.dumps(value)
        for key, value in config.items()
    }
    public = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode()
    known = "".join(f"{workload['addresses'][0]} {public}" for workload in config["mesh-expansion:workloads"])
    twin = project / ".lab" / "twin"
    for directory in ("devices", "parts"):
        (twin / directory).mkdir(parents=True)
    for name in (
        "kubeconfig",
        "devices/client_ed25519",
        "parts/linkerd2-proxy",
        "parts/spire-agent",
        "parts/workload.tar",
    ):
        (twin / name).touch()
    (twin / "devices" / "known_hosts").write_text(known)
    assert load(raw, set(), source=SOURCE, project=project).lab == "twin"


_SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20)
_VALUES = st.recursive(
    _SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3)
)
_KEYS = [field.alias or name for name, field in Settings.model_fields.items()]
_NESTED = [
    "kubeconfig", "roots", "issuing-root", "issuer-days", "own", "anchors", "version", "mirror", "chart-version",
    "on-edge", "second", "name", "addresses", "service", "backends", "port",
]  # fmt: skip
_GUESSES = st.dictionaries(st.sampled_from(_NESTED), _VALUES, max_size=4)


@given(st.dictionaries(st.sampled_from(_KEYS), _VALUES | _GUESSES | st.lists(_GUESSES, max_size=2), max_size=6))
@hypothesis_settings(max_examples=300, deadline=None, database=None)
def test_no_configuration_whatever_ends_in_a_traceback(values: dict[str, Any]) -> None:
    raw = {key: value if isinstance(value, str) else json.dumps(value) for key, value in values.items()}
    try:
        load({"lab": "twin", **raw}, set(), source=SOURCE, project=Path("/nowhere"))
    except InvalidSettings as refusal:
        assert "mesh-expansion:" in str(refusal)
