"""The SHA-256 that a download must have: pinned in the catalogue, else what its publisher lists."""

import hashlib
import json
import re
from pathlib import Path

import httpx

from lab.tools.errors import OfficialUnavailable
from lab.tools.reach import Reach

_DIGEST = re.compile(r"[0-9a-f]{64}")
_LARGEST_LIST = 4 * 1024 * 1024  # bytes; GitHub's record of a release with many files is near 1 MB


def published(reach: Reach, url: str, file_name: str) -> str:
    """The digest of `file_name` in the publisher's list at `url`. OfficialUnavailable when there is none."""
    reach.demand(url)
    try:
        answer = reach.client.get(url)
        answer.raise_for_status()
    except httpx.RequestError as error:
        reach.silent(error)
        raise OfficialUnavailable(f"no checksum from {url} ({error})") from error
    except httpx.HTTPStatusError as error:
        raise OfficialUnavailable(f"no checksum: {url} answered {error.response.status_code}") from error
    digest = find(answer.text[:_LARGEST_LIST], file_name)
    if digest is None:
        raise OfficialUnavailable(f"no checksum for {file_name} in {url}; a download without one is not used")
    return digest


def find(text: str, file_name: str) -> str | None:
    """The digest of a file in any of the forms that publishers use, or None.

    A lone digest; lines `<digest>  <file>`, the file with `*` or a path before it; GitHub's JSON record of a release.
    """
    if text.lstrip().startswith("{"):
        return _from_release(text, file_name)
    lines = [line.split() for line in text.splitlines() if line.strip()]
    if len(lines) == 1 and len(lines[0]) == 1:
        return _digest(lines[0][0])
    for words in lines:
        if len(words) == 2 and words[1].lstrip("*").rsplit("/", 1)[-1] == file_name:
            return _digest(words[0])
    return None


def of(path: Path) -> str:
    """SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _from_release(text: str, file_name: str) -> str | None:
    try:
        assets = json.loads(text)["assets"]
        digests = {asset["name"]: asset["digest"] or "" for asset in assets}
    except (ValueError, KeyError, TypeError):
        return None
    return _digest(digests.get(file_name, "").removeprefix("sha256:"))


def _digest(word: str) -> str | None:
    return word.lower() if _DIGEST.fullmatch(word.lower()) else None
