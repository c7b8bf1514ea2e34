"""The stand-ins of k3d and kind refuse what they do not know, and give way to the real tools."""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

import versions
from domain import k3d, kind
from lab import tools
from lab.standins.clusters.errors import Refused
from lab.standins.clusters.flags import parse
from lab.standins.clusters.record import Node, Record
from lab.standins.k3d import __main__ as k3d_standin
from lab.standins.k3d import listing
from lab.standins.kind import __main__ as kind_standin
from lab.standins.kind import config
from lab.twin.api import Api
from lab.twin.inside import load_balancer

ASSETS = Path(__file__).parents[2] / "assets" / "cluster"


def test_every_script_passes_shellcheck() -> None:
    places = (ASSETS, ASSETS / "k3d", ASSETS / "kind")
    scripts = [str(path) for place in places for path in sorted(place.iterdir()) if path.is_file()]
    assert len(scripts) > 10
    done = subprocess.run(
        [Path(sys.executable).with_name("shellcheck"), "-x", "-P", "SCRIPTDIR", *scripts],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_flags_are_taken_as_the_real_tools_take_them() -> None:
    given = parse(
        ["name", "-p", "80:80@loadbalancer", "--port=443:443@loadbalancer", "--wait=false", "--servers", "1"],
        texts=("port", "servers"),
        switches=("wait",),
        short={"p": "port"},
    )
    assert given.arguments == ("name",)
    assert given.texts["port"] == ("80:80@loadbalancer", "443:443@loadbalancer")
    assert given.switches == {"wait": False}
    assert given.number("servers", 3) == 1


@pytest.mark.parametrize("words", [["--unknown"], ["--port"], ["--wait=perhaps"], ["-x", "1"]])
def test_a_flag_that_is_not_known_is_refused(words: list[str]) -> None:
    with pytest.raises(Refused):
        parse(words, texts=("port",), switches=("wait",))


@pytest.mark.parametrize(
    ("run", "words"),
    [
        (k3d_standin.main, ["cluster", "frobnicate"]),
        (k3d_standin.main, ["cluster", "create", "a", "--registry-create", "r"]),
        (k3d_standin.main, ["version", "--json"]),
        (kind_standin.main, ["create", "cluster", "--retain"]),
        (kind_standin.main, ["load", "docker-image", "x"]),
        (kind_standin.main, ["get", "clusters", "a"]),
    ],
)
def test_a_command_that_is_not_known_ends_with_one(
    run: Any, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(words) == 1
    said = capsys.readouterr()
    assert not said.out
    assert said.err


def test_versions_are_said_such_that_the_lab_reads_them(capsys: pytest.CaptureFixture[str]) -> None:
    assert k3d_standin.main(["version"]) == 0
    assert k3d.version(capsys.readouterr().out) == versions.K3D
    assert kind_standin.main(["version"]) == 0
    assert kind.version(capsys.readouterr().out) == versions.KIND


def _record(home: Path, monkeypatch: pytest.MonkeyPatch) -> Record:
    monkeypatch.setenv("LAB_HOME", str(home))
    labels = {k3d.MARK: "0123456789abcdef", k3d.MADE: "20261121T180000Z", "k3d.cluster.token": "secret"}
    return Record(
        tool="k3d",
        name="mesh-exp",
        network="mesh-exp",
        network_id="0815",
        image="none",
        nodes=(
            Node(name="k3d-mesh-exp-server-0", role="server", addresses=("192.0.2.254",), labels=labels),
            Node(name="k3d-mesh-exp-serverlb", role="loadbalancer"),
        ),
        pod_networks=("10.42.0.0/16",),
        service_networks=("10.43.0.0/16",),
        context="k3d-mesh-exp",
        user="admin@k3d-mesh-exp",
        balances=True,
        created="2026-11-21T18:00:00Z",
        ports=(18080,),
    )


def test_a_list_of_clusters_is_what_the_lab_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record = _record(tmp_path, monkeypatch)
    record.write()
    assert (record.directory / "record.json").stat().st_mode & 0o777 == 0o600
    (found,) = k3d.clusters(listing.clusters_json([record]))
    assert (found.mark, found.made, found.servers, found.servers_running) == (
        "0123456789abcdef",
        "20261121T180000Z",
        1,
        0,
    )
    # The scripts look for the mark in this very form.
    assert '"k3d-mesh-expansion-lab":"0123456789abcdef"' in listing.clusters_json([record])
    assert listing.clusters_table([record], headers=False).split() == ["mesh-exp", "0/1", "0/0", "true"]
    assert [line.split()[0] for line in listing.nodes_table([record], headers=True).splitlines()[1:]] == [
        "k3d-mesh-exp-server-0",
        "k3d-mesh-exp-serverlb",
    ]


def _kind_config(**change: Any) -> str:
    told = json.loads(
        kind.config(
            pod_cidrs=["fd00:10:1::/64", "10.10.1.0/24"],
            service_cidrs=["fd00:10:2::/112", "10.10.2.0/24"],
            mark="1",
            made="2",
        )
    )
    return json.dumps({**told, **change})


def test_kinds_configuration_is_read_strictly() -> None:
    assert config.read(_kind_config()).pod_networks == ("fd00:10:1::/64", "10.10.1.0/24")
    wrongs: tuple[dict[str, Any], ...] = (
        {"featureGates": {}},
        {"nodes": []},
        {"nodes": [{"role": "worker"}]},
        {"networking": {"ipFamily": "ipv4", "podSubnet": "10.0.0.0/16", "serviceSubnet": "10.1.0.0/16"}},
        {"networking": {"ipFamily": "dual", "podSubnet": "10.0.0.0/16,10.2.0.0/16", "serviceSubnet": "10.1.0.0/16"}},
    )
    for wrong in wrongs:
        with pytest.raises(Refused, match="unable to decode config"):
            config.read(_kind_config(**wrong))


class _Objects(Api):
    """An API of a few objects."""

    def __init__(self, objects: Mapping[str, Any]) -> None:
        self.objects = objects
        self.merged: dict[str, Any] = {}

    def get(self, path: str) -> dict[str, Any] | None:
        return self.objects.get(path)

    def merge(self, path: str, change: Mapping[str, Any]) -> None:
        self.merged[path] = change["status"]["loadBalancer"]["ingress"]


def _service(name: str, families: list[str], ingress: list[str]) -> dict[str, Any]:
    return {
        "metadata": {"name": name, "namespace": "faces"},
        "spec": {"type": "LoadBalancer", "ipFamilies": families},
        "status": {"loadBalancer": {"ingress": [{"ip": address} for address in ingress]}},
    }


def _cluster(pools: list[str], *services: dict[str, Any]) -> dict[str, Any]:
    return {
        load_balancer._CONTROLLER: {"metadata": {}, "spec": {"replicas": 1}},
        load_balancer._POOLS: {"items": [{"spec": {"addresses": pools}}]},
        load_balancer._SERVICES: {"items": list(services)},
    }


def test_a_service_gets_an_address_of_each_of_its_families_that_nobody_has() -> None:
    services = [_service("old", ["IPv4"], ["192.0.2.0"]), _service("new", ["IPv6", "IPv4"], [])]
    api = _Objects(_cluster(["fd00::10-fd00::1f", "192.0.2.0/31"], *services))
    load_balancer.hand_out(api)
    assert {path: [entry["ip"] for entry in given] for path, given in api.merged.items()} == {
        "/api/v1/namespaces/faces/services/new/status": ["fd00::10", "192.0.2.1"]
    }


def test_a_service_that_changed_its_families_gets_other_addresses() -> None:
    api = _Objects(_cluster(["fd00::10-fd00::1f", "192.0.2.0/31"], _service("gui", ["IPv6", "IPv4"], ["fd00::10"])))
    load_balancer.hand_out(api)
    (given,) = api.merged.values()
    assert {":" in entry["ip"] for entry in given} == {True, False}


def test_a_service_waits_while_a_family_has_no_address_left_or_metallb_is_not_there() -> None:
    waiting = _service("new", ["IPv6", "IPv4"], [])
    for objects in (
        _cluster(["fd00::/112"], waiting),
        {load_balancer._SERVICES: {"items": [waiting]}},
    ):
        api = _Objects(objects)
        load_balancer.hand_out(api)
        assert not api.merged


def test_the_operators_own_tool_is_taken_and_nothing_stands_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, directory in (("LAB_CACHE", "cache"), ("LAB_HOME", "home")):
        monkeypatch.setenv(name, str(tmp_path / directory))
    monkeypatch.setenv("LAB_OFFICIAL", "no")
    bin_directory = tmp_path / "home" / "bin"
    monkeypatch.setenv("PATH", f"{bin_directory}:{tmp_path / 'own'}:/usr/bin:/bin")
    (found,) = tools.install(["k3d"]).parts
    assert found.how == "stand-in"
    assert "Stands in for the official k3d" in (bin_directory / "k3d").read_text()

    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "k3d").write_text("#!/bin/sh\necho k3d version v5.9.0\n")
    (tmp_path / "own" / "k3d").chmod(0o755)
    (found,) = tools.install(["k3d"]).parts
    assert found.how == "yours"
    assert not (bin_directory / "k3d").exists()
