"""Checks of applications beside Faces and of the namespaces' default, in the words of the stack file."""

from collections.abc import Iterator
from pathlib import Path

from packaging.version import InvalidVersion, Version

import versions
from domain.linkerd import EdgeRelease
from domain.problem import Problem
from settings.apps import BALANCED
from settings.asked import faces_plan
from settings.check import Check
from settings.cluster import K3dClusterSettings, K3sClusterSettings
from settings.model import Settings


def _one_port(settings: Settings, _project: Path) -> Iterator[Problem]:
    """The load balancer of k3s has the nodes' own ports, and each port once."""
    if not isinstance(settings.cluster, K3dClusterSettings | K3sClusterSettings):
        return
    web, ingress = settings.emojivoto, settings.emissary
    taken = [
        (service, key)
        for service, key, kind in (
            ("faces-gui", "faces.gui-service-type", faces_plan(settings).gui_service_type),
            ("web-svc", "emojivoto.web-service-type", web.web_service_type if web else ""),
            ("emissary", "emissary.service-type", ingress.service_type if ingress else ""),
        )
        if kind == BALANCED
    ]
    for service, key in taken[1:]:
        first, its_key = taken[0]
        yield Problem(
            key,
            f"{BALANCED}, and so is {its_key}: {service} and {first} both want port 80",
            "one Service with that port: this cluster's load balancer has it once",
            f"set {its_key} or {key} to ClusterIP or NodePort",
        )


def _grpc_routes(settings: Settings, _project: Path) -> Iterator[Problem]:
    if settings.emojivoto is None or not settings.emojivoto.routes:
        return
    without = "or set emojivoto.routes to false"
    if _is_before(settings.linkerd.version, versions.LINKERD_GRPC_ROUTES):
        yield Problem(
            "emojivoto.routes",
            f"true, with Linkerd {settings.linkerd.version}, which reads no GRPCRoute v1",
            f"{versions.LINKERD_GRPC_ROUTES} or later",
            f"raise linkerd.version, {without}",
        )
    try:
        too_old = Version(settings.gateway_api.version) < Version(versions.GATEWAY_API_GRPC_ROUTES)
    except InvalidVersion:  # is reported where the version is checked
        return
    if too_old:
        yield Problem(
            "emojivoto.routes",
            f"true, with Gateway API {settings.gateway_api.version}, which has no GRPCRoute v1",
            f"{versions.GATEWAY_API_GRPC_ROUTES} or later",
            f"raise gateway-api.version, {without}",
        )


def _default_inbound(settings: Settings, _project: Path) -> Iterator[Problem]:
    if settings.policy.default_inbound == "audit" and _is_before(settings.linkerd.version, versions.LINKERD_AUDIT):
        yield Problem(
            "policy.default-inbound",
            f"audit, with Linkerd {settings.linkerd.version}, which does not know it",
            f"{versions.LINKERD_AUDIT} or later",
            "raise linkerd.version",
        )


def _emissary(settings: Settings, _project: Path) -> Iterator[Problem]:
    if settings.emissary is None:
        return
    try:
        fits = Version(settings.emissary.version) >= Version(versions.EMISSARY_FLOOR)
    except InvalidVersion:
        fits = False
    if not fits:
        yield Problem(
            "emissary.version",
            repr(settings.emissary.version),
            f"{versions.EMISSARY_FLOOR} or later: charts before that have other names and values",
            f"for example {versions.EMISSARY}",
        )


def _is_before(release: str, first: str) -> bool:
    """Whether it is an earlier one; one that no lab can run is reported where the version is checked, and once is enough."""
    try:
        return EdgeRelease.parse(versions.LINKERD_FLOOR) <= EdgeRelease.parse(release) < EdgeRelease.parse(first)
    except ValueError:
        return False


CHECKS: tuple[Check, ...] = (
    (_one_port, {"cluster", "faces", "emojivoto", "emissary"}),
    (_grpc_routes, {"emojivoto", "linkerd", "gateway-api"}),
    (_default_inbound, {"policy", "linkerd"}),
    (_emissary, {"emissary"}),
)
