"""What a container's inputs must hold beyond their types; the official plugin refuses the same. Pure."""

import base64
import binascii
import re
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import Any

from lab.standins.base import UNKNOWN, Problem, Properties
from lab.standins.docker.payload import nanoseconds

PATTERNS = {
    "restart": (r"no|on-failure|always|unless-stopped", "must be one of no, on-failure, always, unless-stopped"),
    "cpuSet": (r"\d+([,-]\d+)*", "must be a list of processors such as 0-2,4"),
    "cgroupnsMode": (r"private|host|", "must be private or host"),
}
LEAST = {
    "memory": 0,
    "memoryReservation": 0,
    "memorySwap": -1,
    "shmSize": 0,
    "cpuShares": 0,
    "cpuPeriod": 0,
    "cpuQuota": 0,
}
MOUNT_TYPES = ("bind", "volume", "tmpfs")
PROPAGATIONS = ("private", "rprivate", "shared", "rshared", "slave", "rslave")
DURATIONS = ("interval", "timeout", "startPeriod", "startInterval")
UPLOAD_SOURCES = ("content", "contentBase64", "source")


def container_problems(inputs: Properties) -> list[Problem]:
    """Every problem; unknown values of a preview are passed over."""
    return [*_simple(inputs), *_mounts(inputs), *_volumes(inputs), *_uploads(inputs), *_healthcheck(inputs)]


def _simple(inputs: Properties) -> Iterator[Problem]:
    for name, (pattern, expected) in PATTERNS.items():
        value = inputs.get(name, "")
        if isinstance(value, str) and value and not re.fullmatch(pattern, value):
            yield Problem(name, f"{expected}, not {value!r}")
    for name, least in LEAST.items():
        value = inputs.get(name, least)
        if isinstance(value, int) and value < least:
            yield Problem(name, f"must be {least} or more, not {value}")
    if "" in _list(inputs, "command"):
        yield Problem("command", "must hold no empty words")
    cpus = inputs.get("cpus", "1")
    if isinstance(cpus, str) and not _is_number(cpus):
        yield Problem("cpus", f"must be a number of processors such as 1.5, not {cpus!r}")
    if inputs.get("rm") is True and inputs.get("restart") not in ("no", UNKNOWN):
        yield Problem("rm", "cannot be set together with a restart policy: the engine refuses it")


def _mounts(inputs: Properties) -> Iterator[Problem]:
    for index, mount in enumerate(_list(inputs, "mounts")):
        kind = mount.get("type")
        if kind is not UNKNOWN and kind not in MOUNT_TYPES:
            yield Problem(f"mounts[{index}].type", f"must be one of {', '.join(MOUNT_TYPES)}, not {kind!r}")
        propagation = mount.get("bindOptions", {}).get("propagation", PROPAGATIONS[0])
        if propagation is not UNKNOWN and propagation not in PROPAGATIONS:
            yield Problem(
                f"mounts[{index}].bindOptions.propagation",
                f"must be one of {', '.join(PROPAGATIONS)}, not {propagation!r}",
            )


def _volumes(inputs: Properties) -> Iterator[Problem]:
    for index, volume in enumerate(_list(inputs, "volumes")):
        at = f"volumes[{index}]"
        if bool(volume.get("fromContainer")) == bool(volume.get("containerPath")):
            yield Problem(at, "needs either containerPath (with hostPath or volumeName) or fromContainer")
        host = volume.get("hostPath", "/")
        if isinstance(host, str) and not host.startswith("/"):
            yield Problem(f"{at}.hostPath", f"must be an absolute path, not {host!r}")
        if volume.get("selinuxRelabel", "z") not in ("z", "Z", UNKNOWN):
            yield Problem(f"{at}.selinuxRelabel", "must be z or Z")


def _uploads(inputs: Properties) -> Iterator[Problem]:
    for index, upload in enumerate(_list(inputs, "uploads")):
        at = f"uploads[{index}]"
        if len([name for name in UPLOAD_SOURCES if upload.get(name)]) != 1:
            yield Problem(at, f"needs exactly one of {', '.join(UPLOAD_SOURCES)}")
        permissions = upload.get("permissions", "0644")
        if isinstance(permissions, str) and not re.fullmatch(r"0[0-7]{3}", permissions):
            yield Problem(f"{at}.permissions", f"must be octal such as 0644, not {permissions!r}")
        encoded = upload.get("contentBase64", "")
        if isinstance(encoded, str) and not _is_base64(encoded):
            yield Problem(f"{at}.contentBase64", "must be base64")


def _healthcheck(inputs: Properties) -> Iterator[Problem]:
    check = inputs.get("healthcheck", {})
    for name in DURATIONS if isinstance(check, dict) else ():
        value = check.get(name, "0s")
        if isinstance(value, str):
            try:
                nanoseconds(value)
            except ValueError as error:
                yield Problem(f"healthcheck.{name}", str(error))


def _list(inputs: Properties, name: str) -> list[Any]:
    """The known members of a list that may itself be unknown."""
    value = inputs.get(name, [])
    return [item for item in value if item is not UNKNOWN] if isinstance(value, list) else []


def _is_number(value: str) -> bool:
    try:
        return Decimal(value) >= 0
    except InvalidOperation:
        return False


def _is_base64(value: str) -> bool:
    try:
        base64.b64decode(value, validate=True)
    except binascii.Error:
        return False
    return True
