"""Answers by gRPC, as the color of Faces 2.x does: the service has two methods, and each answers with the color."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus

import grpc

from pi_workload.backend import Backend
from pi_workload.panel import Panel
from pi_workload.settings import Settings

_THREADS = 32
_SERVING = b"\x08\x01"


class ColorServer:
    """`ColorService` with `Center` and `Edge`, and the health check of gRPC, which is always good.

    Messages are so small that no generated code is needed: a request's row and column change nothing, and an answer is
    one field.
    """

    def __init__(self, settings: Settings, backend: Backend, panel: Panel | None) -> None:
        self._backend = backend
        self._panel = panel
        self._server = grpc.server(ThreadPoolExecutor(_THREADS, thread_name_prefix="color"))
        self._serve("ColorService", self._color, "Center", "Edge")
        self._serve("grpc.health.v1.Health", lambda _request, _context: _SERVING, "Check")
        self.port: int = self._server.add_insecure_port(f"[::]:{settings.port}")

    def serve_forever(self) -> None:
        """Until `shutdown`, or until the process ends."""
        self._server.start()
        self._server.wait_for_termination()

    def shutdown(self) -> None:
        """End at once; requests in progress are broken off."""
        self._server.stop(None).wait()

    def _serve(self, service: str, answer: Callable[[bytes, grpc.ServicerContext], bytes], *methods: str) -> None:
        handler: grpc.RpcMethodHandler[bytes, bytes] = grpc.unary_unary_rpc_method_handler(answer)
        generic = grpc.method_handlers_generic_handler(service, dict.fromkeys(methods, handler))
        self._server.add_generic_rpc_handlers((generic,))

    def _color(self, _request: bytes, context: grpc.ServicerContext) -> bytes:
        answer = self._backend.ask()
        if self._panel:
            self._panel.begin(answer)
        try:
            time.sleep(answer.delay)
        finally:
            if self._panel:
                self._panel.end(answer)
        if not answer.good:
            limited = answer.status == HTTPStatus.TOO_MANY_REQUESTS
            code = grpc.StatusCode.RESOURCE_EXHAUSTED if limited else grpc.StatusCode.INTERNAL
            context.abort(code, "; ".join(answer.data["errors"]))
        return _response(answer.data["color"])


def _response(color: str) -> bytes:
    """A ColorResponse: text in field 1."""
    text = color.encode()
    length = len(text)
    return bytes((0x0A, length) if length < 0x80 else (0x0A, length & 0x7F | 0x80, length >> 7)) + text
