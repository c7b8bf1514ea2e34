"""The engine's side of a stand-in: Pulumi's ResourceProvider protocol, turned into calls on a `Provider`.

`pulumi.provider.experimental` is not used: it knows no partial failures and no secrets beside values, and a Cancel cannot end a running call.
"""

import asyncio
import json
import traceback
from collections.abc import Awaitable
from typing import Any, TypeVar

import grpc
import grpc.aio
from google.protobuf import empty_pb2
from pulumi.runtime.proto import engine_pb2_grpc, plugin_pb2, provider_pb2, provider_pb2_grpc

from lab.standins.base import wire
from lab.standins.base.engine import EngineLog
from lab.standins.base.errors import InvalidInputs, PartialFailure, ProviderError
from lab.standins.base.provider import Provider
from lab.standins.base.resource import Call
from lab.standins.base.schema import problems
from lab.standins.base.values import Properties, decode, encode

Context = Any  # grpc.aio.ServicerContext; the library ships no types
Answer = TypeVar("Answer")


class Servicer(provider_pb2_grpc.ResourceProviderServicer):
    """One plugin process serves one engine; calls run side by side."""

    def __init__(self, provider: Provider, engine_address: str = "") -> None:
        """Without an engine's address nothing is logged there."""
        self._provider = provider
        self._engine = engine_pb2_grpc.EngineStub(grpc.aio.insecure_channel(engine_address)) if engine_address else None
        self._config: Properties = {}
        self._running: set[asyncio.Task[Any]] = set()

    async def cancel_all(self) -> None:
        """Ends every call under way and lets each clean up."""
        running = list(self._running)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await self._provider.close()

    async def Handshake(self, _request: Any, _context: Context) -> provider_pb2.ProviderHandshakeResponse:
        """Secrets are understood; outputs and resources as values are not."""
        return provider_pb2.ProviderHandshakeResponse(accept_secrets=True)

    async def GetPluginInfo(self, _request: Any, _context: Context) -> plugin_pb2.PluginInfo:
        """The version that the SDK asks for."""
        return plugin_pb2.PluginInfo(version=self._provider.version)

    async def GetSchema(self, _request: Any, _context: Context) -> provider_pb2.GetSchemaResponse:
        """A small schema: names and kinds of inputs."""
        return provider_pb2.GetSchemaResponse(schema=json.dumps(self._provider.schema()))

    async def Attach(self, request: Any, _context: Context) -> empty_pb2.Empty:
        """Takes the engine's address where the plugin was started without one."""
        self._engine = engine_pb2_grpc.EngineStub(grpc.aio.insecure_channel(request.address))
        return empty_pb2.Empty()

    async def Cancel(self, _request: Any, _context: Context) -> empty_pb2.Empty:
        """Ends every call under way."""
        await self.cancel_all()
        return empty_pb2.Empty()

    async def CheckConfig(self, request: provider_pb2.CheckRequest, context: Context) -> provider_pb2.CheckResponse:
        """The provider's own inputs; the SDK sends what is not a string as JSON."""

        async def check() -> provider_pb2.CheckResponse:
            news, secrets = decode(request.news)
            parsed = wire.parsed(self._provider.config, news)
            found, failures = await wire.checked(self._provider.config, parsed, self._provider.check_config)
            inputs = wire.as_sent(news, parsed, found)
            return provider_pb2.CheckResponse(
                inputs=encode(inputs, wire.inherit(inputs, secrets)), failures=wire.failures(failures)
            )

        return await self._answer(context, check())

    async def DiffConfig(self, request: provider_pb2.DiffRequest, context: Context) -> provider_pb2.DiffResponse:
        """Whether another configuration replaces the provider, and with it every resource."""

        async def diff() -> provider_pb2.DiffResponse:
            before, _ = decode(request.old_inputs if request.old_inputs.fields else request.olds)
            after, _ = decode(request.news)
            old, new = (wire.parsed(self._provider.config, wire.without_version(each)) for each in (before, after))
            return wire.verdict(await self._provider.diff_config(old, new))

        return await self._answer(context, diff())

    async def Configure(
        self, request: provider_pb2.ConfigureRequest, context: Context
    ) -> provider_pb2.ConfigureResponse:
        """Keeps the configuration for the calls that follow."""

        async def configure() -> provider_pb2.ConfigureResponse:
            config, _ = decode(request.args)
            self._config = wire.parsed(self._provider.config, wire.without_version(config))
            await self._provider.configure(self._config)
            return provider_pb2.ConfigureResponse(acceptSecrets=True, supportsPreview=True)

        return await self._answer(context, configure())

    async def Check(self, request: provider_pb2.CheckRequest, context: Context) -> provider_pb2.CheckResponse:
        """Schema first, then the kind's own check; failures name the property, never its value."""

        async def check() -> provider_pb2.CheckResponse:
            resource = self._provider.resource(request.type or wire.type_of(request.urn))
            news, secrets = decode(request.news)
            old, _ = decode(request.olds)
            call = self._call(request, secrets=secrets, random_seed=request.randomSeed)

            async def further(inputs: Properties) -> Properties:
                return await resource.check(call, old, inputs)

            found, failures = await wire.checked(resource.inputs, news, further)
            marked = wire.inherit(found, secrets) | wire.named(found, resource.secret_inputs)
            return provider_pb2.CheckResponse(inputs=encode(found, marked), failures=wire.failures(failures))

        return await self._answer(context, check())

    async def Diff(self, request: provider_pb2.DiffRequest, context: Context) -> provider_pb2.DiffResponse:
        """The verdict, in detail."""

        async def diff() -> provider_pb2.DiffResponse:
            resource = self._provider.resource(request.type or wire.type_of(request.urn))
            (state, _), (news, secrets), (old, _) = (
                decode(request.olds),
                decode(request.news),
                decode(request.old_inputs),
            )
            call = self._call(request, secrets=secrets, old_inputs=old)
            return wire.verdict(await resource.diff(call, request.id, state, news))

        return await self._answer(context, diff())

    async def Create(self, request: provider_pb2.CreateRequest, context: Context) -> provider_pb2.CreateResponse:
        """Makes the object, or foretells it."""

        async def create() -> provider_pb2.CreateResponse:
            resource = self._provider.resource(request.type or wire.type_of(request.urn))
            inputs, secrets = decode(request.properties)
            call = self._call(request, preview=request.preview, timeout=request.timeout, secrets=secrets)
            made = await resource.create(call, inputs)
            return provider_pb2.CreateResponse(
                id=made.id, properties=wire.outputs(made, secrets, resource.secret_outputs)
            )

        return await self._answer(context, create())

    async def Read(self, request: provider_pb2.ReadRequest, context: Context) -> provider_pb2.ReadResponse:
        """What exists now; an empty id says that it is gone."""

        async def read() -> provider_pb2.ReadResponse:
            resource = self._provider.resource(request.type or wire.type_of(request.urn))
            (state, state_secrets), (inputs, input_secrets) = decode(request.properties), decode(request.inputs)
            secrets = state_secrets | input_secrets
            call = self._call(request, timeout=request.timeout, secrets=secrets, old_inputs=inputs)
            found = await resource.read(call, request.id, state, inputs)
            if found is None:
                return provider_pb2.ReadResponse()
            new_inputs = inputs if found.inputs is None else found.inputs
            marked = wire.inherit(new_inputs, secrets) | wire.named(new_inputs, resource.secret_inputs)
            return provider_pb2.ReadResponse(
                id=found.id or request.id,
                properties=wire.outputs(found, secrets, resource.secret_outputs),
                inputs=encode(new_inputs, marked),
            )

        return await self._answer(context, read())

    async def Update(self, request: provider_pb2.UpdateRequest, context: Context) -> provider_pb2.UpdateResponse:
        """Changes the object in place."""

        async def update() -> provider_pb2.UpdateResponse:
            resource = self._provider.resource(request.type or wire.type_of(request.urn))
            (state, _), (news, secrets), (old, _) = (
                decode(request.olds),
                decode(request.news),
                decode(request.old_inputs),
            )
            call = self._call(
                request, preview=request.preview, timeout=request.timeout, secrets=secrets, old_inputs=old
            )
            changed = await resource.update(call, request.id, state, news)
            return provider_pb2.UpdateResponse(properties=wire.outputs(changed, secrets, resource.secret_outputs))

        return await self._answer(context, update())

    async def Delete(self, request: provider_pb2.DeleteRequest, context: Context) -> empty_pb2.Empty:
        """Removes the object."""

        async def delete() -> empty_pb2.Empty:
            resource = self._provider.resource(request.type or wire.type_of(request.urn))
            (state, secrets), (old, _) = decode(request.properties), decode(request.old_inputs)
            call = self._call(request, timeout=request.timeout, secrets=secrets, old_inputs=old)
            await resource.delete(call, request.id, state)
            return empty_pb2.Empty()

        return await self._answer(context, delete())

    async def Invoke(self, request: provider_pb2.InvokeRequest, context: Context) -> provider_pb2.InvokeResponse:
        """Runs a function of the plugin."""

        async def invoke() -> provider_pb2.InvokeResponse:
            function = self._provider.function(request.tok)
            arguments, secrets = decode(request.args)
            call = Call(
                token=request.tok,
                preview=request.preview,
                secrets=secrets,
                config=self._config,
                log=EngineLog(self._engine),
            )
            found = problems(function.inputs, arguments)
            if found:
                return provider_pb2.InvokeResponse(failures=wire.failures(found))
            try:
                result = await function.run(call, arguments)
            except InvalidInputs as error:
                return provider_pb2.InvokeResponse(failures=wire.failures(error.problems))
            # `return` is a word of Python, so this field cannot be a keyword argument.
            answer = {"return": wire.outputs(result, secrets, frozenset())}
            return provider_pb2.InvokeResponse(**answer)  # type: ignore[arg-type]

        return await self._answer(context, invoke())

    # What a stand-in did not foresee reaches the operator too, and where it happened goes to the plugin's stderr.
    async def _answer(self, context: Context, work: Awaitable[Answer], *, until_cancel: bool = True) -> Answer:
        task = asyncio.ensure_future(work)
        if until_cancel:
            self._running.add(task)
        try:
            return await task
        except asyncio.CancelledError:
            task.cancel()
            await context.abort(grpc.StatusCode.CANCELLED, "cancelled")
        except PartialFailure as failure:
            await wire.abort_partially(context, failure)
        except ProviderError as error:
            await context.abort(grpc.StatusCode.UNKNOWN, str(error))
        except Exception as error:
            traceback.print_exc()
            await context.abort(
                grpc.StatusCode.INTERNAL, f"{self._provider.name} stand-in: {type(error).__name__}: {error}"
            )
        finally:
            self._running.discard(task)
        raise AssertionError("abort returned")

    def _call(self, request: Any, **more: Any) -> Call:
        log = EngineLog(self._engine, request.urn)
        token = request.type or wire.type_of(request.urn)
        return Call(
            token=token,
            urn=request.urn,
            name=request.name or request.urn.split("::")[-1],
            config=self._config,
            log=log,
            **more,
        )
