"""What a stack file may say about applications beside Faces: each is a part of a lab when its group is there, even if empty."""

from typing import Literal

from pydantic import Field

import versions
from settings.base import StrictModel

ServiceType = Literal["ClusterIP", "LoadBalancer", "NodePort"]
BALANCED: ServiceType = "LoadBalancer"


class EmojivotoSettings(StrictModel):
    """The emojivoto demo, whose parts speak gRPC."""

    version: str = Field(versions.EMOJIVOTO, description="tag of its images", examples=[versions.EMOJIVOTO])
    routes: bool = Field(
        True,
        description="whether each of its 103 gRPC methods has a GRPCRoute, and so metrics, of its own",
        examples=[False],
    )
    web_service_type: ServiceType = Field(
        "ClusterIP", description="type of the Service of its page", examples=["LoadBalancer"]
    )


class EmissarySettings(StrictModel):
    """Emissary-ingress in front of Faces, not on the mesh."""

    version: str = Field(
        versions.EMISSARY,
        description="version of the charts emissary-crds-chart and emissary-ingress",
        examples=[versions.EMISSARY],
    )
    service_type: ServiceType = Field("LoadBalancer", description="type of the ingress' Service", examples=["NodePort"])
