"""Subjects and alternative names, from the plugin's inputs to X.509."""

import ipaddress
from collections.abc import Iterable, Mapping
from typing import Any

from cryptography import x509
from cryptography.x509.oid import NameOID

from lab.standins.base import Problem, has_unknown

# In the order that the official plugin's library writes them.
_SUBJECT = (
    ("country", NameOID.COUNTRY_NAME),
    ("organization", NameOID.ORGANIZATION_NAME),
    ("organizationalUnit", NameOID.ORGANIZATIONAL_UNIT_NAME),
    ("locality", NameOID.LOCALITY_NAME),
    ("province", NameOID.STATE_OR_PROVINCE_NAME),
    ("streetAddresses", NameOID.STREET_ADDRESS),
    ("postalCode", NameOID.POSTAL_CODE),
    ("commonName", NameOID.COMMON_NAME),
    ("serialNumber", NameOID.SERIAL_NUMBER),
    ("emailAddress", NameOID.EMAIL_ADDRESS),
)


def subject(inputs: Mapping[str, Any]) -> x509.Name:
    """The distinguished name of the input `subject`; empty without one."""
    given = inputs.get("subject") or {}
    parts = [
        x509.NameAttribute(oid, str(value), _validate=name != "country")
        for name, oid in _SUBJECT
        for value in _several(given.get(name))
    ]
    return x509.Name(parts)


def subject_of_request(request: x509.CertificateSigningRequest) -> x509.Name:
    """The request's subject as the official plugin passes it on: known attributes in their order, without the mail address."""
    return x509.Name(
        [
            attribute
            for name, oid in _SUBJECT
            if name != "emailAddress"
            for attribute in request.subject.get_attributes_for_oid(oid)
        ]
    )


def alternative_names(inputs: Mapping[str, Any]) -> list[x509.GeneralName]:
    """What `dnsNames`, `ipAddresses` and `uris` say."""
    dns: list[x509.GeneralName] = [x509.DNSName(name) for name in inputs.get("dnsNames") or ()]
    addresses = [x509.IPAddress(ipaddress.ip_address(address)) for address in inputs.get("ipAddresses") or ()]
    return [*dns, *addresses, *(x509.UniformResourceIdentifier(uri) for uri in inputs.get("uris") or ())]


def problems(inputs: Mapping[str, Any]) -> list[Problem]:
    """What cannot stand in a certificate, found before anything is made."""
    found = []
    for index, address in enumerate(_known(inputs.get("ipAddresses"))):
        if not has_unknown(address) and not _is_address(address):
            found.append(Problem(f"ipAddresses[{index}]", f"{address!r} is not an IP address"))
    for name in ("dnsNames", "uris"):
        for index, value in enumerate(_known(inputs.get(name))):
            if not has_unknown(value) and not (value and value.isascii()):
                found.append(Problem(f"{name}[{index}]", f"{value!r} must be ASCII and not empty"))
    return found


def _known(values: Any) -> Iterable[Any]:
    return values if isinstance(values, list) else ()


def _several(value: Any) -> Iterable[Any]:
    if value is None:
        return ()
    return value if isinstance(value, list) else (value,)


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
