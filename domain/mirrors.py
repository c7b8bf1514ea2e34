"""Where a lab without Internet gets images and programs instead of at their official places."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

DOCKER_HUB = "docker.io"
_GITHUB = "https://github.com/"


@dataclass(frozen=True, kw_only=True)
class Mirrors:
    """`images` maps registries to what stands in for each: `docker.io` to `harbor.example.com/dockerhub`.

    `github` is the URL that stands in for https://github.com: below it releases have their official paths.
    """

    images: Mapping[str, str] = field(default_factory=dict)
    github: str | None = None

    def image(self, reference: str) -> str:
        """The reference to ask for instead; the same one where its registry has no mirror."""
        registry, path = _parted(reference)
        mirror = self.images.get(registry)
        return f"{mirror.rstrip('/')}/{path}" if mirror else reference

    def download(self, url: str) -> str:
        """The URL to ask for instead; the same one where there is no mirror, or it is not GitHub's."""
        if self.github is None or not url.startswith(_GITHUB):
            return url
        return f"{self.github.rstrip('/')}/{url.removeprefix(_GITHUB)}"

    def registries(self) -> str:
        """Text of the file `registries.yaml` with which k3s and k3d pull every image through the mirrors; JSON is YAML.

        Empty when there are none.
        """
        if not self.images:
            return ""
        mirrors = {}
        for registry, mirror in self.images.items():
            host, _, path = mirror.rstrip("/").partition("/")
            rewrite = {"rewrite": {"^(.*)$": f"{path}/$1"}} if path else {}
            mirrors[registry] = {"endpoint": [f"https://{host}"], **rewrite}
        return json.dumps({"mirrors": mirrors}, indent=2, sort_keys=True) + "\n"


def _parted(reference: str) -> tuple[str, str]:
    """Registry and the rest of an image reference, with what Docker adds to short ones."""
    first, slash, rest = reference.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost"):
        return first, f"library/{rest}" if first == DOCKER_HUB and "/" not in rest else rest
    return DOCKER_HUB, reference if slash else f"library/{reference}"
