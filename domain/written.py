"""What a bundle says that a device has, without the contents."""

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256

from domain.bundle import CALL, FORMAT


@dataclass(frozen=True, kw_only=True)
class WrittenFile:
    """`mode` as `stat` has it (0o644), `owner` as user:group; `when` is for which podman it is (domain.bundle)."""

    path: str
    mode: int
    owner: str
    when: str
    sha256: str


@dataclass(frozen=True, kw_only=True)
class WrittenArtefact:
    """A program by the checksum of what it came in, of which it may be a member."""

    name: str
    sha256: str
    member: str


@dataclass(frozen=True, kw_only=True)
class Written:
    """`image` is the reference and the checksum of its archive or `-`, `units` are names for systemd."""

    workload: str
    artefacts: tuple[WrittenArtefact, ...]
    image: str
    units: tuple[str, ...]
    files: tuple[WrittenFile, ...]


def written(stdin: str) -> Written:
    """What a text for `converge` says (domain.bundle.converge_stdin). Raises ValueError where no whole bundle is in it."""
    _, _, rest = stdin.partition(CALL)
    # Only line feeds end lines: a file may hold any other character.
    lines = rest.split("\n")
    if lines[0] != FORMAT or "end" not in lines:
        raise ValueError(f"there is no whole {FORMAT!r} in it")
    entries = list(_entries(lines[1 : lines.index("end")]))
    words = {kind: [entry.split(" ") for entry, _ in entries if entry.startswith(f"{kind} ")] for kind in _KINDS}
    try:
        return Written(
            workload=next(value for _, key, value in words["set"] if key == "workload"),
            artefacts=tuple(
                WrittenArtefact(name=name, sha256=checksum, member=member)
                for _, name, _, checksum, _, member in words["artefact"]
            ),
            image=next(f"{reference} {checksum}" for _, reference, checksum, _ in words["image"]),
            units=tuple(unit for _, _, unit, *_ in words["unit"]),
            files=tuple(_file(entry, content) for entry, content in entries if entry.startswith("file ")),
        )
    except (StopIteration, ValueError):
        raise ValueError("it has other entries than this version writes") from None


_KINDS = ("set", "artefact", "image", "unit")


def _entries(lines: list[str]) -> Iterator[tuple[str, str]]:
    """Each entry with its content."""
    entry, content = "", list[str]()
    for line in lines:
        if line.startswith(("|", "+")):
            content.append(line[1:] + ("\n" if line.startswith("|") else ""))
            continue
        if entry:
            yield entry, "".join(content)
        entry, content = line, []
    if entry:
        yield entry, "".join(content)


def _file(entry: str, content: str) -> WrittenFile:
    _, mode, owner, when, _, path = entry.split(" ")
    digest = sha256(content.encode()).hexdigest()
    return WrittenFile(path=path, mode=int(mode, 8), owner=owner, when=when, sha256=digest)
