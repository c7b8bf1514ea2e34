"""Gets a tool as its publisher offers it."""

from dataclasses import asdict
from pathlib import Path

from lab.tools import archive, checksum, download
from lab.tools.errors import OfficialUnavailable
from lab.tools.reach import Reach
from lab.tools.store import Store, describe
from lab.tools.tool import Download, Tool

_PULUMI_ARCHITECTURES = {"amd64": "x64", "arm64": "arm64"}


def rendered(template: str, tool: Tool, architecture: str) -> str:
    """A template of the catalogue for one version and architecture."""
    return template.format(version=tool.version, arch=architecture, pulumi_arch=_PULUMI_ARCHITECTURES[architecture])


def ingredients(tool: Tool, architecture: str) -> list[object]:
    """What decides the content of the official parts."""
    return ["official", architecture, *(asdict(part) for part in tool.downloads)]


def get(tool: Tool, architecture: str, reach: Reach, store: Store, entry: Path) -> None:
    """Download, verify and unpack every file of the tool into `entry`. OfficialUnavailable, with nothing left, if not.

    The caller holds the tool's lock. What arrived before a cut is kept beside the entry for the next attempt.
    """
    arrived = entry.with_name(f"{entry.name}.downloads")
    digests = {}
    with store.making(entry) as directory:
        for part in tool.downloads:
            url = rendered(part.url, tool, architecture)
            file = arrived / url.rsplit("/", 1)[-1]
            reach.demand(url)
            digests[url] = _expected(part, tool, architecture, reach, file.name)
            if not (file.exists() and checksum.of(file) == digests[url]):
                download.fetch(reach, url, digests[url], file)
            _keep(part, tool, architecture, file, directory)
        describe(directory, origin="official", url=" ".join(digests), sha256=" ".join(digests.values()))
    for file in arrived.glob("*"):
        file.unlink()
    arrived.rmdir()


def _expected(part: Download, tool: Tool, architecture: str, reach: Reach, file_name: str) -> str:
    if pinned := part.sha256.get(architecture):
        return pinned
    if not part.checksums:
        raise OfficialUnavailable(f"no checksum for {file_name}; a download without one is not used")
    return checksum.published(reach, rendered(part.checksums, tool, architecture), file_name)


def _keep(part: Download, tool: Tool, architecture: str, file: Path, directory: Path) -> None:
    binaries = directory / "bin"
    if part.members:
        binaries.mkdir(exist_ok=True)
        members = {rendered(name, tool, architecture): kept_as for name, kept_as in part.members.items()}
        archive.unpack(file, members, binaries)
        return
    # A provider's archive is kept whole: `pulumi plugin install --file` unpacks it itself.
    kept = directory / ("data" if tool.plugin else "bin") / part.keep_as
    kept.parent.mkdir(exist_ok=True)
    file.replace(kept)
    kept.chmod(0o644 if tool.plugin else 0o755)
