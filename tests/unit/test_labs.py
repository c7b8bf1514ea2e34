"""One model a lab: what each takes, what it refuses, and what is said about the cluster that it makes."""

from pathlib import Path
from typing import Any

import pytest
from pulumi.runtime import set_all_config

from settings import InvalidSettings, load, read_stack
from settings.labs import LABS
from settings.load import NAMESPACE
from tests.unit.stack_files import VALID, load_lab, make_project, stored

PEM = "-----BEGIN PRIVATE KEY-----\nMIIB-hunter2\n-----END PRIVATE KEY-----\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return make_project(tmp_path)


def _refused(of: str, project: Path, **changed: Any) -> str:
    with pytest.raises(InvalidSettings) as caught:
        load_lab(of, project, **changed)
    return str(caught.value)


@pytest.mark.parametrize("lab", LABS)
def test_a_stack_of_a_labs_name_needs_no_key_that_says_so(project: Path, lab: str) -> None:
    raw, _ = stored(VALID[lab])
    for given in ({}, {"lab": ""}):
        settings = load({**given, **raw}, set(), source="stack file", project=project, stack=lab)
        assert (settings.lab, type(settings)) == (lab, LABS[lab])


def test_the_key_wins_over_the_stacks_name(project: Path) -> None:
    raw, _ = stored(VALID["pi-lab"])
    assert load({"lab": "pi-lab", **raw}, set(), source="stack file", project=project, stack="twin").lab == "pi-lab"


@pytest.mark.parametrize("lab", [None, "", "k3d", "Twin"])
def test_an_unknown_lab_is_refused_with_the_list_of_labs_and_everything_else_that_is_wrong(
    project: Path, lab: str | None
) -> None:
    text = _refused("twin", project, lab=lab, linkerd={"version": "edge-24.1.1"}, trust={"issuer-dayz": 3})
    assert "expected: one of twin, k3d-lab, pi-lab, dual-stack" in text
    assert f"lab: {lab!r}" in text if lab else "lab: it is not set" in text
    assert "did you mean 'issuer-days'?" in text
    assert "linkerd.version: edge-24.1.1" in text
    assert text.startswith("3 problems")


@pytest.mark.parametrize("lab", ["k3d-lab", "dual-stack"])
def test_a_lab_that_makes_its_cluster_needs_to_say_nothing(project: Path, lab: str) -> None:
    assert load({"lab": lab}, set(), source="stack file", project=project).lab == lab


@pytest.mark.parametrize("lab", ["k3d-lab", "pi-lab", "dual-stack"])
def test_any_lab_takes_a_cluster_that_is_there(project: Path, lab: str) -> None:
    settings = load_lab(
        lab,
        project,
        cluster={"kubeconfig": "kubeconfig"},
        docker={"network": "n", "subnet": "172.30.0.0/24", "dns-address": "172.30.0.40"},
    )
    assert settings.cluster.pod_networks
    text = _refused(lab, project, cluster={"kubeconfig": "nowhere"})
    assert "cluster.kubeconfig: no file at 'nowhere'" in text


def test_keys_of_a_cluster_to_make_do_not_go_with_a_kubeconfig(project: Path) -> None:
    text = _refused("k3d-lab", project, cluster={"kubeconfig": "kubeconfig", "agents": 2})
    assert "cluster.agents: no such key" in text
    assert "cluster.(existing)" not in text


def test_a_lab_has_no_keys_of_another_labs_cluster(project: Path) -> None:
    assert "cluster.host: no such key" in _refused("k3d-lab", project, cluster={"host": "pi-0.local"})
    assert "cluster.host: it is not set" in _refused("pi-lab", project, cluster={})


def test_a_home_directory_in_a_path_is_found(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(project))
    settings = load_lab(
        "twin",
        Path("/nowhere"),
        cluster={"kubeconfig": "~/kubeconfig"},
        ssh=None,
        edge=None,
        workloads=[],
        routes=None,
        faces=None,
    )
    assert settings.cluster.model_dump()["kubeconfig"] == str(project / "kubeconfig")


