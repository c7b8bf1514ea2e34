"""The Faces demo as data: what its chart makes, and what selects its parts, in chart 1.x and 2.x alike.

A part that runs on the edge keeps the chart's Service, which selects the workloads outside as it selects pods, and its
Deployment is scaled to zero beside the release: neither chart takes a replica count of 0. Chart 2.x could leave the part out
by `<part>.enabled: false`, but then its Service goes too, and Helm refuses to make it again beside one that stands in for it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from packaging.version import Version

BACKENDS = ("smiley", "color")
SECOND_BACKENDS = ("smiley2", "color2")
ALWAYS_IN_CLUSTER = ("face", "faces-gui")
CALLS = (("faces-gui", "face"), ("face", "smiley"), ("face", "color"))  # who calls which Service of Faces

_TYPES = {"face": "edge", "faces-gui": "frontend"}
_LOOKS = {"smiley2": {"smiley": "HeartEyes"}, "color2": {"color": "green"}}


@dataclass(frozen=True, kw_only=True)
class FacesPlan:
    """Which parts of Faces run where. `on_edge` and `second` hold names out of BACKENDS and SECOND_BACKENDS."""

    chart_version: str
    on_edge: Sequence[str]
    second: Sequence[str]
    gui_service_type: str
    error_fraction: int

    @property
    def values(self) -> dict[str, Any]:
        """Helm values. Fractions are percentages, as text: the chart quotes them into the environment."""
        fraction = str(self.error_fraction)
        values: dict[str, Any] = {
            "gui": {"serviceType": self.gui_service_type},
            "face": {"errorFraction": fraction},
            "backend": {"errorFraction": fraction},
        }
        for part in self.second:
            values[part] = {"enabled": True, **_LOOKS[part]}
        return values

    @property
    def chart_services(self) -> dict[str, dict[str, str]]:
        """Services that the chart makes, each with the labels by which it selects."""
        return {name: self._labels(name) for name in (*ALWAYS_IN_CLUSTER, *BACKENDS, *self.second)}

    def _labels(self, service: str) -> dict[str, str]:
        if Version(self.chart_version).major < 2:
            return {"service": service}
        return {
            "buoyant.io/application": "faces",
            "faces.buoyant.io/component-type": _TYPES.get(service, "backend"),
            "faces.buoyant.io/component": service,
        }
