"""`tls.SelfSignedCert` and `tls.LocallySignedCert`: they live in the state; a change replaces, except that of `earlyRenewalHours`."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import pulumi_tls
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from lab.standins.base import (
    UNKNOWN,
    Call,
    Difference,
    InvalidInputs,
    Problem,
    Properties,
    ProviderError,
    Resource,
    State,
    Unknown,
    compare,
    inputs_of,
)
from lab.standins.tls import keys, names
from lab.standins.tls.issuing import EXTENDED_KEY_USAGES, KEY_USAGES, Issuer, issue

_DEFAULTS = {"earlyRenewalHours": 0, "isCaCertificate": False, "setSubjectKeyId": False}
_COMPUTED = ("certPem", "validityStartTime", "validityEndTime")


def _schema(args: type) -> dict[str, Any]:
    schema = inputs_of(args)
    schema["properties"] |= {
        "allowedUses": {"type": "array", "items": {"enum": sorted((*KEY_USAGES, *EXTENDED_KEY_USAGES))}},
        "earlyRenewalHours": {"type": "integer", "minimum": 0},
        "maxPathLength": {"type": "integer", "minimum": -1},
        "validityPeriodHours": {"type": "integer", "minimum": 0},
    }
    return schema


class _Certificate(Resource):
    """What both kinds share: verdicts, renewal and outputs."""

    defaults: ClassVar[Mapping[str, Any]] = _DEFAULTS
    algorithm_output: ClassVar[str]

    async def diff(self, call: Call, id: str, state: Properties, inputs: Properties) -> Difference:
        """Compares with the state, where defaults are written out. A certificate whose time has come is replaced without any change."""
        del call, id
        known = self.inputs["properties"]
        new = {**self.defaults, **inputs}
        # Left out, the path length stays what it was: the official plugin computes it from the state.
        new.setdefault("maxPathLength", state.get("maxPathLength"))
        found = compare(
            {name: state[name] for name in known if name in state},
            new,
            replace_on=frozenset(known) - {"earlyRenewalHours"},
        )
        if _is_due(state, new["earlyRenewalHours"]):
            due = ("readyForRenewal",)
            return Difference(
                changes={**found.changes, due: "update"}, replace=found.replace | {due}, input=bool(found.changes)
            )
        return found

    async def read(self, call: Call, id: str, state: Properties, inputs: Properties) -> State | None:
        """All there is lies in the state; only the time goes on."""
        found = await super().read(call, id, state, inputs)
        due = _is_due(state, state.get("earlyRenewalHours", 0))
        return State(id=id, outputs={**state, "readyForRenewal": True}) if found and due else found

    async def update(self, call: Call, id: str, state: Properties, inputs: Properties) -> State:
        """Another `earlyRenewalHours`, which only the state holds."""
        del call
        return State(id=id, outputs={**state, **self.defaults, **inputs})

    def foretold(self, settings: Properties) -> State:
        """The outputs of a preview."""
        unknown = dict.fromkeys((*_COMPUTED, self.algorithm_output), UNKNOWN)
        return State(outputs={**settings, **unknown, "readyForRenewal": _is_born_due(settings)})

    def made(
        self, settings: Properties, certificate: x509.Certificate, start: datetime, end: datetime, signer: keys.Key
    ) -> State:
        """The outputs of a certificate."""
        outputs = {
            **settings,
            "certPem": certificate.public_bytes(Encoding.PEM).decode(),
            "validityStartTime": start.isoformat().replace("+00:00", "Z"),
            "validityEndTime": end.isoformat().replace("+00:00", "Z"),
            "readyForRenewal": _is_born_due(settings),
            self.algorithm_output: keys.algorithm(signer),
        }
        return State(id=str(certificate.serial_number), outputs=outputs)


class SelfSignedCert(_Certificate):
    """A certificate that its own key signs."""

    token = "tls:index/selfSignedCert:SelfSignedCert"  # noqa: S105 - a type token
    inputs = _schema(pulumi_tls.SelfSignedCertArgs)
    defaults = {**_DEFAULTS, "setAuthorityKeyId": False}
    secret_inputs = frozenset({"privateKeyPem"})
    algorithm_output = "keyAlgorithm"

    async def check(self, call: Call, old: Properties, inputs: Properties) -> Properties:
        """Names must be usable, and an authority needs one."""
        del call, old
        found = names.problems(inputs)
        if inputs.get("isCaCertificate") is True and not inputs.get("subject"):
            found.append(Problem("subject", "is required for the certificate of an authority; give it a commonName"))
        if found:
            raise InvalidInputs(found)
        return inputs

    async def create(self, call: Call, inputs: Properties) -> State:
        """A new certificate."""
        settings = {**self.defaults, **inputs}
        if call.preview:
            return self.foretold(settings)
        key = keys.parse(inputs["privateKeyPem"], "privateKeyPem")
        certificate, start, end = issue(
            settings,
            subject=names.subject(inputs),
            alternative_names=names.alternative_names(inputs),
            public_key=key.public_key(),
            issuer=key,
        )
        return self.made(settings, certificate, start, end, key)


class LocallySignedCert(_Certificate):
    """A certificate that an authority at hand signs for a request."""

    token = "tls:index/locallySignedCert:LocallySignedCert"  # noqa: S105 - a type token
    inputs = _schema(pulumi_tls.LocallySignedCertArgs)
    secret_inputs = frozenset({"caPrivateKeyPem"})
    algorithm_output = "caKeyAlgorithm"

    async def create(self, call: Call, inputs: Properties) -> State:
        """A new certificate; an authority's certificate that is none is a warning, as with the official plugin."""
        settings = {**self.defaults, **inputs}
        if call.preview:
            return self.foretold(settings)
        request = _parsed(x509.load_pem_x509_csr, inputs["certRequestPem"], "certRequestPem", "a certificate request")
        authority = _parsed(x509.load_pem_x509_certificate, inputs["caCertPem"], "caCertPem", "a certificate")
        key = keys.parse(inputs["caPrivateKeyPem"], "caPrivateKeyPem")
        if authority.public_key() != key.public_key():
            raise ProviderError("caPrivateKeyPem: is not the key of the certificate in caCertPem")
        constraints = _extension(authority, x509.BasicConstraints)
        if constraints is None or not constraints.ca:
            await call.log.warning("caCertPem: is not the certificate of an authority; what it signs may not verify")
        asked = _extension(request, x509.SubjectAlternativeName)
        identifier = _extension(authority, x509.SubjectKeyIdentifier)
        certificate, start, end = issue(
            settings,
            subject=names.subject_of_request(request),
            alternative_names=list(asked) if asked else [],
            public_key=request.public_key(),
            issuer=Issuer(name=authority.subject, key=key, identifier=identifier.digest if identifier else None),
        )
        return self.made(settings, certificate, start, end, key)


def _parsed(load: Any, pem: str, property_name: str, what: str) -> Any:
    try:
        return load(pem.encode())
    except ValueError as error:
        raise ProviderError(f"{property_name}: must be {what} in PEM form: {error}") from None


def _extension(holder: Any, kind: Any) -> Any:
    try:
        return holder.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def _is_born_due(settings: Properties) -> bool:
    validity, early = settings["validityPeriodHours"], settings["earlyRenewalHours"]
    if isinstance(validity, Unknown) or isinstance(early, Unknown):
        return False
    return bool(validity == 0 or early >= validity)


def _is_due(state: Properties, early_hours: Any) -> bool:
    end = state.get("validityEndTime")
    if not isinstance(end, str) or isinstance(early_hours, Unknown):
        return False
    return datetime.fromisoformat(end) - timedelta(hours=early_hours) <= datetime.now(UTC)
