"""`tls.PrivateKey`: a key that is made once and lives in the state; every change makes another."""

from typing import Any

import pulumi_tls
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from lab.standins.base import UNKNOWN, Call, Difference, Properties, Resource, State, compare, inputs_of
from lab.standins.tls import keys

_ALGORITHMS = ("RSA", "ECDSA", "ED25519")
_DEFAULTS = {"ecdsaCurve": "P224", "rsaBits": 2048}
_SECRETS = frozenset({"privateKeyPem", "privateKeyPemPkcs8", "privateKeyOpenssh"})
_OUTPUTS = _SECRETS | {"publicKeyPem", "publicKeyOpenssh", "publicKeyFingerprintMd5", "publicKeyFingerprintSha256"}


def _schema() -> dict[str, Any]:
    schema = inputs_of(pulumi_tls.PrivateKeyArgs)
    schema["properties"] |= {"algorithm": {"enum": list(_ALGORITHMS)}, "ecdsaCurve": {"enum": list(keys.CURVES)}}
    return schema


class PrivateKey(Resource):
    """The inputs only choose the kind of key."""

    token = "tls:index/privateKey:PrivateKey"  # noqa: S105 - a type token
    inputs = _schema()
    replace_on = frozenset({"algorithm", "ecdsaCurve", "rsaBits"})
    secret_outputs = _SECRETS

    async def diff(self, call: Call, id: str, state: Properties, inputs: Properties) -> Difference:
        """A default that is written out is no change."""
        del call, id
        old = {name: state.get(name) for name in self.replace_on}
        return compare(old, {**_DEFAULTS, **inputs}, replace_on=self.replace_on)

    async def create(self, call: Call, inputs: Properties) -> State:
        """A new key."""
        settings = {**_DEFAULTS, **inputs}
        if call.preview:
            return State(outputs={**settings, **dict.fromkeys(_OUTPUTS, UNKNOWN)})
        key = keys.generate(settings["algorithm"], settings["ecdsaCurve"], settings["rsaBits"])
        public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return State(id=keys.state_id(public), outputs={**settings, **keys.outputs(key)})
