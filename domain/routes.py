"""Weighted routes as data: what may be written, and the share that each backend gets."""

from collections.abc import Mapping
from dataclasses import dataclass

from domain.problem import Problem, place

HIGHEST_WEIGHT = 1_000_000  # Gateway API's own limit


@dataclass(frozen=True, kw_only=True)
class WeightedRoute:
    """Requests to `service` go to `backends`, a Service name each with its weight."""

    name: str
    service: str
    backends: Mapping[str, int]
    port: int = 80

    def shares(self) -> dict[str, float]:
        """The part of the requests, 0 to 1, that each backend is to get."""
        total = sum(self.backends.values())
        return {name: weight / total for name, weight in self.backends.items()}


def problems(key: str, route: WeightedRoute, services: set[str]) -> list[Problem]:
    """Weights that make no sense and Services that the lab does not have."""
    found = []
    for name, weight in route.backends.items():
        if not 0 <= weight <= HIGHEST_WEIGHT:
            found.append(
                Problem(
                    f"{key}.{place('backends', name)}",
                    f"a weight of {weight}",
                    f"a whole number from 0 to {HIGHEST_WEIGHT}",
                    "weights are relative: 80 and 20 send one request in five to the second",
                )
            )
    if not any(weight > 0 for weight in route.backends.values()):
        found.append(
            Problem(
                f"{key}.backends",
                "no backend has a weight above 0, so every request would fail",
                "at least one weight above 0",
                "give one backend a weight, or remove the route",
            )
        )
    for name in sorted({route.service, *route.backends} - services):
        found.append(
            Problem(
                f"{key}.{'service' if name == route.service else place('backends', name)}",
                f"{name!r} is no Service of this lab",
                f"one of {', '.join(sorted(services))}",
                "correct the name, or add the workload or the Faces part that it stands for",
            )
        )
    return found
