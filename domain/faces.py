"""The Faces demo as data: which chart values hand a part to the edge, in chart 1.x and 2.x alike.

Chart 2.x drops a part's Deployment and Service by `<part>.enabled: false`. Chart 1.x has no such switch for smiley and
color and ignores a replica count, so there the Deployment is scaled to zero beside the release, and its Service stays.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from packaging.version import Version

BACKENDS = ("smiley", "color")
SECOND_BACKENDS = ("smiley2", "color2")
ALWAYS_IN_CLUSTER = ("face", "faces-gui")

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
    def has_switches(self) -> bool:
        """Whether the chart can leave out smiley and color by itself."""
        return Version(self.chart_version).major >= 2

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
        if self.has_switches:
            for part in self.on_edge:
                values[part] = {"enabled": False}
        return values

    @property
    def scaled_to_zero(self) -> list[str]:
        """Deployments that the chart makes although their part runs on the edge."""
        return [] if self.has_switches else list(self.on_edge)

    @property
    def chart_services(self) -> list[str]:
        """Services that the chart makes."""
        left_out = set(self.on_edge) if self.has_switches else set()
        return [*ALWAYS_IN_CLUSTER, *(part for part in BACKENDS if part not in left_out), *self.second]
