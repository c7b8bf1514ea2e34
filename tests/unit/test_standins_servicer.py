"""A stand-in's side of the protocol, called as the engine calls it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import grpc
import grpc.aio
import pytest
from google.protobuf import empty_pb2
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc, status_pb2

from lab.standins.base import UNKNOWN, Call, PartialFailure, Properties, Provider, ProviderError, Resource, State
from lab.standins.base.servicer import Servicer
from lab.standins.base.values import decode, encode

URN = "urn:pulumi:s::p::test:index:Thing::thing"


class Thing(Resource):
    """Does what its input says."""

    token = "test:index/thing:Thing"
    inputs = {
        "type": "object",
        "properties": {"do": {"type": "string"}, "password": {"type": "string"}},
        "required": ["do"],
        "additionalProperties": False,
    }
    secret_outputs = frozenset({"made"})
    replace_on = frozenset({"do"})
    cleaned = False

    async def create(self, call: Call, inputs: Properties) -> State:
        match inputs["do"]:
            case "fail":
                raise ProviderError("it cannot be done")
            case "half":
                raise PartialFailure("half-1", inputs, ["never became ready"])
            case "wait":
                try:
                    await asyncio.sleep(60)
                finally:
                    self.cleaned = True
        return State(id="thing-1", outputs={**inputs, "made": UNKNOWN if call.preview else "m"})


@asynccontextmanager
async def _plugin(thing: Thing) -> AsyncIterator[provider_pb2_grpc.ResourceProviderStub]:
    server = grpc.aio.server()
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(
        Servicer(Provider(name="test", version="1.2.3", resources=(thing,))), server
    )
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield provider_pb2_grpc.ResourceProviderStub(channel)
    await server.stop(None)


def _with_plugin(test: Callable[[Any], Awaitable[None]], thing: Thing | None = None) -> None:
    async def run() -> None:
        async with _plugin(thing or Thing()) as stub:
            await test(stub)

    asyncio.run(run())


def _create(do: str, *, preview: bool = False) -> provider_pb2.CreateRequest:
    properties = encode({"do": do, "password": "p"}, frozenset({("password",)}))
    return provider_pb2.CreateRequest(urn=URN, properties=properties, preview=preview)


def test_secret_inputs_and_secret_outputs_leave_as_secrets() -> None:
    async def check(stub: Any) -> None:
        made = await stub.Create(_create("it"))
        assert (made.id, decode(made.properties)) == (
            "thing-1",
            ({"do": "it", "password": "p", "made": "m"}, frozenset({("password",), ("made",)})),
        )
        foretold = await stub.Create(_create("it", preview=True))
        assert decode(foretold.properties)[0]["made"] is UNKNOWN

    _with_plugin(check)


def test_the_version_and_a_schema_are_told() -> None:
    async def check(stub: Any) -> None:
        assert (await stub.GetPluginInfo(empty_pb2.Empty())).version == "1.2.3"
        assert '"test:index/thing:Thing"' in (await stub.GetSchema(provider_pb2.GetSchemaRequest())).schema

    _with_plugin(check)


def test_a_check_names_what_is_wrong() -> None:
    async def check(stub: Any) -> None:
        answer = await stub.Check(provider_pb2.CheckRequest(urn=URN, news=encode({"todo": "x"})))
        # Not in a field of its own: the engine would print the value that the property has.
        assert not any(failure.property for failure in answer.failures)
        assert [failure.reason.split(":")[0] for failure in answer.failures] == ["do", "todo"]

    _with_plugin(check)


def test_a_diff_tells_replace_from_update() -> None:
    async def check(stub: Any) -> None:
        old, new = encode({"do": "a", "password": "p"}), encode({"do": "b", "password": "q"})
        answer = await stub.Diff(provider_pb2.DiffRequest(urn=URN, id="i", olds=old, old_inputs=old, news=new))
        assert (answer.changes, list(answer.replaces)) == (provider_pb2.DiffResponse.DIFF_SOME, ["do"])
        kinds = {path: entry.kind for path, entry in answer.detailedDiff.items()}
        assert kinds == {"do": provider_pb2.PropertyDiff.UPDATE_REPLACE, "password": provider_pb2.PropertyDiff.UPDATE}
        none = await stub.Diff(provider_pb2.DiffRequest(urn=URN, id="i", olds=old, old_inputs=old, news=old))
        assert none.changes == provider_pb2.DiffResponse.DIFF_NONE

    _with_plugin(check)


def test_an_error_is_its_message() -> None:
    async def check(stub: Any) -> None:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stub.Create(_create("fail"))
        assert caught.value.details() == "it cannot be done"

    _with_plugin(check)


def test_what_is_half_made_goes_into_the_state() -> None:
    async def check(stub: Any) -> None:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stub.Create(_create("half"))
        status = status_pb2.Status.FromString(dict(caught.value.trailing_metadata())["grpc-status-details-bin"])
        detail = provider_pb2.ErrorResourceInitFailed()
        assert status.details[0].Unpack(detail)
        assert (detail.id, list(detail.reasons)) == ("half-1", ["never became ready"])
        assert decode(detail.properties)[0]["do"] == "half"

    _with_plugin(check)


def test_a_cancel_ends_a_call_under_way_and_lets_it_clean_up() -> None:
    thing = Thing()

    async def check(stub: Any) -> None:
        call = asyncio.ensure_future(stub.Create(_create("wait")))
        await asyncio.sleep(0.2)
        await stub.Cancel(empty_pb2.Empty())
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call
        assert caught.value.code() == grpc.StatusCode.CANCELLED
        assert thing.cleaned

    _with_plugin(check, thing)


def test_a_kind_that_is_not_there_is_named_with_those_that_are() -> None:
    async def check(stub: Any) -> None:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stub.Create(provider_pb2.CreateRequest(urn=URN.replace("Thing", "Other")))
        assert "Other is not supported; supported are test:index/thing:Thing" in (caught.value.details() or "")

    _with_plugin(check)
