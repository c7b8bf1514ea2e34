"""The twin's chart mirror: a directory of packages, written from the stand-in charts of this checkout."""

import gzip
import hashlib
import io
import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

import versions
from domain.linkerd import EdgeRelease
from lab import paths
from lab.twin.files import write_private

SOURCES = paths.CHECKOUT / "lab" / "standins" / "charts"
FACES_WITHOUT_SWITCHES = "1.4.1"  # the newest Faces chart that cannot leave out smiley and color
_EPOCH = "1970-01-01T00:00:00Z"  # no time of day in a file that is compared byte by byte


@dataclass(frozen=True, kw_only=True)
class Chart:
    """One package: the stand-in at `source`, under the real chart's name and a version that the program asks for."""

    source: Path
    name: str
    version: str
    app_version: str

    @property
    def file(self) -> str:
        return f"{self.name}-{self.version}.tgz"

    def metadata(self) -> dict[str, Any]:
        """Its Chart.yaml."""
        content = yaml.safe_load((self.source / "Chart.yaml").read_text())
        return {**content, "name": self.name, "version": self.version, "appVersion": self.app_version}

    def package(self) -> bytes:
        """The package as Helm reads it; the same sources give the same bytes."""
        tape = io.BytesIO()
        with tarfile.open(fileobj=tape, mode="w", format=tarfile.USTAR_FORMAT) as archive:
            for name, content in self._files():
                entry = tarfile.TarInfo(f"{self.name}/{name}")
                entry.size, entry.mode = len(content), 0o644
                archive.addfile(entry, io.BytesIO(content))
        return gzip.compress(tape.getvalue(), mtime=0)

    def _files(self) -> Iterator[tuple[str, bytes]]:
        yield "Chart.yaml", yaml.safe_dump(self.metadata(), sort_keys=False).encode()
        for path in sorted(self.source.rglob("*")):
            name = path.relative_to(self.source).as_posix()
            if path.is_file() and name != "Chart.yaml" and not path.name.startswith("."):
                yield name, path.read_bytes()


def charts(linkerd: Iterable[str] = (), faces: Iterable[str] = (), emissary: Iterable[str] = ()) -> list[Chart]:
    """Every chart that the twin offers: the pinned versions, and those of more edge releases, Faces charts and Emissaries."""
    found = []
    for release in sorted({versions.LINKERD, *linkerd}):
        version = EdgeRelease.parse(release).chart_version
        found += [
            Chart(source=SOURCES / name, name=name, version=version, app_version=release)
            for name in ("linkerd-crds", "linkerd-control-plane")
        ]
    for version in sorted({FACES_WITHOUT_SWITCHES, versions.FACES_CHART, *faces}):
        shape = "faces-chart-1" if version.startswith("1.") else "faces-chart-2"
        found.append(Chart(source=SOURCES / shape, name="faces-chart", version=version, app_version=version))
    found += [
        Chart(source=SOURCES / name, name=name, version=version, app_version=versions.SPIRE)
        for name, version in (("spire-crds", versions.SPIRE_CRDS_CHART), ("spire", versions.SPIRE_CHART))
    ]
    found += [
        Chart(source=SOURCES / name, name=name, version=version, app_version=version)
        for version in sorted({versions.EMISSARY, *emissary})
        for name in ("emissary-crds-chart", "emissary-ingress")
    ]
    metallb = versions.METALLB_CHART
    found.append(Chart(source=SOURCES / "metallb", name="metallb", version=metallb, app_version=f"v{metallb}"))
    return found


def write_mirror(
    directory: Path | None = None,
    linkerd: Iterable[str] = (),
    faces: Iterable[str] = (),
    emissary: Iterable[str] = (),
) -> Path:
    """Write the mirror and its index.yaml into `directory` (default: the twin's); files that are right stay untouched.

    `linkerd` names edge releases (`edge-26.8.3`), `faces` and `emissary` chart versions, that are wanted beside the pinned ones.
    """
    directory = directory or paths.twin() / "charts"
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    entries: dict[str, list[dict[str, Any]]] = {}
    for chart in charts(linkerd, faces, emissary):
        package = chart.package()
        write_private(directory / chart.file, package)
        entry = {"urls": [chart.file], "digest": hashlib.sha256(package).hexdigest(), "created": _EPOCH}
        entries.setdefault(chart.name, []).append({**chart.metadata(), **entry})
    index = {"apiVersion": "v1", "generated": _EPOCH, "entries": entries}
    write_private(directory / "index.yaml", yaml.safe_dump(index, sort_keys=True).encode())
    return directory
