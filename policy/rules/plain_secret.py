"""What is secret is marked as such, or it stands in the state, in every preview and in the log of every pipeline."""

import base64
import binascii
import re
from collections.abc import Iterator, Mapping

from . import kubernetes
from .resource import Found, Resource, Secret, scalars
from .rule import ResourceRule

_LOOKS_SECRET = (
    (re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----"), "a private key"),
    (
        re.compile(
            r"client-key-data\"?: *\"?[A-Za-z0-9+/=]{16}|^\s*\"?token\"?: *\"?[\w.-]{16,}\"?,?\s*$", re.MULTILINE
        ),
        "a kubeconfig with credentials",
    ),
    (re.compile(r"\bAGE-SECRET-KEY-1"), "an age key"),
    (re.compile(r"\b(ghp_|gho_|ghs_|github_pat_)[A-Za-z0-9_]{20,}"), "a token of GitHub"),
    (re.compile(r"\bAKIA[0-9A-Z]{16}\b"), "an access key of AWS"),
)
# Names whose value is secret whatever it looks like; compared without case and separators.
_NAMES = {"password", "passphrase", "privatekey", "privatekeypem", "caprivatekeypem", "clientsecret", "secretaccesskey"}
_MARKED = {"data", "stringData"}


def _check(resource: Resource) -> Iterator[str]:
    if resource.type.startswith("kubernetes:") and kubernetes.kind(resource) == "Secret":
        yield from _secret_object(resource)
        return
    for found in scalars(resource.inputs):
        what = None if found.secret else _secret(found)
        if what:
            yield f"{found.path} holds {what} in plain text. Wrap it in pulumi.Output.secret, or `pulumi config set --secret`"


def _secret_object(resource: Resource) -> Iterator[str]:
    for key in sorted(_MARKED & resource.inputs.keys()):
        value = resource.inputs[key]
        if isinstance(value, Secret) or not isinstance(value, Mapping):
            continue
        for name, item in value.items():
            if not isinstance(item, Secret):
                yield f"{key}.{name} of a Secret is in plain text. Wrap it in pulumi.Output.secret"


def _secret(found: Found) -> str | None:
    if not isinstance(found.value, str) or not found.value:
        return None
    if re.sub("[^a-z]", "", found.key.lower()) in _NAMES:
        return "a secret by its name"
    for text in (found.value, *_decoded(found.value)):
        for pattern, what in _LOOKS_SECRET:
            if pattern.search(text):
                return what
    return None


def _decoded(value: str) -> Iterator[str]:
    """A whole value in base64, as kubeconfigs and Secrets have them; only what may be a key in PEM."""
    if value.startswith("LS0tLS1CRUdJTi"):
        try:
            yield base64.b64decode(value, validate=True).decode(errors="replace")
        except binascii.Error:
            return


RULE = ResourceRule(
    name="no-plain-secret",
    description="No secret is an input in plain text.",
    check=_check,
)
