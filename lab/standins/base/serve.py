"""The main of a stand-in for a resource plugin."""

import asyncio
import sys

from pulumi.runtime.proto import provider_pb2_grpc

from lab.standins.base.process import engine_address, run_server
from lab.standins.base.provider import Provider
from lab.standins.base.servicer import Servicer


def serve(provider: Provider, servicer: type[Servicer] = Servicer) -> None:
    """`--version` prints the version and what it is; else serves the engine at the address that is the first argument.

    A plugin that answers more calls than usual has a `servicer` of its own.
    """
    if "--version" in sys.argv[1:]:
        sys.stdout.write(
            f"{provider.version} (stand-in for pulumi-resource-{provider.name}, see docs/adr/0003-stand-ins.md)\n"
        )
        return
    asyncio.run(_serve(provider, servicer))


async def _serve(provider: Provider, make: type[Servicer]) -> None:
    servicer = make(provider, engine_address())  # its channel to the engine belongs to the loop that is running here
    await run_server(
        lambda server: provider_pb2_grpc.add_ResourceProviderServicer_to_server(servicer, server), servicer.cancel_all
    )
