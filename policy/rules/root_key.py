"""The key of a trust anchor signs certificates here, and is given to nobody: no cluster, no machine, no output."""

import base64
import re
from collections.abc import Iterator, Sequence

from .resource import Resource, opened, scalars
from .rule import StackRule, Violation

_SELF_SIGNED = "tls:index/selfSignedCert:SelfSignedCert"
_TRUST = "tls:"
_PEM = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----(.*?)-----END", re.DOTALL)
_SHORTEST = 40  # a line of base64 that short may be anything


def _check(resources: Sequence[Resource]) -> Iterator[Violation]:
    needles = {needle: anchor for anchor in resources for needle in _needles(anchor)}
    if not needles:
        return
    for resource in resources:
        if resource.type.startswith(_TRUST):
            continue
        for found in scalars(resource.inputs):
            text = re.sub(r"\s", "", found.value) if isinstance(found.value, str) else ""
            for anchor in {needles[needle].name for needle in needles if needle in text}:
                yield Violation(
                    resource.urn,
                    f"{found.path} holds the key of the trust anchor {anchor}. Whoever reads it can be anybody on the mesh: "
                    "give an intermediate authority instead, and rotate the anchor if this was ever applied",
                )


def _needles(anchor: Resource) -> Iterator[str]:
    """The key's first line, and that line once more in base64, at each of the three places where it can begin."""
    if anchor.type != _SELF_SIGNED or not opened(anchor.get("isCaCertificate")):
        return
    pem = anchor.get("privateKeyPem")
    for key in _PEM.findall(pem) if isinstance(pem, str) else []:
        line = key.strip().splitlines()[0].strip()
        if len(line) < _SHORTEST:
            continue
        yield line
        for shift in range(3):
            # What stands at either end depends on its neighbours.
            yield base64.b64encode(b"\0" * shift + line.encode()).decode()[4:-4]


RULE = StackRule(
    name="no-root-key-outside-trust",
    description="The key of a trust anchor is an input of certificates only.",
    check=_check,
)
