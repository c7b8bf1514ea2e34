"""`tls.CertRequest`: a signing request; it lives in the state, and every change makes another."""

from typing import Any

import pulumi_tls
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from lab.standins.base import UNKNOWN, Call, Difference, InvalidInputs, Properties, Resource, State, compare, inputs_of
from lab.standins.tls import keys, names

_SCHEMA: dict[str, Any] = inputs_of(pulumi_tls.CertRequestArgs)


class CertRequest(Resource):
    """Signed by the key that it asks a certificate for."""

    token = "tls:index/certRequest:CertRequest"  # noqa: S105 - a type token
    inputs = _SCHEMA
    secret_inputs = frozenset({"privateKeyPem"})

    async def check(self, call: Call, old: Properties, inputs: Properties) -> Properties:
        """Names must be usable."""
        del call, old
        if found := names.problems(inputs):
            raise InvalidInputs(found)
        return inputs

    async def diff(self, call: Call, id: str, state: Properties, inputs: Properties) -> Difference:
        """Every change replaces."""
        del call, id
        known = _SCHEMA["properties"]
        return compare({name: state[name] for name in known if name in state}, inputs, replace_on=frozenset(known))

    async def create(self, call: Call, inputs: Properties) -> State:
        """A new request."""
        if call.preview:
            return State(outputs={**inputs, "certRequestPem": UNKNOWN, "keyAlgorithm": UNKNOWN})
        key = keys.parse(inputs["privateKeyPem"], "privateKeyPem")
        builder = x509.CertificateSigningRequestBuilder().subject_name(names.subject(inputs))
        if alternative := names.alternative_names(inputs):
            builder = builder.add_extension(
                x509.SubjectAlternativeName(alternative), critical=not inputs.get("subject")
            )
        request = builder.sign(key, keys.digest(key))
        outputs = {
            **inputs,
            "certRequestPem": request.public_bytes(Encoding.PEM).decode(),
            "keyAlgorithm": keys.algorithm(key),
        }
        return State(id=keys.state_id(request.public_bytes(Encoding.DER)), outputs=outputs)
