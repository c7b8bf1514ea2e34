"""One file over HTTP: continued where it was cut, refused when its SHA-256 is another."""

from pathlib import Path

import httpx

from lab.tools import checksum
from lab.tools.errors import OfficialUnavailable
from lab.tools.reach import Reach

_ATTEMPTS = 4  # a long download over a bad line is cut more than once
_OK, _PARTIAL, _RANGE_REFUSED = 200, 206, 416


def fetch(reach: Reach, url: str, sha256: str, target: Path) -> None:
    """Leave the file at `target`, complete and verified, or raise OfficialUnavailable.

    What arrived before a cut stays in `<target>.part`, also over runs, and is continued by HTTP Range.
    """
    part = target.with_name(target.name + ".part")
    target.parent.mkdir(parents=True, exist_ok=True)
    reach.demand(url)
    continued = part.exists()
    _receive(reach, url, part)
    if checksum.of(part) != sha256 and continued:
        # What lay there may have been the start of another file, or damaged: once more from nothing.
        part.unlink()
        _receive(reach, url, part)
    found = checksum.of(part)
    if found != sha256:
        part.unlink()
        raise OfficialUnavailable(f"{url} has SHA-256 {found}, expected {sha256}; the file was thrown away")
    part.replace(target)


def _receive(reach: Reach, url: str, part: Path) -> None:
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            _continue(reach, url, part)
        except httpx.RequestError as error:
            reach.silent(error)
            if attempt == _ATTEMPTS:
                raise OfficialUnavailable(f"{url} was cut {_ATTEMPTS} times ({error})") from error
        else:
            return


def _continue(reach: Reach, url: str, part: Path) -> None:
    held = part.stat().st_size if part.exists() else 0
    wanted = {"Range": f"bytes={held}-"} if held else {}
    # A compressed transfer counts other bytes than the file's, and could not be continued.
    with reach.client.stream("GET", url, headers={"Accept-Encoding": "identity", **wanted}) as answer:
        if answer.status_code == _RANGE_REFUSED:
            return  # nothing is left to send: the checksum decides
        if answer.status_code not in (_OK, _PARTIAL):
            raise OfficialUnavailable(f"{url} answered {answer.status_code}")
        with part.open("ab" if _goes_on_at(answer, held) else "wb") as file:
            for block in answer.iter_raw():
                file.write(block)


def _goes_on_at(answer: httpx.Response, held: int) -> bool:
    return answer.status_code == _PARTIAL and answer.headers.get("Content-Range", "").startswith(f"bytes {held}-")
