"""Which part of Faces a workload outside the cluster is, what image it runs and what it speaks, by chart version.

Faces 1.x has one image for all parts, which FACES_SERVICE tells apart, and every part speaks HTTP. Faces 2.x has an image
for each part, and its `face` asks for the color by gRPC. No version counts a HEAD as a request that may fail on purpose, while
a GET of any path does in 1.0 and 2.x.
"""

import re
from dataclasses import dataclass

from packaging.version import InvalidVersion, Version

from domain.workloads import Protocol, Workload

_REGISTRY = "ghcr.io/buoyantio"
_NAME = re.compile(r"(smiley|color)[23]?")


@dataclass(frozen=True, kw_only=True)
class FacesPart:
    """`name` is `smiley` or `color`: what FACES_SERVICE says."""

    name: str
    chart_version: str

    @classmethod
    def of(cls, service: str, chart_version: str) -> "FacesPart | None":
        """The part behind a Service of that name: `smiley2` is a smiley. None for what Faces does not have."""
        found = _NAME.fullmatch(service)
        return cls(name=found[1], chart_version=chart_version) if found else None

    @property
    def image(self) -> str:
        """The image that the chart of this version runs for the part; its tag is the chart's version."""
        return f"{_REGISTRY}/faces-{self.name if self._apart else 'workload'}:{self.chart_version}"

    @property
    def protocol(self) -> Protocol:
        """What Faces' own `face` of this version speaks to the part."""
        return "grpc" if self._apart and self.name == "color" else "http"

    @property
    def _apart(self) -> bool:
        try:
            return Version(self.chart_version).major >= 2
        except InvalidVersion:  # is reported where the version is checked
            return True


def environment(workload: Workload) -> dict[str, str]:
    """What tells a program that can be several parts which one it is, and in what to answer. Faces 2.x reads neither."""
    found = _NAME.fullmatch(workload.service)
    return {"FACES_SERVICE": found[1] if found else workload.service, "WORKLOAD_PROTOCOL": workload.protocol}
