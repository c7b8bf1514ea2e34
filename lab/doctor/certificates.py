"""Checks of certificates that exist: the stack's own, and those that a user brings."""

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime

from cryptography import x509

from lab.doctor.context import Context
from lab.doctor.finding import Finding, failed, not_checked, ok, warning

CHECK = "certificates"
SOON_DAYS = 30
_RENEWALS = (
    ("trust-issuer-", "raise trust.issuer by one"),
    ("trust-root-", "add a generation to trust.roots (docs/how-to/certificates.md)"),
    ("spire-trust-upstream-", "raise spire.upstream by one"),
    ("spire-trust-devices-", "raise spire.device-ca by one"),
)


async def check(context: Context) -> AsyncIterator[Finding]:
    """Every certificate that ends soon, for a device's own authority in its last third; one line for all others."""
    ends = [*_issued(context), *_brought(context)]
    if not ends:
        yield not_checked(CHECK, "certificates", "there are none yet: `up` issues them")
        return
    now, fine = datetime.now(UTC), 0
    for name, end, following in ends:
        days = (end - now).days
        if "-intermediate-" in name and days >= _last_third(context):
            continue  # short-lived by design
        if end <= now:
            yield failed(CHECK, name, f"expired on {end:%Y-%m-%d %H:%M} UTC", following)
        elif days < SOON_DAYS:
            yield warning(CHECK, name, f"ends on {end:%Y-%m-%d}, in {days} days", following)
        else:
            fine += 1
    if fine:
        first = min(end for _, end, _ in ends if (end - now).days >= SOON_DAYS)
        yield ok(CHECK, "certificates", f"{fine} good for {SOON_DAYS} days or more, the first ends on {first:%Y-%m-%d}")


def _last_third(context: Context) -> int:
    """Days before the end of a device's own authority in which an `up` renews it."""
    return context.settings.spire.intermediate_days // 3


def _issued(context: Context) -> Iterator[tuple[str, datetime, str]]:
    stack = context.stack
    for name, end in context.state.ends.items():
        yield name, end, f"{renewal(name)} in stacks/Pulumi.{stack}.yaml, then: make up STACK={stack}"


def renewal(name: str) -> str:
    """What makes a new one; `name` is that of the resource."""
    for begin, following in _RENEWALS:
        if name.startswith(begin):
            return following
    return "raise spire.intermediate by one" if "-intermediate-" in name else "raise spire.device by one"


def _brought(context: Context) -> Iterator[tuple[str, datetime, str]]:
    own = context.settings.trust.own
    if own is None or not context.usable("trust"):
        return
    for key, pem in (("anchors", own.anchors), ("issuer", own.issuer), ("upstream", own.upstream)):
        try:
            found = x509.load_pem_x509_certificates((pem or "").encode())
        except ValueError:
            continue  # said by the check of the configuration
        for certificate in found:
            following = f"renew it where it was issued, and put the new one into trust.own.{key}"
            yield f"trust.own.{key}", certificate.not_valid_after_utc, following
