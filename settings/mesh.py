"""What a stack file may say about Linkerd and what it needs."""

from pydantic import Field

import versions
from settings.base import StrictModel


class LinkerdSettings(StrictModel):
    """The control plane."""

    version: str = Field(versions.LINKERD, description="edge release of Linkerd", examples=[versions.LINKERD])


class GatewayApiSettings(StrictModel):
    """The Gateway API's CustomResourceDefinitions, which Linkerd does not bring."""

    version: str = Field(
        versions.GATEWAY_API, description="version of the standard channel", examples=[versions.GATEWAY_API]
    )
    manifest: str | None = Field(
        None,
        description="file or URL with them, instead of the official release",
        examples=[".lab/gateway-api/standard-install.yaml"],
    )
