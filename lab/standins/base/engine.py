"""Messages to the operator, through the engine, bound to a resource."""

from dataclasses import dataclass

import grpc.aio
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc


@dataclass(frozen=True)
class EngineLog:
    """Writes to the engine's log for the resource `urn`; silent without an engine (in unit tests)."""

    engine: engine_pb2_grpc.EngineStub | None = None
    urn: str = ""
    stream: int = 0

    async def debug(self, message: str) -> None:
        """Seen with `--debug` only."""
        await self._write(engine_pb2.DEBUG, message)

    async def info(self, message: str) -> None:
        """A line among the resource's diagnostics."""
        await self._write(engine_pb2.INFO, message)

    async def warning(self, message: str) -> None:
        """A line marked as a warning."""
        await self._write(engine_pb2.WARNING, message)

    async def status(self, message: str) -> None:
        """The resource's status text while it works; not kept."""
        await self._write(engine_pb2.INFO, message, ephemeral=True)

    async def _write(
        self, severity: "engine_pb2.LogSeverity.ValueType", message: str, *, ephemeral: bool = False
    ) -> None:
        if self.engine is None:
            return
        request = engine_pb2.LogRequest(
            severity=severity, message=message, urn=self.urn, streamId=self.stream, ephemeral=ephemeral
        )
        try:
            await self.engine.Log(request)  # type: ignore[misc] # the stub is typed for the blocking channel
        except grpc.aio.AioRpcError:
            return  # The engine is going away; the operation's own result still counts.
