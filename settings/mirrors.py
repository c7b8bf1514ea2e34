"""What a stack file may say about where charts, images and programs come from, where the official places are out of reach."""

from typing import Annotated

from pydantic import Field

from domain.mirrors import Mirrors
from settings.base import StrictModel

_HOST = r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]{1,5})?"
Registry = Annotated[str, Field(pattern=f"^{_HOST}$")]
Place = Annotated[str, Field(pattern=f"^{_HOST}(/[a-z0-9._-]+)*/?$")]
Url = Annotated[str, Field(pattern=r"^https://[^\s/@]+(/[^\s@]*)?$")]


class MirrorSettings(StrictModel):
    """What stands in for the official places; docs/how-to/air-gap.md says what has to be in each."""

    charts: str | None = Field(
        None,
        description="directory of `<chart>-<version>.tgz` files, a chart repository's URL, or an OCI registry (`oci://...`), for "
        "all charts",
        examples=[".lab/twin/charts"],
    )
    images: dict[Registry, Place] = Field(
        {},
        description="registries of images, each with what stands in for it",
        examples=[{"docker.io": "harbor.example.com/dockerhub", "ghcr.io": "harbor.example.com/ghcr"}],
    )
    github: Url | None = Field(
        None,
        description="what stands in for https://github.com, with the paths of releases below it",
        examples=["https://mirror.example.com/github"],
    )

    @property
    def places(self) -> Mirrors:
        """As the program asks for images and downloads."""
        return Mirrors(images=self.images, github=self.github)
