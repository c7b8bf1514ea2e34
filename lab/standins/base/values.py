"""Property values between the engine's wire form and plain Python; secrecy is kept beside the values, as a set of paths."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from google.protobuf import struct_pb2
from pulumi.runtime import rpc

Properties = dict[str, Any]
Path = tuple[str | int, ...]
Secrets = frozenset[Path]

# One sentinel a kind of value: string (also "any"), boolean, number, array, asset, archive, object.
UNKNOWN_SENTINELS = frozenset(
    {
        rpc.UNKNOWN,
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
        "030794c1-ac77-496b-92df-f27374a8bd58",
        "e48ece36-62e2-4504-bad9-02848725956a",
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
    }
)


class Unknown:
    """The one value of this type, `UNKNOWN`, stands for what a preview cannot know yet."""

    def __repr__(self) -> str:
        """Shown in messages."""
        return "UNKNOWN"


UNKNOWN = Unknown()


@dataclass(frozen=True)
class Asset:
    """A file, a text or an address; `hash` is the engine's SHA-256 of the content and goes back to it unchanged.

    In an old state the engine may leave the content out (`elided`) and puts it back by the hash.
    """

    kind: Literal["path", "text", "uri", "elided"]
    value: str
    hash: str = ""


@dataclass(frozen=True)
class Archive:
    """A packed file or directory (`path`), an address (`uri`) or named parts (`assets`); `elided` as with `Asset`."""

    kind: Literal["path", "uri", "assets", "elided"]
    value: str | Mapping[str, "Asset | Archive"]
    hash: str = ""


def decode(properties: struct_pb2.Struct) -> tuple[Properties, Secrets]:
    """Plain values of the engine's properties, and the paths that are secret."""
    secrets: set[Path] = set()
    return {name: _decode(value, (name,), secrets) for name, value in properties.fields.items()}, frozenset(secrets)


def _decode(value: struct_pb2.Value, path: Path, secrets: set[Path]) -> Any:
    match value.WhichOneof("kind"):
        case "number_value":
            number = value.number_value
            return int(number) if number.is_integer() else number
        case "string_value":
            return UNKNOWN if value.string_value in UNKNOWN_SENTINELS else value.string_value
        case "bool_value":
            return value.bool_value
        case "list_value":
            return [_decode(item, (*path, index), secrets) for index, item in enumerate(value.list_value.values)]
        case "struct_value":
            return _decode_object(value.struct_value.fields, path, secrets)
        case _:
            return None


def _decode_object(fields: Mapping[str, struct_pb2.Value], path: Path, secrets: set[Path]) -> Any:
    signature = fields[rpc._special_sig_key].string_value if rpc._special_sig_key in fields else None
    if signature is None:
        return {name: _decode(item, (*path, name), secrets) for name, item in fields.items()}
    if signature == rpc._special_secret_sig:
        secrets.add(path)
        return _decode(fields["value"], path, secrets)
    if signature == rpc._special_asset_sig:
        for kind in ("path", "text", "uri"):
            if kind in fields:
                return Asset(kind, fields[kind].string_value, _hash(fields))
        return Asset("elided", "", _hash(fields))
    if signature == rpc._special_archive_sig:
        for source in ("path", "uri"):
            if source in fields:
                return Archive(source, fields[source].string_value, _hash(fields))
        if "assets" not in fields:
            return Archive("elided", "", _hash(fields))
        parts = fields["assets"].struct_value.fields
        return Archive(
            "assets", {name: _decode(item, (*path, name), secrets) for name, item in parts.items()}, _hash(fields)
        )
    if signature == rpc._special_output_value_sig:
        if "secret" in fields and fields["secret"].bool_value:
            secrets.add(path)
        return _decode(fields["value"], path, secrets) if "value" in fields else UNKNOWN
    raise ValueError(f"property {dotted(path)}: a value of the engine's kind {signature} is not supported")


def _hash(fields: Mapping[str, struct_pb2.Value]) -> str:
    return fields["hash"].string_value if "hash" in fields else ""


def encode(properties: Mapping[str, Any], secrets: Secrets = frozenset()) -> struct_pb2.Struct:
    """The engine's form of plain values; what lies at a path of `secrets` is marked secret."""
    return struct_pb2.Struct(fields={name: _encode(value, (name,), secrets) for name, value in properties.items()})


def _encode(value: Any, path: Path, secrets: Secrets) -> struct_pb2.Value:
    encoded = _encode_plain(value, path, secrets)
    if path not in secrets:
        return encoded
    return _struct({rpc._special_sig_key: _text(rpc._special_secret_sig), "value": encoded})


def _encode_plain(value: Any, path: Path, secrets: Secrets) -> struct_pb2.Value:
    match value:
        case None:
            return struct_pb2.Value(null_value=struct_pb2.NULL_VALUE)
        case Unknown():
            return _text(rpc.UNKNOWN)
        case bool():
            return struct_pb2.Value(bool_value=value)
        case int() | float():
            return struct_pb2.Value(number_value=value)
        case str():
            return _text(value)
        case Asset(kind="elided"):
            return _signed(rpc._special_asset_sig, value.hash, {})
        case Archive(kind="elided"):
            return _signed(rpc._special_archive_sig, value.hash, {})
        case Asset():
            return _signed(rpc._special_asset_sig, value.hash, {value.kind: _text(value.value)})
        case Archive(kind="assets"):
            assert isinstance(value.value, Mapping)  # noqa: S101 - by the kind
            parts = {name: _encode_plain(part, (*path, name), secrets) for name, part in value.value.items()}
            return _signed(rpc._special_archive_sig, value.hash, {"assets": _struct(parts)})
        case Archive():
            return _signed(rpc._special_archive_sig, value.hash, {value.kind: _text(str(value.value))})
        case list() | tuple():
            items = [_encode(item, (*path, index), secrets) for index, item in enumerate(value)]
            return struct_pb2.Value(list_value=struct_pb2.ListValue(values=items))
        case Mapping():
            return _struct({str(name): _encode(item, (*path, str(name)), secrets) for name, item in value.items()})
    raise TypeError(f"property {dotted(path)}: the engine has no form for a {type(value).__name__}")


def _text(value: str) -> struct_pb2.Value:
    return struct_pb2.Value(string_value=value)


def _struct(fields: Mapping[str, struct_pb2.Value]) -> struct_pb2.Value:
    return struct_pb2.Value(struct_value=struct_pb2.Struct(fields=fields))


def _signed(signature: str, digest: str, fields: Mapping[str, struct_pb2.Value]) -> struct_pb2.Value:
    known = {rpc._special_sig_key: _text(signature), **fields}
    return _struct(known | ({"hash": _text(digest)} if digest else {}))


def dotted(path: Path) -> str:
    """A path as the engine writes it: `spec.ports[0].name`, `labels["a.b/c"]`."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        elif part.replace("_", "").replace("-", "").isalnum():
            text += f".{part}" if text else part
        else:
            quoted = part.replace("\\", "\\\\").replace('"', '\\"')
            text += f'["{quoted}"]'
    return text


def walk(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every value below (and with) `value`, with its path."""
    yield path, value
    if isinstance(value, Mapping):
        for name, item in value.items():
            yield from walk(item, (*path, name))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from walk(item, (*path, index))


def has_unknown(value: Any) -> bool:
    """Whether `UNKNOWN` is `value` or lies anywhere below it."""
    return any(item is UNKNOWN for _, item in walk(value))
