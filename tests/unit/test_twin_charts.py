"""The chart mirror: real names, asked versions, same bytes, strict values."""

import io
import json
import os
import tarfile
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

import versions
from domain.faces import FacesPlan
from lab.twin.charts import SOURCES, Chart, charts, write_mirror

_STAND_INS = sorted(path.name for path in SOURCES.iterdir())


def _schema(stand_in: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((SOURCES / stand_in / "values.schema.json").read_text())
    return content


def _refused(stand_in: str, values: dict[str, Any]) -> bool:
    return not jsonschema.Draft7Validator(_schema(stand_in)).is_valid(values)


def test_the_mirror_holds_what_the_program_asks_for(tmp_path: Path) -> None:
    write_mirror(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {
        "index.yaml",
        f"linkerd-crds-{versions.LINKERD_CHARTS}.tgz",
        f"linkerd-control-plane-{versions.LINKERD_CHARTS}.tgz",
        f"faces-chart-{versions.FACES_CHART}.tgz",
        "faces-chart-1.4.1.tgz",
        f"spire-crds-{versions.SPIRE_CRDS_CHART}.tgz",
        f"spire-{versions.SPIRE_CHART}.tgz",
        f"metallb-{versions.METALLB_CHART}.tgz",
        f"emissary-crds-chart-{versions.EMISSARY}.tgz",
        f"emissary-ingress-{versions.EMISSARY}.tgz",
    }


def test_more_versions_can_be_asked_for(tmp_path: Path) -> None:
    write_mirror(tmp_path, linkerd=["edge-26.7.2"], faces=["1.0.0"], emissary=["4.0.1"])
    assert (tmp_path / "emissary-ingress-4.0.1.tgz").exists()
    assert (tmp_path / "linkerd-crds-2026.7.2.tgz").exists()
    assert (tmp_path / "faces-chart-1.0.0.tgz").exists()


def test_a_package_says_the_asked_version_and_that_it_stands_in(tmp_path: Path) -> None:
    for chart in charts():
        with tarfile.open(fileobj=io.BytesIO(chart.package())) as archive:
            member = archive.extractfile(f"{chart.name}/Chart.yaml")
            assert member
            metadata = yaml.safe_load(member.read())
            assert all(entry.name.startswith(f"{chart.name}/") and entry.mtime == 0 for entry in archive)
        assert (metadata["name"], metadata["version"]) == (chart.name, chart.version)
        assert metadata["description"].startswith("Stand-in of the mesh-expansion lab")


def test_the_same_sources_give_the_same_bytes_wherever_and_whenever(tmp_path: Path) -> None:
    chart = charts()[0]
    copy = tmp_path / "elsewhere"
    for path in sorted(chart.source.rglob("*"), reverse=True):
        if path.is_file():
            target = copy / path.relative_to(chart.source)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
            os.utime(target, (1, 1))
    moved = Chart(source=copy, name=chart.name, version=chart.version, app_version=chart.app_version)
    assert moved.package() == chart.package()


def test_a_mirror_that_is_right_is_not_written_again(tmp_path: Path) -> None:
    write_mirror(tmp_path)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    damaged = tmp_path / "faces-chart-1.4.1.tgz"
    damaged.write_bytes(b"half")
    write_mirror(tmp_path)
    after = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    assert {path for path in after if before[path] != after[path]} == {damaged}


@pytest.mark.parametrize("stand_in", _STAND_INS)
def test_a_chart_takes_its_own_defaults_and_refuses_an_unknown_value(stand_in: str) -> None:
    values = yaml.safe_load((SOURCES / stand_in / "values.yaml").read_text())
    assert not _refused(stand_in, values)
    assert _refused(stand_in, {**values, "unknown": True})
    for key, value in values.items():
        if isinstance(value, dict) and value:
            assert _refused(stand_in, {**values, key: {**value, "unknown": True}}), f"{key}.unknown is taken"


@pytest.mark.parametrize(
    ("stand_in", "values"),
    [
        ("linkerd-crds", {"installGatewayAPI": True}),
        ("linkerd-control-plane", {"identity": {"issuer": {"tls": {"crtPem": ""}}}}),
        ("linkerd-control-plane", {"identity": {"issuer": {"scheme": "tls"}}}),
        ("linkerd-control-plane", {"proxy": {"image": {"tag": "x"}}}),
        ("linkerd-control-plane", {"controllerReplicas": "2"}),
        ("faces-chart-1", {"smiley": {"enabled": False}}),
        ("faces-chart-1", {"smiley": {"replicas": 0}}),
        ("faces-chart-1", {"gui": {"serviceType": "Loadbalancer"}}),
        ("faces-chart-2", {"smiley": {"enabled": "no"}}),
        ("faces-chart-2", {"smiley4": {"enabled": True}}),
        ("spire", {"spire-server": {"rateLimit": {"attestation": 10}}}),
        ("spire", {"spire-server": {"service": {"nodePort": 30081}}}),
        ("spire", {"spire-server": {"nodeAttestor": {"x509pop": {"enabled": True}}}}),
        ("spire", {"spire-server": {"unsupportedBuiltInPlugins": {"nodeAttestor": {"x509pop": {}}}}}),
        ("spire-crds", {"annotations": {}}),
        ("emissary-crds-chart", {"enableLegacyVersions": True}),
        ("emissary-ingress", {"replicaCount": "1"}),
        ("emissary-ingress", {"service": {"type": "Loadbalancer"}}),
    ],
)
def test_a_wrong_value_is_refused(stand_in: str, values: dict[str, Any]) -> None:
    assert _refused(stand_in, values)


@pytest.mark.parametrize(("stand_in", "version"), [("faces-chart-1", "1.4.1"), ("faces-chart-2", "2.0.0")])
def test_faces_values_that_the_program_writes_are_taken(stand_in: str, version: str) -> None:
    plan = FacesPlan(
        chart_version=version,
        on_edge=("smiley", "color"),
        second=("smiley2", "color2"),
        gui_service_type="LoadBalancer",
        error_fraction=0,
    )
    assert not _refused(stand_in, plan.values)