def test_every_range_of_a_cluster_is_its_own(project: Path) -> None:
    text = _refused(
        "k3d-lab",
        project,
        cluster={"subnet": "10.43.7.0/24", "service-cidr": "10.42.0.0/24"},
        workloads=[],
        faces=None,
        routes=None,
    )
    assert "cluster.service-cidr: 10.42.0.0/24 overlaps with 10.42.0.0/16 of cluster.pod-cidr" in text
    ranges = {"pod-cidrs": ["fd00:10:1::/64", "10.10.1.0/24"], "service-cidrs": ["fd00:10:1::/112", "10.10.2.0/24"]}
    text = _refused("dual-stack", project, cluster=ranges)
    assert "cluster.service-cidrs: fd00:10:1::/112 overlaps with fd00:10:1::/64 of cluster.pod-cidrs" in text


@pytest.mark.parametrize("ranges", [["10.10.1.0/24"], ["10.10.1.0/24", "10.10.3.0/24"]])
def test_a_dual_stack_has_both_families(project: Path, ranges: list[str]) -> None:
    text = _refused("dual-stack", project, cluster={"pod-cidrs": ranges, "load-balancer-addresses": ["172.18.0.0/28"]})
    assert f"cluster.pod-cidrs: {' and '.join(ranges)}" in text
    assert "cluster.load-balancer-addresses: 172.18.0.0/28" in text


def test_an_address_inside_any_range_of_the_cluster_is_refused(project: Path) -> None:
    inside = {"name": "smiley", "addresses": ["10.10.1.9", "fd00:10:2::9"]}
    text = _refused("dual-stack", project, workloads=[inside], faces=None, routes=None)
    assert "10.10.1.9 lies inside the cluster's pod range 10.10.1.0/24" in text
    assert "fd00:10:2::9 lies inside the cluster's service range fd00:10:2::/112" in text


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("name", "Mesh_Exp"),
        ("name", "x" * 33),
        ("network", "-x"),
        ("subnet", "fd00::/64"),
        ("https-port", 80),
        ("http-port", 0),
        ("servers", 0),
        ("adopt", "yes"),
        ("pod-cidr", "10.42.0.1/16"),
        ("pod-cidr", 5),
    ],
)
def test_what_k3d_would_refuse_is_refused_before(project: Path, key: str, value: Any) -> None:
    cluster = {"subnet": "172.30.0.0/24", key: value}
    assert f"mesh-expansion:cluster.{key}: " in _refused(
        "k3d-lab", project, cluster=cluster, workloads=[], faces=None, routes=None
    )


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("version", "1.34.3", "a release of k3s"),
        ("version", "v1.33.1+k3s1", "sha256sum-ARCHITECTURE.txt"),
        ("artefact", "nowhere", "the k3s program"),
        ("host-key", "AAAA", "the machine's public host key"),
        ("host", "pi 0", "a host name or an address"),
        ("host", "pi-1.local", "so that nobody can stand in for the machine"),
        ("host", "192.168.1.21", "one machine for one workload"),
    ],
)
def test_what_k3s_needs_of_its_machine_is_said_in_the_preview(
    project: Path, key: str, value: str, expected: str
) -> None:
    assert expected in _refused("pi-lab", project, cluster={"host": "pi-0.local", key: value})


def test_another_release_of_k3s_comes_with_its_checksum(project: Path) -> None:
    other = {"host": "pi-0.local", "version": "v1.33.1+k3s1"}
    assert load_lab("pi-lab", project, cluster={**other, "sha256": {"arm64": "0" * 64}})
    assert load_lab("pi-lab", project, cluster={**other, "artefact": "parts/spire-agent"})


