"""What a servicer needs around its calls: checks, verdicts, secrecy and failures in the engine's form."""

import json
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, NoReturn

import grpc
from google.protobuf import struct_pb2
from pulumi.runtime.proto import provider_pb2, status_pb2

from lab.standins.base.diff import Difference, describe
from lab.standins.base.errors import InvalidInputs, PartialFailure, Problem
from lab.standins.base.resource import State
from lab.standins.base.schema import Schema, problems
from lab.standins.base.values import UNKNOWN, Path, Properties, Secrets, encode


async def checked(
    schema: Schema, inputs: Properties, further: Callable[[Properties], Awaitable[Properties]]
) -> tuple[Properties, Iterable[Problem]]:
    """Schema first, then `further`; the inputs with defaults, or the problems."""
    found = problems(schema, without_version(inputs))
    if found:
        return inputs, found
    try:
        return await further(inputs), ()
    except InvalidInputs as error:
        return inputs, error.problems


def failures(found: Iterable[Problem]) -> list[provider_pb2.CheckFailure]:
    """Problems in the engine's form.

    The property is named in the reason: of a property that has a field of its own the engine prints the value, which may be a secret.
    """
    reasons = [f"{problem.property}: {problem.reason}" if problem.property else problem.reason for problem in found]
    return [provider_pb2.CheckFailure(reason=reason) for reason in reasons]


def verdict(difference: Difference) -> provider_pb2.DiffResponse:
    """A difference in the engine's form, in detail."""
    detailed = {
        path: _property_diff(kind, replaces, difference.input)
        for path, (kind, replaces) in describe(difference).items()
    }
    return provider_pb2.DiffResponse(
        changes=provider_pb2.DiffResponse.DIFF_SOME if difference.changes else provider_pb2.DiffResponse.DIFF_NONE,
        diffs=difference.properties(),
        replaces=list(dict.fromkeys(str(path[0]) for path in difference.changes if difference.replaces(path))),
        detailedDiff=detailed,
        hasDetailedDiff=True,
        deleteBeforeReplace=difference.delete_before_replace,
    )


def _property_diff(kind: str, replaces: bool, is_input: bool) -> provider_pb2.PropertyDiff:
    name = f"{kind.upper()}_REPLACE" if replaces else kind.upper()
    return provider_pb2.PropertyDiff(kind=provider_pb2.PropertyDiff.Kind.Value(name), inputDiff=is_input)


def outputs(state: State | PartialFailure, secrets: Secrets, always: frozenset[str]) -> struct_pb2.Struct:
    """Outputs in the engine's form; secret are the inputs' paths, the names in `always`, and what the state says."""
    outputs = dict(state.outputs)
    return encode(outputs, inherit(outputs, secrets) | named(outputs, always) | state.secrets)


def inherit(properties: Mapping[str, Any], secrets: Secrets) -> Secrets:
    """Paths that hold a value here; where a list or an object was rebuilt and lost the path, its top-level property is secret as a whole."""
    return frozenset(path if _exists(properties, path) else path[:1] for path in secrets)


def _exists(value: Any, path: Path) -> bool:
    for part in path:
        inside_list = isinstance(value, list) and isinstance(part, int) and part < len(value)
        if not inside_list and not (isinstance(value, Mapping) and part in value):
            return False
        value = value[part]
    return True


def named(properties: Mapping[str, Any], names: frozenset[str]) -> Secrets:
    """A preview's unknown stays plain: the engine would show a secret one as a change."""
    return frozenset((name,) for name in names if properties.get(name) is not None and properties[name] is not UNKNOWN)


def parsed(schema: Schema, config: Properties) -> Properties:
    """Configuration with what is not a string read from JSON, as the SDK sends it."""
    declared = schema.get("properties", {})
    return {
        name: _from_json(value) if declared.get(name, {}).get("type") != "string" else value
        for name, value in config.items()
    }


def as_sent(sent: Properties, parsed: Properties, checked: Properties) -> Properties:
    """Checked configuration with what the check left alone as the SDK sent it: official plugins keep JSON texts in the state, too."""
    return {name: sent[name] if name in sent and value == parsed[name] else value for name, value in checked.items()}


def _from_json(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value


def without_version(config: Properties) -> Properties:
    """Configuration without what the engine adds for itself."""
    return {name: value for name, value in config.items() if name not in ("version", "pluginDownloadURL", "__internal")}


def type_of(urn: str) -> str:
    """The type token within a URN."""
    return urn.split("::")[2].rsplit("$", 1)[-1]


async def abort_partially(context: Any, failure: PartialFailure) -> NoReturn:
    """The protocol's way to say that the object exists all the same: a status with a detail that holds its state."""
    status = status_pb2.Status(code=grpc.StatusCode.UNKNOWN.value[0], message=str(failure))
    detail = provider_pb2.ErrorResourceInitFailed(
        id=failure.id, properties=encode(failure.outputs, failure.secrets), reasons=failure.reasons
    )
    status.details.add().Pack(detail)
    await context.abort(
        grpc.StatusCode.UNKNOWN,
        str(failure),
        trailing_metadata=(("grpc-status-details-bin", status.SerializeToString()),),
    )
    raise AssertionError("abort returned")
