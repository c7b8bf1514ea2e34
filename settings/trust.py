"""What a stack file may say about the mesh's certificates."""

from typing import Annotated

from pydantic import Field, PositiveInt

from settings.base import Days, StrictModel


class OwnTrustSettings(StrictModel):
    """Certificates that the user issued; the root's key is never seen here. The issuer's key is `trust-issuer-key`."""

    anchors: str = Field(
        description="PEM of the trust anchor, or of several", examples=["-----BEGIN CERTIFICATE-----..."]
    )
    issuer: str = Field(
        description="PEM of the issuer that an anchor signed", examples=["-----BEGIN CERTIFICATE-----..."]
    )
    upstream: str | None = Field(
        None,
        description="PEM of the authority, of path length 1 or more, that an anchor signed for SPIRE; its key is "
        "`trust-upstream-key`",
        examples=["-----BEGIN CERTIFICATE-----..."],
    )


class TrustSettings(StrictModel):
    """The mesh's certificates. Generations are numbers: a rotation is a change that the preview shows."""

    roots: Annotated[list[PositiveInt], Field(min_length=1)] = Field(
        [1], description="generations of the trust anchor that proxies trust; two during a rotation", examples=[[1, 2]]
    )
    issuing_root: PositiveInt = Field(
        1, description="generation of the trust anchor that signs the issuer", examples=[1]
    )
    issuer: PositiveInt = Field(1, description="generation of the issuer", examples=[1])
    root_days: Days = Field(3650, description="lifetime of a trust anchor in days", examples=[3650])
    issuer_days: Days = Field(365, description="lifetime of the issuer in days", examples=[365])
    own: OwnTrustSettings | None = Field(
        None,
        description="certificates of your own instead of issued ones",
        examples=[{"anchors": "...", "issuer": "..."}],
    )
