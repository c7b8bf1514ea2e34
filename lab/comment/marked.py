"""What the engine writes in place of a value that is more than data, or not known yet."""

from collections.abc import Mapping
from typing import Any

# sdk/go/common/resource/sig: the key by which such a value is known, and those of files and directories.
SIGNATURE = "4dabf18193072939515e22adb298388d"
_FILE = "c44067f5952c0a294b673a41bacd8c17"
_ARCHIVE = "0def7320c3a5731c473e5ecbe6d01bc7"
# sdk/go/common/resource/plugin: a boolean, number, text, list, file, archive and object that the update will tell.
_UNKNOWN = frozenset(
    {
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
        "04da6b54-80e4-46f7-96ec-b56ff0331ba9",
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
        "030794c1-ac77-496b-92df-f27374a8bd58",
        "e48ece36-62e2-4504-bad9-02848725956a",
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
    }
)
LATER = "(known after the update)"
_SHOWN = 12  # characters of a hash


def is_unknown(text: str) -> bool:
    """Whether a text stands for a value that nobody knows yet."""
    return text in _UNKNOWN


def file(value: Mapping[str, Any]) -> str | None:
    """A file or an archive by the beginning of its SHA-256, and nothing of what is in it; None for any other mark."""
    kind = {_FILE: "file", _ARCHIVE: "archive"}.get(str(value.get(SIGNATURE)))
    digest = value.get("hash")
    if kind is None or not isinstance(digest, str) or len(digest) != 64 or not set(digest) <= set("0123456789abcdef"):
        return None
    return f"({kind} {digest[:_SHOWN]}…)"
