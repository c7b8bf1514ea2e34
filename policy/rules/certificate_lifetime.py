"""Certificates end: not before the next update can renew them, and not after everybody has forgotten how."""

from collections.abc import Iterator

from .resource import Resource
from .rule import ResourceRule

_HOURS_A_DAY = 24
_SELF_SIGNED = "tls:index/selfSignedCert:SelfSignedCert"
# By type: the longest life in days. Trust anchors are changed by hand on both sides, everything else by one `up`.
LONGEST_DAYS = {_SELF_SIGNED: 3650, "tls:index/locallySignedCert:LocallySignedCert": 825}


def _check(resource: Resource) -> Iterator[str]:
    longest = LONGEST_DAYS.get(resource.type)
    hours = resource.get("validityPeriodHours")
    if longest is None or not isinstance(hours, int | float):
        return
    days = hours / _HOURS_A_DAY
    if days > longest:
        yield f"it would live {days:g} days; at most {longest} are allowed. Shorten its lifetime in the stack file"
    if days < 1:
        yield f"it would live {hours:g} hours and end before the next update. Give it a day at least"
    early = resource.get("earlyRenewalHours")
    if isinstance(early, int | float) and early >= hours:
        yield f"it would be renewed {early:g} hours before its end, but lives {hours:g} only: every update would replace it"


RULE = ResourceRule(
    name="certificate-lifetime",
    description="Trust anchors live 3650 days at most, what they sign 825, and nothing less than a day.",
    check=_check,
)
