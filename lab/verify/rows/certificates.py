"""Certificates are good for some time yet, and form the chains that they should."""

import asyncio
import base64
import binascii
from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import partial

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import Encoding

from domain.workloads import Workload
from lab.verify.ages import span
from lab.verify.context import Context
from lab.verify.handshake import Untrusted, present
from lab.verify.place import NotProvable
from lab.verify.row import Case, Group, Row, Seen

_SOON_DAYS = 7
_LINKERD = "linkerd"
_DOCTOR = "make doctor"


def _cases(context: Context) -> Iterator[Case]:
    if context.ends:
        yield Case(
            subject="what the stack issued",
            expected=f"each good for {_SOON_DAYS} days or more",
            look=partial(_look_at_issued, context),
        )
    yield Case(
        subject="Linkerd's issuer",
        expected="signed by an anchor that the mesh trusts",
        look=partial(_look_at_issuer, context),
    )
    for workload in context.promises.workloads:
        if workload.name in context.promises.provisioned:
            yield Case(
                subject=f"workload {workload.name}",
                expected=f"proves {workload.spiffe_id}, by a chain to an anchor of the mesh",
                look=partial(_look_at_workload, context, workload),
                workloads=frozenset({workload.name}),
            )


async def _look_at_issued(context: Context) -> Seen:
    now = context.now()
    first, end = min(context.ends.items(), key=lambda item: item[1])
    shown = f"{len(context.ends)}; the first to end is {first}, {_left(end, now)}"
    late = [
        name
        for name, moment in context.ends.items()
        # A device's own authority is short-lived by design, and renewed by every `up` in its last third.
        if (moment - now).days < (1 if "-intermediate-" in name else _SOON_DAYS)
    ]
    following = f"{_DOCTOR} STACK={context.stack}, which names the key to raise for each" if late else ""
    return Seen(right=not late, found=shown, next=following)


async def _look_at_issuer(context: Context) -> Seen:
    anchors = await trusted(context)
    if not anchors:
        found = "the mesh has no trust anchors: no ConfigMap linkerd-identity-trust-roots"
        return Seen(right=False, found=found, next=context.up)
    held = await context.cluster.field(_LINKERD, "secret", "linkerd-identity-issuer", r"{.data.crt\.pem}")
    try:
        (issuer, *_) = x509.load_pem_x509_certificates(base64.b64decode(held or ""))
    except (ValueError, binascii.Error):
        return Seen(right=False, found="no certificate in Secret linkerd-identity-issuer", next=context.up)
    end = issuer.not_valid_after_utc
    shown = f"{_name(issuer)}, {_left(end, context.now())}"
    if not any(_signed(issuer, anchor) for anchor in anchors):
        return Seen(right=False, found=f"{shown}; none of {len(anchors)} anchors has signed it", next=context.up)
    if (end - context.now()).days < _SOON_DAYS:
        following = f"raise trust.issuer in {context.file}, then {context.up}"
        return Seen(right=False, found=shown, next=following)
    if wanted := x509.load_pem_x509_certificates(context.anchors.encode()) if context.anchors else []:
        foreign = [anchor for anchor in anchors if anchor not in wanted]
        if foreign or len(anchors) != len(wanted):
            found = f"the mesh trusts {len(anchors)} anchors, the stack {len(wanted)}: they are not the same"
            return Seen(right=False, found=found, next=context.up)
    return Seen(right=True, found=shown)


async def _look_at_workload(context: Context, workload: Workload) -> Seen:
    anchors = await trusted(context)
    pem = "".join(anchor.public_bytes(Encoding.PEM).decode() for anchor in anchors)
    look = f"{_DOCTOR} STACK={context.stack}"
    for address in workload.addresses:
        try:
            shown = await asyncio.to_thread(present, str(address), workload.port, workload.server_name, pem)
        except Untrusted as problem:
            return Seen(right=False, found=f"{address}: {problem}", next=look)
        except ConnectionRefusedError:
            found = f"{address} port {workload.port} refuses connections: no proxy listens there"
            return Seen(right=False, found=found, next=look)
        except OSError as problem:
            raise NotProvable(f"this machine does not reach {address} port {workload.port}: {problem}") from None
        if workload.spiffe_id not in shown.identities:
            found = f"{address} proves {', '.join(shown.identities) or 'nothing'}"
            return Seen(right=False, found=found, next=look)
    return Seen(right=True, found=f"proves {workload.spiffe_id}, {_left(shown.end, context.now())}")


async def trusted(context: Context) -> Sequence[x509.Certificate]:
    """The anchors that Linkerd has in the cluster."""
    held = await context.cluster.get(f"/api/v1/namespaces/{_LINKERD}/configmaps/linkerd-identity-trust-roots")
    try:
        return x509.load_pem_x509_certificates(((held or {}).get("data") or {}).get("ca-bundle.crt", "").encode())
    except ValueError:
        return []


def _signed(certificate: x509.Certificate, by: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(by)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _name(certificate: x509.Certificate) -> str:
    return certificate.subject.rfc4514_string().removeprefix("CN=")


def _left(end: datetime, now: datetime) -> str:
    return f"expired on {end:%Y-%m-%d}" if end <= now else f"{span(end - now)} left"


ROW = Row(
    id="certificates.chains",
    title="certificates are good and prove what they should",
    group=Group.CERTIFICATES,
    results=("R2", "R16"),
    needs="the cluster's API, a way from this machine to the machines outside",
    unasked="no certificates",
    cases=_cases,
)
