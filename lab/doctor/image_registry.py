"""Asks an image's registry what the image is made for, as anybody may; no name and no password is sent."""

import re
from typing import Any, NamedTuple

import httpx

_SECONDS = 5.0
_LISTS = ("application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json")
_ONE = ("application/vnd.oci.image.manifest.v1+json", "application/vnd.docker.distribution.manifest.v2+json")
_CHALLENGE = re.compile(r'(\w+)="([^"]*)"')


class NoImage(Exception):
    """The registry says that there is no such image."""


class Unknown(Exception):
    """The registry does not answer, or not to anybody."""


class Reference(NamedTuple):
    """`ghcr.io/owner/name:tag` in its parts; `version` is a tag or a digest."""

    registry: str
    name: str
    version: str


def parse(text: str) -> Reference:
    """An image's name as podman and docker read it."""
    rest, _, digest = text.partition("@")
    head, slash, tail = rest.partition("/")
    if not slash or not ("." in head or ":" in head or head == "localhost"):
        head, tail = "docker.io", rest
    name, colon, tag = tail.rpartition(":")
    if not colon:
        name, tag = tail, "latest"
    if head == "docker.io":
        head = "registry-1.docker.io"
        name = name if "/" in name else f"library/{name}"
    return Reference(head, name, digest or tag)


def architectures(text: str, client: httpx.Client | None = None) -> set[str]:
    """The processors (`amd64`, `arm64`) that an image is made for. Raises NoImage or Unknown."""
    image = parse(text)
    if image.registry == "localhost":
        raise Unknown(f"{text} is kept by no registry, so devices cannot pull it: it has to be there already")
    try:
        with client or httpx.Client(timeout=_SECONDS, follow_redirects=True) as session:
            return _architectures(session, image, text)
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        raise Unknown(f"{image.registry} does not answer this machine: {error or type(error).__name__}") from None


def _architectures(session: httpx.Client, image: Reference, text: str) -> set[str]:
    base = f"https://{image.registry}/v2/{image.name}"
    answer = session.get(f"{base}/manifests/{image.version}", headers={"Accept": ", ".join((*_LISTS, *_ONE))})
    headers = {"Accept": ", ".join((*_LISTS, *_ONE))}
    if answer.status_code == httpx.codes.UNAUTHORIZED:
        headers["Authorization"] = f"Bearer {_token(session, answer)}"
        answer = session.get(f"{base}/manifests/{image.version}", headers=headers)
    if answer.status_code == httpx.codes.NOT_FOUND:
        raise NoImage(f"{image.registry} has no {image.name} of version {image.version}: devices cannot pull {text}")
    if answer.status_code in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
        raise Unknown(f"{image.registry} shows {image.name} to nobody without a login")
    manifest: dict[str, Any] = answer.raise_for_status().json()
    if "manifests" in manifest:
        found = {str(item.get("platform", {}).get("architecture")) for item in manifest["manifests"]}
        return found - {"unknown", "None"}
    config = session.get(f"{base}/blobs/{manifest['config']['digest']}", headers=headers).raise_for_status().json()
    return {str(config["architecture"])}


def _token(session: httpx.Client, answer: httpx.Response) -> str:
    """What a registry gives to anybody for reading a public image."""
    challenge = dict(_CHALLENGE.findall(answer.headers.get("WWW-Authenticate", "")))
    if "realm" not in challenge:
        return ""
    asked = {name: challenge[name] for name in ("service", "scope") if name in challenge}
    given: dict[str, Any] = session.get(challenge["realm"], params=asked).raise_for_status().json()
    return str(given.get("token") or given.get("access_token") or "")
