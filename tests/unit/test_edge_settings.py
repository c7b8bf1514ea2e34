"""Devices in a stack file: what cannot work is said before anything is touched."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import asyncssh
import pytest

import versions
from domain import host_keys
from settings import InvalidSettings, Settings, load
from settings.edge_checks import host_key, image

SOURCE = "stacks/Pulumi.twin.yaml"
PI = {"name": "smiley", "addresses": ["192.168.1.21"], "device": {}}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with a kubeconfig, a key, and host keys of 192.168.1.21."""
    (tmp_path / "kubeconfig").write_text("{}")
    (tmp_path / "id").write_text("a key")
    (tmp_path / "parts").mkdir()
    for name in ("linkerd2-proxy", "spire-agent"):
        (tmp_path / "parts" / name).touch()
    (tmp_path / "known_hosts").write_text(f"192.168.1.21 {_public('ssh-ed25519')}\n")
    return tmp_path


def _public(algorithm: str) -> str:
    return " ".join(asyncssh.generate_private_key(algorithm).export_public_key().decode().split()[:2])


def _load(project: Path, workloads: list[dict[str, Any]], secret: set[str] | None = None, **keys: Any) -> Settings:
    ssh = {"private-key-file": "id", "known-hosts": "known_hosts"}
    values: dict[str, Any] = {"cluster": {"kubeconfig": "kubeconfig"}, "ssh": ssh, "workloads": workloads}
    values["edge"] = {"artefacts": "parts"}
    values |= {name.replace("_", "-"): value for name, value in keys.items()}
    raw = {"lab": "twin"} | {
        key: value if isinstance(value, str) else json.dumps(value) for key, value in values.items()
    }
    return load(raw, secret or set(), source=SOURCE, project=project)


def _refused(project: Path, *workloads: dict[str, Any], **keys: Any) -> str:
    with pytest.raises(InvalidSettings) as caught:
        _load(project, list(workloads), **keys)
    return str(caught.value)


def test_a_device_needs_only_its_address_where_ssh_knows_the_machine(project: Path) -> None:
    settings = _load(project, [PI])
    assert str(host_key(settings, settings.workloads[0], project)).startswith("ssh-ed25519 ")


def test_a_machine_whose_host_key_nobody_knows_is_refused_with_the_way_to_get_it(project: Path) -> None:
    (project / "known_hosts").write_text("")
    text = _refused(project, PI)
    assert "workloads[0].device.host-key: no host key of 192.168.1.21 is known" in text
    assert "compare the fingerprint" in text


def test_a_host_key_that_is_no_key_is_refused(project: Path) -> None:
    assert "'AAAA' is no public key" in _refused(project, {**PI, "device": {"host-key": "AAAA"}})


@pytest.mark.skipif(not shutil.which("ssh-keygen"), reason="ssh-keygen makes the hashed file that this reads")
def test_host_keys_are_found_by_hashed_names_and_by_port(tmp_path: Path) -> None:
    key = _public("ssh-ed25519")
    file = tmp_path / "known_hosts"
    file.write_text(f"[pi.local]:2222 {key}\n")
    subprocess.run(["ssh-keygen", "-H", "-f", str(file)], check=True, capture_output=True)
    assert "pi.local" not in file.read_text()
    assert host_keys.known(file.read_text(), "pi.local", 2222) == key
    assert host_keys.known(file.read_text(), "pi.local", 22) is None


def test_of_several_host_keys_the_one_that_is_negotiated_is_pinned() -> None:
    keys = [_public("ssh-ed25519"), _public("ecdsa-sha2-nistp256")]
    text = "".join(f"pi.local {key}\n" for key in keys)
    assert host_keys.known(text, "pi.local", 22) == keys[1]


def test_two_workloads_cannot_share_a_machine(project: Path) -> None:
    second = {"name": "color", "addresses": ["192.168.1.22"], "device": {"host": "192.168.1.21"}}
    text = _refused(project, PI, second)
    assert "workloads[1].device.host: 192.168.1.21 port 22 is the device of workload 'smiley' too" in text


@pytest.mark.parametrize("port", [22, 4140, 4143, 4190, 4191])
def test_the_ports_of_ssh_and_of_the_proxy_are_not_for_workloads(project: Path, port: int) -> None:
    assert f"workloads[0].port: {port}, which belongs to" in _refused(project, {**PI, "port": port})


