"""What devices are given, as it lies on this machine or at a registry: is it made for their processors?"""

import asyncio
import json
import struct
import tarfile
from collections.abc import AsyncIterator, Collection, Mapping
from pathlib import Path

from lab.doctor import image_registry
from lab.doctor.finding import Finding, failed, not_checked, ok
from settings import Settings, files
from settings.edge_checks import image, programs

CHECK = "artefacts"
_MACHINES = {0x3E: "amd64", 0xB7: "arm64"}  # e_machine of ELF
_SHOWN = 3


def program_architecture(file: Path) -> str | None:
    """What a program is made for; None when it is no ELF file of a known processor, such as a script."""
    with file.open("rb") as content:
        head = content.read(20)
    if len(head) < 20 or head[:4] != b"\x7fELF":
        return None
    return _MACHINES.get(struct.unpack("<H", head[18:20])[0])


def archive_architectures(file: Path) -> set[str]:
    """What the images of an archive, as `docker save` writes it, are made for. ValueError for what is no such archive."""
    try:
        with tarfile.open(file) as archive:
            listed = archive.extractfile("manifest.json")
            entries = json.load(listed) if listed else []
            configs = [archive.extractfile(entry["Config"]) for entry in entries]
            return {str(json.load(config)["architecture"]) for config in configs if config}
    except (tarfile.TarError, OSError, KeyError, TypeError) as error:
        raise ValueError(str(error)) from None


def pushed_architecture(settings: Settings, project: Path) -> str | None:
    """What the programs that are pushed to devices are made for; None when they are not pushed, or not all the same."""
    if settings.edge.artefacts is None:
        return None
    found = {program_architecture(file) for file in _files(settings, project) if file.is_file()} - {None}
    return found.pop() if len(found) == 1 else None


async def check(settings: Settings, wanted: Mapping[str, str], project: Path) -> AsyncIterator[Finding]:
    """Programs and images for the devices `wanted`: their processor (`amd64`, `arm64`) by the workload's name."""
    if not wanted:
        return
    if settings.edge.artefacts is not None:
        yield _programs(settings, wanted, project)
    if settings.edge.image_archive is not None:
        yield _archive(settings, wanted, project)
        return
    images: dict[str, dict[str, str]] = {}
    for workload in settings.workloads:
        if workload.name in wanted and (reference := image(settings, workload)) is not None:
            images.setdefault(settings.mirrors.places.image(reference), {})[workload.name] = wanted[workload.name]
    for found in await asyncio.gather(*(_image(reference, which) for reference, which in sorted(images.items()))):
        yield found


def _files(settings: Settings, project: Path) -> list[Path]:
    directory = project / files.expanded(str(settings.edge.artefacts))
    return [directory / name for name in programs(settings)]


def _misfits(made: Collection[str], wanted: Mapping[str, str]) -> tuple[str, str] | None:
    """Devices that it is not made for, in words, and what the first of them is."""
    wrong = {name: architecture for name, architecture in wanted.items() if architecture and architecture not in made}
    if not wrong:
        return None
    some = ", ".join(list(wrong)[:_SHOWN]) + (f" and {len(wrong) - _SHOWN} more" if len(wrong) > _SHOWN else "")
    first = next(iter(wrong.values()))
    return f"{some} {'is' if len(wrong) == 1 else 'are'} {first}", first


def _programs(settings: Settings, wanted: Mapping[str, str], project: Path) -> Finding:
    name, there = "edge.artefacts", _files(settings, project)
    if not all(file.is_file() for file in there):
        return not_checked(CHECK, name, "not all of them are there")
    made = {file: program_architecture(file) for file in there}
    for file, architecture in made.items():
        if architecture and (misfits := _misfits({architecture}, wanted)):
            cause = f"{file.name} is made for {architecture}, but {misfits[0]}"
            return failed(CHECK, name, cause, f"file {file}, and put one for {misfits[1]} there")
    words = ", ".join(f"{file.name} for {architecture or 'any'}" for file, architecture in made.items())
    return ok(CHECK, name, words)


def _archive(settings: Settings, wanted: Mapping[str, str], project: Path) -> Finding:
    file = project / files.expanded(str(settings.edge.image_archive))
    name, reference = "edge.image-archive", settings.edge.image or "IMAGE"
    if not file.is_file():
        return not_checked(CHECK, name, "it is not there")
    try:
        made = archive_architectures(file)
    except ValueError as error:
        return failed(CHECK, name, f"{file} is no archive of an image: {error}", f"docker save {reference} -o {file}")
    if misfits := _misfits(made, wanted):
        cause = f"its image is made for {' and '.join(sorted(made)) or 'nothing'}, but {misfits[0]}"
        pull = f"docker pull --platform linux/{misfits[1]} {reference}"
        return failed(CHECK, name, cause, f"{pull} && docker save {reference} -o {file}")
    return ok(CHECK, name, f"an image for {' and '.join(sorted(made))}")


async def _image(reference: str, wanted: Mapping[str, str]) -> Finding:
    following = f"docker manifest inspect {reference}"
    try:
        made = await asyncio.to_thread(image_registry.architectures, reference)
    except image_registry.NoImage as error:
        return failed(CHECK, reference, str(error), following)
    except image_registry.Unknown as error:
        return not_checked(CHECK, reference, str(error), following)
    words = " and ".join(sorted(made))
    if misfits := _misfits(made, wanted):
        return failed(CHECK, reference, f"it is there for {words}, but {misfits[0]}", following)
    return ok(CHECK, reference, f"it is there for {words}")
