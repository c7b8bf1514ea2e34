"""Dependencies point one way; versions stand once."""

import ast
import re
from pathlib import Path

import pytest

import versions
from domain.linkerd import EdgeRelease

ROOT = Path(__file__).parents[2]

ALLOWED = {
    "domain": {"domain"},
    "versions": set(),
    "settings": {"settings", "domain", "versions"},
    "components": {"components", "domain", "versions"},
    "stacks": {"stacks", "components", "settings", "domain", "versions"},
    "lab": {"lab", "settings", "domain", "versions"},
    "policy": {"policy"},
    "package": {"package", "components", "domain"},
    "bench": {"bench", "lab", "components", "domain", "versions"},
}
ROOMS = {*ALLOWED, "tests"}


def _files(room: str) -> list[Path]:
    return (
        [ROOT / f"{room}.py"]
        if (ROOT / f"{room}.py").exists()
        else sorted(file for file in (ROOT / room).rglob("*.py") if ".venv" not in file.parts)
    )


def _imports(file: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.split(".")[0])
    return names


@pytest.mark.parametrize("room", ALLOWED)
def test_a_room_imports_only_what_stands_below_it(room: str) -> None:
    files = _files(room)
    assert files
    for file in files:
        assert _imports(file) & ROOMS <= ALLOWED[room], f"{file.relative_to(ROOT)} reaches up"


def test_pure_helpers_know_nothing_of_pulumi() -> None:
    for file in _files("domain"):
        assert not {name for name in _imports(file) if name.startswith("pulumi")}, file


def test_only_settings_read_configuration() -> None:
    for room in ("components", "stacks", "domain"):
        for file in _files(room):
            assert "pulumi.Config" not in file.read_text(), file


def test_every_component_registers_its_outputs_and_names_its_type() -> None:
    for file in _files("components"):
        text = file.read_text()
        for name in (node.name for node in ast.walk(ast.parse(text)) if isinstance(node, ast.ClassDef)):
            if f"class {name}(pulumi.ComponentResource)" in text or f"class {name}(Cluster)" in text:
                assert text.count("register_outputs(") >= len(
                    re.findall(r"\((pulumi\.ComponentResource|Cluster)\):", text)
                )
                assert f':{name}"' in text, f"{file}: type token of {name}"


def test_the_version_of_linkerd_is_one_this_program_accepts() -> None:
    release = EdgeRelease.parse(versions.LINKERD)
    assert str(release) == versions.LINKERD
    assert release.chart_version == versions.LINKERD_CHARTS


@pytest.mark.parametrize(
    ("name", "package"),
    [
        ("PULUMI", "pulumi"),
        ("PLUGIN_KUBERNETES", "pulumi-kubernetes"),
        ("PLUGIN_TLS", "pulumi-tls"),
        ("PLUGIN_COMMAND", "pulumi-command"),
        ("PLUGIN_DOCKER", "pulumi-docker"),
    ],
)
def test_an_sdk_and_its_plugin_are_one_version(name: str, package: str) -> None:
    pinned = dict(
        line.split("#")[0].strip().split("==")
        for line in (ROOT / "requirements.in").read_text().splitlines()
        if "==" in line
    )
    assert pinned[package] == getattr(versions, name)
