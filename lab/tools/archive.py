"""Takes named files out of a tar archive, and nothing else."""

import shutil
import tarfile
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath

from lab.tools.errors import OfficialUnavailable


def unpack(archive: Path, members: Mapping[str, str], target: Path) -> None:
    """Write each named member to its plain file name below `target`, executable.

    The archive decides nothing but the bytes: not where a file goes, not its mode. OfficialUnavailable when a member
    is missing or not a regular file, or when any name in the archive leaves it: such an archive is not to be trusted.
    """
    try:
        with tarfile.open(archive) as file:
            held = {str(PurePosixPath(member.name)): member for member in file.getmembers()}
            _refuse_escapes(archive, held.values())
            for name, kept_as in members.items():
                member = held.get(name)
                source = file.extractfile(member) if member is not None and member.isreg() else None
                if source is None:
                    raise OfficialUnavailable(f"{archive.name} holds no file {name}")
                destination = target / kept_as
                with source, destination.open("wb") as copy:
                    shutil.copyfileobj(source, copy)
                destination.chmod(0o755)
    except tarfile.TarError as error:
        raise OfficialUnavailable(f"{archive.name} is not a tar archive ({error})") from error


def _refuse_escapes(archive: Path, members: Iterable[tarfile.TarInfo]) -> None:
    for member in members:
        path = PurePosixPath(member.name)
        if path.is_absolute() or ".." in path.parts:
            raise OfficialUnavailable(f"{archive.name} names {member.name}, outside of itself; nothing was unpacked")
