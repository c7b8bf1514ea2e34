"""What the proxy of a machine outside proves of itself to whoever connects."""

import socket
import ssl
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509

_SECONDS = 5.0


class Untrusted(Exception):
    """Something listens there and does not prove what it should; the message says why."""


@dataclass(frozen=True, kw_only=True)
class Shown:
    """`identities` are the URIs of the certificate, which ends at `end`."""

    identities: tuple[str, ...]
    end: datetime


def present(address: str, port: int, server_name: str, anchors_pem: str) -> Shown:
    """One handshake, with the chain checked against the anchors. Untrusted, or OSError when nothing is reached."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.check_hostname = False  # the name is a URI, which this check does not know
    try:
        context.load_verify_locations(cadata=anchors_pem)
    except (ssl.SSLError, ValueError):
        raise Untrusted("the mesh has no trust anchors to check it by") from None
    with socket.create_connection((address, port), timeout=_SECONDS) as plain:
        try:
            with context.wrap_socket(plain, server_hostname=server_name) as secured:
                held = x509.load_der_x509_certificate(secured.getpeercert(binary_form=True) or b"")
        except ssl.SSLCertVerificationError as problem:
            raise Untrusted(f"its certificate does not fit the mesh: {problem.verify_message}") from None
        except (ssl.SSLError, ConnectionResetError) as problem:
            raise Untrusted(f"no TLS: {getattr(problem, 'reason', None) or problem}") from None
    try:
        names = held.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return Shown(identities=(), end=held.not_valid_after_utc)
    uris = names.get_values_for_type(x509.UniformResourceIdentifier)
    return Shown(identities=tuple(uris), end=held.not_valid_after_utc)
