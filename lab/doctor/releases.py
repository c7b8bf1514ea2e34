"""Checks of the versions that a stack file asks for; those that cannot work are mistakes of the configuration already."""

from collections.abc import AsyncIterator

import versions
from lab.doctor.context import Context
from lab.doctor.finding import Finding, ok, warning

CHECK = "versions"


async def check(context: Context) -> AsyncIterator[Finding]:
    """Are they those that this project is tested with?"""
    settings, wrong = context.settings, {problem.key for problem in context.configuration.problems}
    asked = (
        ("linkerd.version", settings.linkerd.version, versions.LINKERD),
        ("gateway-api.version", settings.gateway_api.version, versions.GATEWAY_API),
        ("faces.chart-version", settings.faces.chart_version, versions.FACES_CHART),
    )
    for key, version, tested in asked:
        if key in wrong or not context.usable(key.partition(".")[0]):
            continue
        if version == tested:
            yield ok(CHECK, key, version)
        else:
            cause = f"{version}; nothing speaks against it, but {tested} is what this project is tested with"
            yield warning(CHECK, key, cause, f"set {key} to {tested}, or try it on the twin first")
