"""An image is the same tomorrow: it is named by its content, or by a tag that says a version."""

import re
from collections.abc import Iterator
from typing import Any

from .resource import Resource, mappings
from .rule import ResourceRule

_CONTENT = re.compile(r"(^|@)sha256:[0-9a-f]{64}$")
_MOVING = {"latest", "edge", "main", "master", "nightly", "stable", "dev"}
_DOCKER = {
    "docker:index/container:Container": "image",
    "docker:index/remoteImage:RemoteImage": "name",
    "docker:index/image:Image": "imageName",
}


def problem(reference: str) -> str | None:
    """What is wrong with a reference to an image; None when it is pinned."""
    if _CONTENT.search(reference):
        return None
    last = reference.rsplit("/", 1)[-1]
    _, colon, tag = last.partition(":")
    if not colon:
        return f"{reference!r} has no tag, so it means the newest one"
    if tag.lower() in _MOVING:
        return f"{reference!r} has a tag that moves"
    return None


def _check(resource: Resource) -> Iterator[str]:
    for path, reference in _references(resource):
        wrong = problem(reference)
        if wrong:
            yield f"{path}: {wrong}. Name a version (image:1.2.3) or the content (image@sha256:...)"


def _references(resource: Resource) -> Iterator[tuple[str, str]]:
    """Images of a Docker resource, of pods at any depth, and of the values of a chart."""
    own = _DOCKER.get(resource.type)
    if own and isinstance(said := resource.get(own), str):
        yield own, said
    if not resource.type.startswith("kubernetes:"):
        return
    for path, item in mappings(resource.inputs):
        image = item.get("image")
        if isinstance(image, str) and image:
            yield f"{path}.image", image
        elif isinstance(image, dict):
            yield from _of_a_chart(f"{path}.image".lstrip("."), image)


def _of_a_chart(path: str, image: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """`repository` with `tag` or `digest`; where the chart is left to choose the tag, its own version pins it."""
    tag, digest = image.get("tag"), image.get("digest")
    name = image.get("repository") or image.get("name")
    if isinstance(digest, str) and digest:
        return
    if isinstance(name, str) and isinstance(tag, str) and tag:
        yield path, f"{name}:{tag}"


RULE = ResourceRule(
    name="image-pinned",
    description="Every image is named by its content or by a tag that does not move.",
    check=_check,
)
