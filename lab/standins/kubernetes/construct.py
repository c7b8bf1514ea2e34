"""`kubernetes:yaml/v2:ConfigFile` and `ConfigGroup`: components whose children are the objects of manifest files.

The engine asks for them by Construct; children are registered with its resource monitor, so previews, diffs and the state
show each object. Names, types and order are the official plugin's.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import grpc
import grpc.aio
from google.protobuf import struct_pb2
from pulumi.runtime import rpc
from pulumi.runtime.proto import provider_pb2, resource_pb2, resource_pb2_grpc

from lab.standins.base import UNKNOWN, InvalidInputs, Problem, ProviderError, has_unknown, problems
from lab.standins.base.engine import EngineLog
from lab.standins.base.schema import Schema
from lab.standins.base.values import Properties, Secrets, decode, encode
from lab.standins.kubernetes import yamls
from lab.standins.kubernetes.fields import for_engine, for_server, secrets_of
from lab.standins.kubernetes.manifest import (
    SKIP_AWAIT,
    Object,
    annotate,
    identity,
    is_definition,
    kind_of,
    metadata,
    namespace_of,
)
from lab.standins.kubernetes.session import Session

CONFIG_FILE: Final = "kubernetes:yaml/v2:ConfigFile"
CONFIG_GROUP: Final = "kubernetes:yaml/v2:ConfigGroup"
_COMMON: Final = {"resourcePrefix": {"type": "string"}, "skipAwait": {"type": "boolean"}}
_STRINGS: Final = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}
_OBJECTS: Final = {"anyOf": [{"type": "object"}, {"type": "array", "items": {"type": "object"}}]}
SCHEMAS: Final[Mapping[str, Schema]] = {
    CONFIG_FILE: {
        "type": "object",
        "properties": {**_COMMON, "file": {"type": "string"}},
        "required": ["file"],
        "additionalProperties": False,
    },
    CONFIG_GROUP: {
        "type": "object",
        "properties": {**_COMMON, "files": _STRINGS, "yaml": _STRINGS, "objs": _OBJECTS},
        "additionalProperties": False,
    },
}


@dataclass(frozen=True)
class Child:
    urn: str
    id: str


class Component:
    """One Construct: the component, then its children."""

    def __init__(self, request: Any, session: Session, version: str, log: EngineLog) -> None:
        self._request = request
        self._session = session
        self._version = version
        self._log = log

    async def build(self) -> provider_pb2.ConstructResponse:
        """Raises InvalidInputs and ProviderError."""
        request = self._request
        if request.type not in SCHEMAS:
            raise ProviderError(
                f"kubernetes stand-in: component type {request.type} is not supported; supported are {', '.join(SCHEMAS)}"
            )
        inputs, secrets = decode(request.inputs)
        if found := problems(SCHEMAS[request.type], inputs):
            raise InvalidInputs([Problem(f"{request.name}: {problem.property}", problem.reason) for problem in found])
        async with grpc.aio.insecure_channel(request.monitorEndpoint) as channel:
            monitor = resource_pb2_grpc.ResourceMonitorStub(channel)
            urn = await self._register_component(monitor)
            if has_unknown(inputs):
                await self._log.warning(
                    f"{request.type} {request.name}: inputs are not known yet, so this preview is incomplete"
                )
                return provider_pb2.ConstructResponse(urn=urn, state=encode({"resources": UNKNOWN}))
            objects = await asyncio.to_thread(self._objects, inputs)
            prefix = inputs.get("resourcePrefix")
            hidden = bool(secrets)
            children = await self._register_all(
                monitor, urn, objects, request.name if prefix is None else prefix, hidden=hidden
            )
        return _response(urn, children, self._version)

    def _objects(self, inputs: Properties) -> list[Object]:
        files = inputs["file"] if "file" in inputs else inputs.get("files")
        objects = [obj for name in _listed(files) for obj in yamls.read(name, patterns="file" not in inputs)]
        for index, text in enumerate(_listed(inputs.get("yaml"))):
            objects += yamls.parse(text, f"yaml[{index}]")
        objects += [for_server(obj) for obj in _listed(inputs.get("objs"))]
        if self._session.reachable:
            for obj in filter(is_definition, objects):
                self._session.client.discovery.plan(obj)
        for obj in objects:
            if not namespace_of(obj) and self._session.namespaced(kind_of(obj)):
                metadata(obj)["namespace"] = self._session.namespace
            if inputs.get("skipAwait"):
                annotate(obj, SKIP_AWAIT, "true")
        return objects

    async def _register_component(self, monitor: Any) -> str:
        request = self._request
        asked = resource_pb2.RegisterResourceRequest(
            type=request.type,
            name=request.name,
            parent=request.parent,
            custom=False,
            protect=request.protect,
            dependencies=request.dependencies,
            providers=request.providers,
            aliases=request.aliases,
            aliasSpecs=True,
            acceptSecrets=True,
            acceptResources=True,
            deletedWith=request.deletedWith,
            retainOnDelete=request.retainOnDelete,
        )
        return str((await _call(monitor, asked)).urn)

    async def _register_all(
        self, monitor: Any, parent: str, objects: Sequence[Object], prefix: str, *, hidden: bool
    ) -> list[Child]:
        planned = yamls.plan(objects)
        tasks: list[asyncio.Task[Child | None]] = []
        started = asyncio.Event()

        async def register(each: yamls.Planned) -> Child | None:
            await started.wait()  # dependencies may stand later in the file
            before = [await tasks[place] for place in each.after]
            if None in before:
                return None
            urns = [child.urn for child in before if child]
            return await self._register(monitor, parent, each.obj, prefix, urns, hidden=hidden)

        tasks += [asyncio.create_task(register(each)) for each in planned]
        started.set()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result
        return [result for result in results if isinstance(result, Child)]

    async def _register(
        self, monitor: Any, parent: str, obj: Object, prefix: str, before: list[str], *, hidden: bool
    ) -> Child | None:
        """None when it failed: the engine has told that, and where it is to go on, siblings are registered nevertheless."""
        secrets: Secrets = secrets_of(obj, ())
        if hidden:
            # A text with a secret in it does not tell where: all but the identity is treated as one.
            secrets |= {(key,) for key in obj if key not in {"apiVersion", "kind", "metadata"}}
        request = self._request
        asked = resource_pb2.RegisterResourceRequest(
            type=token_of(obj),
            name=f"{prefix}:{identity(obj)}" if prefix else identity(obj),
            parent=parent,
            custom=True,
            object=encode(for_engine(obj), secrets),
            protect=request.protect,
            dependencies=[*request.dependencies, *before],
            provider=request.providers.get("kubernetes", ""),
            version=self._version,
            acceptSecrets=True,
            acceptResources=True,
            supportsPartialValues=True,
            aliasSpecs=True,
            retainOnDelete=request.retainOnDelete,
            supportsResultReporting=True,
        )
        made = await _call(monitor, asked)
        return Child(made.urn, made.id) if made.result == resource_pb2.SUCCESS else None


def token_of(obj: Object) -> str:
    kind = kind_of(obj)
    return f"kubernetes:{kind.group or 'core'}/{kind.version}:{kind.kind}"


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, list) else [value]


async def _call(monitor: Any, asked: resource_pb2.RegisterResourceRequest) -> Any:
    try:
        return await monitor.RegisterResource(asked)
    except grpc.aio.AioRpcError as problem:
        raise ProviderError(f"{asked.type} {asked.name}: {problem.details()}") from None


def _response(urn: str, children: Sequence[Child], version: str) -> provider_pb2.ConstructResponse:
    references = struct_pb2.ListValue(values=[_reference(child, version) for child in children])
    state = struct_pb2.Struct(fields={"resources": struct_pb2.Value(list_value=references)})
    depends = provider_pb2.ConstructResponse.PropertyDependencies(urns=[child.urn for child in children])
    return provider_pb2.ConstructResponse(urn=urn, state=state, stateDependencies={"resources": depends})


def _reference(child: Child, version: str) -> struct_pb2.Value:
    texts = {
        rpc._special_sig_key: rpc._special_resource_sig,
        "urn": child.urn,
        "id": child.id or rpc.UNKNOWN,
        "packageVersion": version,
    }
    fields = {key: struct_pb2.Value(string_value=value) for key, value in texts.items()}
    return struct_pb2.Value(struct_value=struct_pb2.Struct(fields=fields))
