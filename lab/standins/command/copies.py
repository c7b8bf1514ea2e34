"""`command.remote.CopyToRemote` and `CopyFile`: files to another machine over SFTP. Removing the resource leaves them there."""

import secrets
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import asyncssh
import pulumi_command

from lab.standins.base import (
    Archive,
    Asset,
    Call,
    InvalidInputs,
    Problem,
    Properties,
    ProviderError,
    Resource,
    State,
    inputs_of,
)
from lab.standins.command.connection import connected

_ID_BYTES = 4


class CopyToRemote(Resource):
    """Copies `source` again when its content or `remotePath` changes; another connection alone copies nothing."""

    token = "command:remote:CopyToRemote"  # noqa: S105 - a type token
    inputs = inputs_of(pulumi_command.remote.CopyToRemoteArgs)
    secret_inputs = frozenset({"connection"})
    secret_outputs = frozenset({"connection"})
    replace_on = frozenset({"triggers"})

    async def check(self, call: Call, old: Properties, inputs: Properties) -> Properties:
        """The source must be a file, a text or a directory at hand."""
        del call, old
        source = inputs["source"]
        if isinstance(source, Asset) and source.kind == "uri":
            raise InvalidInputs(
                [Problem("source", "must be a FileAsset or a StringAsset; an address cannot be copied")]
            )
        if isinstance(source, Archive) and source.kind != "path":
            raise InvalidInputs([Problem("source", "must be a FileArchive of one path")])
        return inputs

    async def create(self, call: Call, inputs: Properties) -> State:
        """Copies."""
        if not call.preview:
            await _copy(call, inputs)
        return State(id="" if call.preview else secrets.token_hex(_ID_BYTES), outputs=dict(inputs))

    async def update(self, call: Call, id: str, state: Properties, inputs: Properties) -> State:
        """Copies what changed."""
        changed = (
            _hash(state.get("source")) != _hash(inputs["source"]) or state.get("remotePath") != inputs["remotePath"]
        )
        if changed and not call.preview:
            await _copy(call, inputs)
        return State(id=id, outputs=dict(inputs))


class CopyFile(Resource):
    """The deprecated kind: one local path; every change replaces."""

    token = "command:remote:CopyFile"  # noqa: S105 - a type token
    inputs = inputs_of(pulumi_command.remote.CopyFileArgs)
    secret_inputs = frozenset({"connection"})
    secret_outputs = frozenset({"connection"})
    replace_on = frozenset({"connection", "localPath", "remotePath", "triggers"})

    async def create(self, call: Call, inputs: Properties) -> State:
        """Copies."""
        if call.preview:
            return State(outputs=dict(inputs))
        if not Path(inputs["localPath"]).is_file():
            raise ProviderError(f"localPath: there is no file {inputs['localPath']}")
        await _copy(call, {**inputs, "source": Asset("path", inputs["localPath"])})
        return State(id=secrets.token_hex(_ID_BYTES), outputs=dict(inputs))


def _hash(source: Any) -> str:
    return source.hash if isinstance(source, Asset | Archive) else ""


async def _copy(call: Call, inputs: Mapping[str, Any]) -> None:
    source, target = inputs["source"], PurePosixPath(inputs["remotePath"])
    async with connected(call, inputs["connection"]) as connection:
        try:
            async with connection.start_sftp_client() as sftp:
                if source.kind == "text":
                    await _write(sftp, source.value, target)
                else:
                    await _send(sftp, source.value, target)
        except (asyncssh.Error, OSError) as error:
            raise ProviderError(f"remotePath: {target} on {inputs['connection']['host']}: {error}") from None


async def _write(sftp: asyncssh.SFTPClient, content: str, target: PurePosixPath) -> None:
    if await sftp.isdir(str(target)):
        raise ProviderError(f"remotePath: {target} is a directory; for a text it must be the path of a file")
    await sftp.makedirs(str(target.parent), exist_ok=True)
    async with sftp.open(str(target), "w", encoding="utf-8") as file:
        await file.write(content)


async def _send(sftp: asyncssh.SFTPClient, source: str, target: PurePosixPath) -> None:
    """A directory goes into `target` under its own name, or without it when `source` ends with a slash; a file goes to `target` or into it."""
    path = Path(source)
    if not path.exists():
        raise ProviderError(f"source: there is no {source}")
    if await sftp.isdir(str(target)):
        into = target if path.is_dir() and source.endswith("/") else target / path.name
    elif path.is_dir():
        if await sftp.exists(str(target)):
            raise ProviderError(f"remotePath: {target} exists and is not a directory")
        await sftp.makedirs(str(target))
        into = target if source.endswith("/") else target / path.name
    else:
        await sftp.makedirs(str(target.parent), exist_ok=True)
        into = target
    if not path.is_dir():
        await sftp.put(source, str(into))
        return
    # File by file: the library puts a directory into one that exists already, instead of over it.
    await sftp.makedirs(str(into), exist_ok=True)
    for child in sorted(path.rglob("*")):
        there = str(into / child.relative_to(path).as_posix())
        if child.is_dir():
            await sftp.makedirs(there, exist_ok=True)
        else:
            await sftp.put(str(child), there)
