"""A release: tag, version and changelog agree, and the bill of materials names what is pinned outside of Python too."""

import json
from pathlib import Path

import pytest

import versions
from lab import release

ROOT = Path(__file__).parents[2]
CHANGELOG = "# Changelog\n\n## 1.2.0 (2026-11-21)\n\n### Added\n\n- a thing\n\n## 1.1.0\n\n- old\n"


def test_a_tag_of_another_version_is_refused() -> None:
    project = '[project]\nversion = "1.2.0"\n'
    assert release.version("v1.2.0", project) == "1.2.0"
    with pytest.raises(release.ReleaseError, match=r"the tag is v1\.3\.0, but pyproject\.toml has version 1\.2\.0"):
        release.version("v1.3.0", project)


def test_the_notes_are_the_changelogs_section_of_that_version() -> None:
    assert release.notes(CHANGELOG, "1.2.0") == "### Added\n\n- a thing\n"
    assert release.notes(CHANGELOG, "1.1.0") == "- old\n"


@pytest.mark.parametrize("version", ["1.2", "1.2.01", "9.9.9"])
def test_a_version_without_a_section_is_refused(version: str) -> None:
    with pytest.raises(release.ReleaseError, match="make changelog VERSION="):
        release.notes(CHANGELOG, version)


def test_what_is_left_out_of_the_versions_section_is_refused() -> None:
    with pytest.raises(release.ReleaseError, match=r"`Unreleased`: rename it `1\.2\.0`"):
        release.notes(f"{CHANGELOG}\n## Unreleased\n\n- more\n", "1.2.0")


def test_the_bill_names_charts_images_and_tools_once_each() -> None:
    renovate = json.loads((ROOT / "renovate.json").read_text())
    found = list(release.pins(renovate, (ROOT / "versions.py").read_text()))
    purls = [component["purl"] for component in found]
    assert len(purls) == len(set(purls)) > 20
    assert f"pkg:github/pulumi/pulumi@{versions.PULUMI}" in purls
    assert (
        f"pkg:helm/spire@{versions.SPIRE_CHART}?repository_url=https://spiffe.github.io/helm-charts-hardened/" in purls
    )
    assert "pkg:oci/node@v1.34.3?repository_url=docker.io/kindest/node" in purls
    assert "pkg:github/k3s-io/k3s@v1.34.3%2Bk3s1" in purls
    assert {component["type"] for component in found} == {"application", "container"}