def test_the_machine_of_k3s_alone_needs_a_key_for_ssh(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    lone: dict[str, Any] = {"ssh": {"known-hosts": "known_hosts"}, "workloads": [], "faces": None, "routes": None}
    assert "1 machine is reached over SSH" in _refused("pi-lab", project, **lone)
    assert load_lab("pi-lab", project, **lone, cluster={"host": "pi-0.local", "gone": True}).lab == "pi-lab"


@pytest.mark.parametrize("value", [5, "10.0.0.0/8", "pi.local", "fe80::1%eth0", True])
def test_an_address_is_written_as_an_address(project: Path, value: Any) -> None:
    workload = {"name": "smiley", "addresses": [value]}
    text = _refused("twin", project, workloads=[workload], faces=None, routes=None)
    assert "workloads[0].addresses[0]: " in text
    assert "expected: an IPv4 or IPv6 address" in text


def test_a_key_is_written_with_hyphens(project: Path) -> None:
    assert "trust.issuer_days: no such key" in _refused("twin", project, trust={"issuer_days": 3})


def test_mistakes_in_one_group_do_not_hide_those_in_another(project: Path) -> None:
    text = _refused(
        "pi-lab",
        project,
        cluster=3,
        mirrors={"charts": 1},
        trust={"root-days": 30, "issuer-days": 30},
        spire={"device": "x"},
    )
    for key in ("cluster", "mirrors.charts", "trust.issuer-days", "spire.device"):
        assert f"  mesh-expansion:{key}: " in text
    assert text.startswith("4 problems")


@pytest.mark.parametrize(
    ("changed", "key"),
    [
        ({"ssh": {"private-key-file": PEM}}, "ssh.private-key-file"),
        ({"trust": {"own": {"anchors": PEM, "issuer": "x"}}}, "trust.own.anchors"),
        ({"workloads": [{"name": "a", "addresses": ["192.0.2.1"], "environment": {"TLS KEY": PEM}}]}, 'workloads[0].environment["TLS KEY"]'),
        ({"workloads": [{"name": "a", "addresses": ["192.0.2.1"], "device": {"host-key": PEM}}]}, "workloads[0].device.host-key"),
        ({"ssh-key": PEM}, "ssh-key"),
    ],
    ids=str,
)  # fmt: skip
def test_a_private_key_in_the_wrong_place_is_refused_and_not_shown(
    project: Path, changed: dict[str, Any], key: str
) -> None:
    text = _refused("twin", project, **changed)
    assert f"mesh-expansion:{key}: a private key (it is not shown)" in text
    assert "pulumi config set --secret" in text
    assert "hunter2" not in text and "MIIB" not in text


@pytest.mark.parametrize("key", ["trust-issuer-key", "trust-upstream-key", "ssh-private-key"])
def test_a_secret_in_plain_text_is_refused_with_the_command_that_encrypts_it(project: Path, key: str) -> None:
    text = _refused("twin", project, **{key: "hunter2"})
    assert f"mesh-expansion:{key}: a secret in plain text (its value is not shown)" in text
    assert f"pulumi config set --secret {key} < FILE" in text
    assert "hunter2" not in text


def test_the_engine_says_which_keys_are_encrypted(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project)
    raw, _ = stored(VALID["twin"])
    config = {f"{NAMESPACE}:{key}": value for key, value in {**raw, "ssh-private-key": "hunter2"}.items()}
    try:
        set_all_config(config, [f"{NAMESPACE}:ssh-private-key"])
        assert read_stack("twin").ssh_private_key == "hunter2"
        set_all_config(config, [])
        with pytest.raises(InvalidSettings, match="ssh-private-key: a secret in plain text"):
            read_stack("twin")
    finally:
        set_all_config({}, [])


def test_values_of_encrypted_groups_are_not_shown_whatever_is_wrong_with_them(project: Path) -> None:
    workloads = [{"name": "hunter2", "addresses": ["10.42.77.77"]}, {"name": "hunter2", "addresses": ["10.42.77.77"]}]
    raw, _ = stored({"lab": "twin", "cluster": {"kubeconfig": "kubeconfig"}, "workloads": workloads})
    with pytest.raises(InvalidSettings) as caught:
        load(raw, {"workloads"}, source="stack file", project=project)
    assert "[secret] is the name of workloads[0] too" in str(caught.value).replace("'", "")
    assert "hunter2" not in str(caught.value) and "10.42.77.77" not in str(caught.value)


@pytest.mark.parametrize(
    "mirrors",
    [
        {"images": {"docker.io": "https://harbor.example.com"}},
        {"images": {"docker.io/library": "harbor.example.com"}},
        {"github": "http://mirror.example.com"},
        {"github": "https://user:hunter2@mirror.example.com"},
    ],
    ids=str,
)
def test_a_mirror_is_written_without_scheme_or_password(project: Path, mirrors: dict[str, Any]) -> None:
    assert "mesh-expansion:mirrors." in _refused("twin", project, mirrors=mirrors)


def test_a_project_of_another_name_is_told_that_its_keys_are_not_read() -> None:
    with pytest.raises(InvalidSettings, match="write `name: mesh-expansion` there"):
        read_stack("twin", "my-lab")
