"""What a release is made of: its notes, out of the changelog, and a bill of materials, out of the pins.

`python -m lab.release TAG DIRECTORY` writes notes.md and sbom.cdx.json there; exit status 1 when tag, version and changelog differ.
"""

import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

_ROOT = Path(__file__).resolve().parent.parent
_PURL: Mapping[str, str] = {
    "github-releases": "pkg:github/{name}@{version}",
    "pypi": "pkg:pypi/{name}@{version}",
    "docker": "pkg:oci/{last}@{version}?repository_url={name}",
    "helm": "pkg:helm/{name}@{version}?repository_url={registry}",
}


class ReleaseError(Exception):
    """What has to be put right before there can be a release."""


def version(tag: str, project: str) -> str:
    """The version that a tag stands for. ReleaseError when pyproject.toml, whose text is `project`, has another."""
    said = str(tomllib.loads(project)["project"]["version"])
    if tag != f"v{said}":
        raise ReleaseError(
            f"the tag is {tag}, but pyproject.toml has version {said}: the tag of that version is v{said}"
        )
    return said


def notes(changelog: str, version: str) -> str:
    """The changelog's section of a version, without its title. ReleaseError when there is none, or not all is in one."""
    if re.search(r"^## Unreleased$", changelog, re.MULTILINE):
        raise ReleaseError(f"CHANGELOG.md has a section `Unreleased`: rename it `{version}`, or take it into that one")
    found = re.search(rf"^## {re.escape(version)}(?: [^\n]*)?$\n(.*?)(?=^## |\Z)", changelog, re.MULTILINE | re.DOTALL)
    if not found or not found[1].strip():
        raise ReleaseError(
            f"CHANGELOG.md says nothing of {version}: `make changelog VERSION={version}` puts the fragments together"
        )
    return found[1].strip() + "\n"


def pins(renovate: Mapping[str, Any], versions: str) -> Iterator[dict[str, str]]:
    """What versions.py pins, as components of CycloneDX. Which line is what, renovate.json says."""
    seen = set()
    for manager in renovate["customManagers"]:
        for pattern in manager["matchStrings"]:
            for match in re.finditer(pattern.replace("(?<", "(?P<"), versions):
                found = match.groupdict()
                name = manager.get("depNameTemplate") or found["depName"]
                purl = _PURL[manager["datasourceTemplate"]].format(
                    name=name,
                    last=name.rsplit("/", 1)[-1],
                    version=found["currentValue"].replace("+", "%2B"),
                    registry=manager.get("registryUrlTemplate", ""),
                )
                if purl in seen:
                    continue
                seen.add(purl)
                kind = "container" if manager["datasourceTemplate"] == "docker" else "application"
                said = {"description": manager["description"]} if "description" in manager else {}
                yield {
                    "type": kind,
                    "bom-ref": purl,
                    "name": name,
                    "version": found["currentValue"],
                    "purl": purl,
                    **said,
                }


def bill(requirements: Path, project: Path) -> dict[str, Any]:
    """The bill of the Python packages that a requirements file pins, by CycloneDX's own tool."""
    tool = _ROOT / ".lab" / "release-tools" / "bin" / "cyclonedx-py"
    options = ["--pyproject", str(project), "--output-reproducible", "--output-format", "JSON", "--output-file", "-"]
    try:
        result = subprocess.run(
            [str(tool), "requirements", *options, str(requirements)], capture_output=True, check=True
        )
    except FileNotFoundError:
        raise ReleaseError(f"there is no {tool}: `make release TAG=...` installs it") from None
    except subprocess.CalledProcessError as error:
        raise ReleaseError(f"{tool.name} failed:\n{error.stderr.decode(errors='replace').strip()}") from None
    return dict(json.loads(result.stdout))


def write(tag: str, directory: Path) -> None:
    """Both files of the release `tag`. Raises ReleaseError."""
    project = _ROOT / "pyproject.toml"
    text = notes((_ROOT / "CHANGELOG.md").read_text(), version(tag, project.read_text()))
    document = bill(_ROOT / "requirements.txt", project)
    renovate = json.loads((_ROOT / "renovate.json").read_text())
    document["components"] += pins(renovate, (_ROOT / "versions.py").read_text())
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "notes.md").write_text(text)
    (directory / "sbom.cdx.json").write_text(json.dumps(document, indent=2) + "\n")


def main() -> int:
    """Exit status for the shell."""
    try:
        write(sys.argv[1], Path(sys.argv[2]))
    except ReleaseError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
