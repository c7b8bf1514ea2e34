"""Reads the inputs of a resource out of its official SDK, so that a stand-in knows exactly the properties that the SDK knows."""

import collections.abc
import inspect
import types
import typing
from enum import Enum
from typing import Any

import pulumi
from pulumi import _types

from lab.standins.base.schema import Schema

_SIMPLE: dict[Any, Schema] = {
    str: {"type": "string"},
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    float: {"type": "number"},
    pulumi.Asset: {"type": "asset"},
    pulumi.Archive: {"type": "archive"},
    Any: {},
}


def inputs_of(args: type) -> dict[str, Any]:
    """The JSON schema of an SDK's args class (`pulumi_tls.PrivateKeyArgs`, `pulumi_docker.ContainerArgs`, ...).

    Property names are the wire's (`privateKeyPem`); further properties are refused. Types that the SDK leaves open accept any value.
    """
    names = _types.input_type_py_to_pulumi_names(args)
    found = _types.input_type_types(args)
    parameters = inspect.signature(args.__init__).parameters  # type: ignore[misc] # any class that the SDK generates
    required = [
        names[name]
        for name, parameter in parameters.items()
        if name in names and parameter.default is inspect.Parameter.empty
    ]
    return {
        "type": "object",
        "properties": {wire: _schema(found.get(wire, Any)) for wire in names.values()},
        "required": required,
        "additionalProperties": False,
    }


def _schema(kind: Any) -> Schema:
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if kind in _SIMPLE:
        return _SIMPLE[kind]
    if origin in (typing.Union, types.UnionType):
        return _union(arguments)
    if origin in (collections.abc.Sequence, list):
        return {"type": "array", "items": _schema(arguments[0])}
    if origin in (collections.abc.Mapping, dict):
        return {"type": "object", "additionalProperties": _schema(arguments[1])}
    if isinstance(kind, type) and issubclass(kind, Enum):
        return {"enum": [member.value for member in kind]}
    if isinstance(kind, type) and _types.is_input_type(kind):
        return inputs_of(kind)
    return {}


def _union(members: tuple[Any, ...]) -> Schema:
    """A union of the SDK: `Input[T]` is T, an awaitable of T or an output; what stays after these are taken away is the property's own type."""
    own = [member for member in members if not _is_wrapper(member) and member is not type(None)]
    typed_dictionaries = [member for member in own if typing.is_typeddict(member)]
    schemas: list[Schema] = []
    for member in own:
        # The SDK offers each object as an args class and as a typed dictionary of the same members: the class says enough.
        if member in typed_dictionaries:
            continue
        found = _schema(member)
        if found not in schemas:
            schemas.append(found)
    if not schemas:
        return {}
    return schemas[0] if len(schemas) == 1 else {"anyOf": schemas}


def _is_wrapper(member: Any) -> bool:
    origin = typing.get_origin(member) or member
    return origin in (collections.abc.Awaitable, pulumi.Output)