@pytest.mark.parametrize("given", ["10.42.0.7", "127.1", "2001:db8::1", "", "linkerd.example.com:8086", "-x"])
def test_controllers_are_at_a_name_or_on_the_device_itself(project: Path, given: str) -> None:
    text = _refused(project, PI, edge={"artefacts": "parts", "controllers": given})
    assert f"edge.controllers: {given!r}" in text
    assert "a host name, or a loopback address" in text


@pytest.mark.parametrize("given", ["127.0.0.1", "::1", "linkerd.example.com", "localhost"])
def test_names_and_loopback_addresses_of_controllers_are_taken(project: Path, given: str) -> None:
    assert _load(project, [PI], edge={"artefacts": "parts", "controllers": given}).edge.controllers == given


def test_a_missing_key_file_and_missing_artefacts_are_both_named(project: Path) -> None:
    text = _refused(
        project,
        PI,
        ssh={"private-key-file": "none", "known-hosts": "known_hosts"},
        edge={"artefacts": ".", "image-archive": "none.tar"},
    )
    assert "ssh.private-key-file: no file at 'none'" in text
    assert "edge.artefacts: no linkerd2-proxy and no spire-agent in '.'" in text
    assert "edge.image-archive: no file at 'none.tar'" in text


def test_programs_are_pushed_or_downloaded_both_of_them(project: Path) -> None:
    assert "edge.downloads names nothing" in _refused(project, PI, edge={})
    proxy = {"name": "linkerd2-proxy", "url": "https://example.com/proxy", "sha256": "0" * 64}
    assert "edge.downloads names linkerd2-proxy" in _refused(project, PI, edge={"downloads": [proxy]})
    agent = {**proxy, "name": "spire-agent", "member": "bin/spire-agent"}
    assert len(_load(project, [PI], edge={"downloads": [proxy, agent]}).edge.downloads) == 2
    text = _refused(project, PI, edge={"downloads": [proxy, {**agent, "url": "http://example.com", "sha256": "abc"}]})
    assert "edge.downloads[1].url" in text
    assert "edge.downloads[1].sha256" in text


def test_devices_without_any_key_are_refused(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    text = _refused(project, PI, ssh={"known-hosts": "known_hosts"})
    assert "no SSH agent runs here, but 1 machine is reached over SSH" in text


def test_an_environment_that_the_program_sets_or_that_cannot_be_one_is_refused(project: Path) -> None:
    text = _refused(project, {**PI, "environment": {"WORKLOAD_NAME": "x", "a-b": "c", "LINES": "1\n2"}})
    assert "'WORKLOAD_NAME' is set by this program" in text
    assert "'a-b' with a value of 1 characters" in text
    assert "'LINES' with a value of 3 characters" in text


def test_certificates_end_before_who_signed_them(project: Path) -> None:
    text = _refused(project, PI, spire={"device-days": 5000, "upstream-days": 5000})
    assert "spire.device-days: 5000 days, while their authority lives 3650 days" in text
    assert "spire.upstream-days: 5000 days, while a trust anchor lives 3650 days" in text


def test_a_machine_that_is_gone_needs_no_host_key(project: Path) -> None:
    (project / "known_hosts").write_text("")
    assert _load(project, [{**PI, "device": {"gone": True}}]).workloads[0].device is not None


def test_a_workload_runs_its_own_image_else_that_of_all_else_its_part_of_faces(project: Path) -> None:
    def images(*workloads: dict[str, Any], **keys: Any) -> list[str | None]:
        settings = _load(project, list(workloads), **keys)
        return [image(settings, workload) for workload in settings.workloads]

    own = {**PI, "image": "example.com/pi:1"}
    assert images(PI) == [f"ghcr.io/buoyantio/faces-smiley:{versions.FACES_CHART}"]
    assert images(PI, faces={"chart-version": "1.4.1"}) == ["ghcr.io/buoyantio/faces-workload:1.4.1"]
    assert images(PI, edge={"artefacts": "parts", "image": "example.com/all:1"}) == ["example.com/all:1"]
    assert images(own, edge={"artefacts": "parts", "image": "example.com/all:1"}) == ["example.com/pi:1"]


def test_a_workload_that_faces_does_not_have_needs_an_image(project: Path) -> None:
    clock = {**PI, "name": "clock"}
    text = _refused(project, clock)
    assert "workloads[0].image: it is not set, nor is edge.image, and Faces has no part 'clock'" in text
    _load(project, [{**clock, "image": "example.com/clock:1"}])
    _load(project, [{**clock, "service": "smiley"}])
    _load(project, [{"name": "clock", "addresses": ["192.168.1.21"]}])  # somebody else runs it
