"""The files that a container is given before it starts, as one tar archive."""

import base64
import io
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lab.standins.base import ProviderError

PLAIN, EXECUTABLE = 0o644, 0o744


def upload_archive(uploads: Sequence[Mapping[str, Any]]) -> bytes:
    """An archive to unpack at `/`, empty without uploads; raises ProviderError for a source that cannot be read."""
    if not uploads:
        return b""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for upload in uploads:
            content = _content(upload)
            entry = tarfile.TarInfo(upload["file"].lstrip("/"))
            entry.mode = _mode(upload)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return archive.getvalue()


def _content(upload: Mapping[str, Any]) -> bytes:
    if upload.get("contentBase64"):
        return base64.b64decode(upload["contentBase64"])
    if upload.get("source"):
        try:
            return Path(upload["source"]).read_bytes()
        except OSError as fault:
            raise ProviderError(f"upload {upload['file']}: cannot read its source: {fault}") from fault
    return str(upload["content"]).encode()


def _mode(upload: Mapping[str, Any]) -> int:
    if upload.get("permissions"):
        return int(upload["permissions"], 8)
    return EXECUTABLE if upload.get("executable") else PLAIN
