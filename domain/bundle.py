"""One text that says everything a device shall have, and the texts that are sent to a device's shell.

The form is line by line, so that a change shows as a diff in the preview:

    bundle 1
    set <key> <value>
    artefact <name> <parts> <sha256> <source> <member or ->
    image <reference> <sha256 of the archive or -> <pushed:path or pull>
    unit <part> <unit> <seconds> <fix>
    file <mode> <owner>:<group> <when> <parts> <path>
    |<a line of the file>
    +<a last line of the file that ends without a line break>
    end

`parts` are comma-separated names of what starts again after a change, or `-`; `when` is `always`, `quadlet` or `plain`.
"""

import re
from collections.abc import Collection, Iterable

from domain.device import BINARIES, INCOMING, LEAVE, SSH_PORT, Artefact, Device, DeviceAssets, Image, Preflight
from domain.device_files import CONFIGURATION, device_files
from domain.parts import SYSTEMD, container_manager, parts, readers
from domain.proxy import PORTS
from domain.shell import assignments, closed

FORMAT = "bundle 1"
CALL = "converge <<'BUNDLE'\n"  # what comes before a bundle in the text that is sent
_SHA256 = re.compile(r"[0-9a-f]{64}")
_WORD = re.compile(r"[!-~]+")


def bundle(device: Device, assets: DeviceAssets) -> str:
    """The device's bundle; the same device and assets give the same text.

    Raises ValueError for what a device cannot be given; the message names the value, what is expected and the fix.
    """
    if device.workload.port in (SSH_PORT, *PORTS):
        raise ValueError(
            f"port: {device.workload.port} is taken by SSH or the proxy; expected another port of the workload; "
            "fix: let the workload listen elsewhere"
        )
    own_server = device.server is not None
    files = {**assets.files, **(assets.bundled if own_server else {}), LEAVE: assets.leave, **device_files(device)}
    units = parts(bundled=own_server)
    known = {SYSTEMD, *(part.name for part in units)}
    return "".join(
        (
            f"{FORMAT}\n",
            f"set workload {device.workload.name}\n",
            *(_artefact(artefact, known) for artefact in device.artefacts),
            _image(device.image),
            *(f"unit {part.name} {part.unit} {part.seconds} {part.fix}\n" for part in units),
            *(_file(path, files[path], known) for path in sorted(files)),
            "end\n",
        )
    )


def converge_stdin(bundle_text: str, assets: DeviceAssets) -> str:
    """What is sent to `sh -s` to make the device as the bundle says. A text that was cut short runs nothing."""
    return closed(assets.converge, f"{CALL}{bundle_text}BUNDLE\n")


def prepare_stdin(preflight: Preflight, assets: DeviceAssets) -> str:
    """What is sent to `sh -s` to check the machine, and to get its certificate request as one JSON line."""
    values = assignments({**preflight_values(preflight), "GENERATION": str(preflight.generation)})
    return closed(assets.prepare, f"{values}prepare <<'LEAVE'\n{assets.leave}LEAVE\n")


def preflight_values(preflight: Preflight) -> dict[str, str]:
    """The variables that the checks of a machine read."""
    return {
        "WORKLOAD": preflight.workload.name,
        "PORT": str(preflight.workload.port),
        "ADDRESSES": _joined(preflight.workload.addresses),
        "NODES": _joined(preflight.nodes),
        "NOT_BEFORE": str(preflight.not_before),
        "NOT_AFTER": str(preflight.not_after),
        "ARCHITECTURES": _joined(preflight.architectures),
        "PUSHED": preflight.pushed or "",
        "SERVER_PORT": "" if preflight.server_port is None else str(preflight.server_port),
    }


def leave_command(*, parts: bool, sudo: bool) -> str:
    """The command that takes a device out: with `parts` all but its key and what was pushed. Nothing there is success."""
    argument = " parts" if parts else ""
    return f"if test -x {LEAVE}; then {'sudo -n ' if sudo else ''}{LEAVE}{argument}; fi"


def _file(path: str, content: str, known: Collection[str]) -> str:
    if "\0" in content:
        raise ValueError(f"{path}: holds a NUL character; expected text; fix: remove it")
    lines = content.split("\n")
    last = lines.pop()
    return "".join(
        (
            f"file {_mode(path)} root:root {container_manager(path)} {_restarts(path, known)} {_word(path, 'path')}\n",
            *(f"|{line}\n" for line in lines),
            f"+{last}\n" if last else "",
        )
    )


def _mode(path: str) -> str:
    if path == f"{CONFIGURATION}/workload.env":
        return "0600"  # the only one that may hold secrets
    return "0755" if path.startswith(f"{BINARIES}/") else "0644"


def _artefact(artefact: Artefact, known: Collection[str]) -> str:
    source = artefact.source or f"pushed:{INCOMING}/{artefact.name}"
    if not source.startswith(("https://", "pushed:")):
        raise ValueError(
            f"artefact {artefact.name}: {source!r} is not fetched over https; expected an https URL; fix: use one"
        )
    words = (
        _word(artefact.name, "artefact"),
        _restarts(f"{BINARIES}/{artefact.name}", known),
        _checksum(artefact.sha256, f"artefact {artefact.name}"),
        _word(source, f"artefact {artefact.name}"),
        _word(artefact.member or "-", f"artefact {artefact.name}"),
    )
    return f"artefact {' '.join(words)}\n"


def _image(image: Image) -> str:
    reference = _word(image.reference, "image")
    if image.archive_sha256 is None:
        return f"image {reference} - pull\n"
    return f"image {reference} {_checksum(image.archive_sha256, 'image')} pushed:{INCOMING}/workload.tar\n"


def _restarts(path: str, known: Collection[str]) -> str:
    return ",".join(name for name in readers(path) if name in known) or "-"


def _joined(values: Iterable[object]) -> str:
    return " ".join(str(value) for value in values)


def _checksum(text: str, what: str) -> str:
    if not _SHA256.fullmatch(text):
        raise ValueError(
            f"{what}: {text!r} is no SHA-256; expected 64 lower-case hex digits; fix: take it from sha256sum"
        )
    return text


def _word(text: str, what: str) -> str:
    if not _WORD.fullmatch(text):
        raise ValueError(f"{what}: {text!r} has blanks or odd characters; expected one word; fix: rename it")
    return text
