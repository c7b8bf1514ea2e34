"""`python -m lab.standins.language_python <engine address>`."""

import asyncio
import sys

from pulumi.runtime.proto import language_pb2_grpc

import versions
from lab.standins.base.process import engine_address, run_server
from lab.standins.language_python.host import LanguageHost


def main() -> None:
    """`--version` prints the version and what it is; else serves the engine."""
    if "--version" in sys.argv[1:]:
        sys.stdout.write(f"{versions.PULUMI} (stand-in for pulumi-language-python, see docs/adr/0003-stand-ins.md)\n")
        return
    asyncio.run(_serve())


async def _serve() -> None:
    host = LanguageHost(engine_address())
    await run_server(lambda server: language_pb2_grpc.add_LanguageRuntimeServicer_to_server(host, server), host.close)


if __name__ == "__main__":
    main()
