"""Answers by HTTP, in the form of Faces' own workloads."""

import json
import time
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from pi_workload.backend import Answer, Backend
from pi_workload.panel import Panel
from pi_workload.settings import Settings


class Server(ThreadingHTTPServer):
    """`/ready` is always good; every other path is a request of the demo."""

    daemon_threads = True

    def __init__(self, settings: Settings, backend: Backend, panel: Panel | None) -> None:
        super().__init__(("", settings.port), _Handler)
        self.settings = settings
        self.backend = backend
        self.panel = panel


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def do_GET(self) -> None:
        if self.path.split("?")[0] == "/ready":
            self._respond(Answer(HTTPStatus.OK, {"ready": True}))
            return
        answer = self.server.backend.ask()
        panel = self.server.panel
        if panel:
            panel.begin(answer)
        try:
            time.sleep(answer.delay)
            self._respond(answer)
        finally:
            if panel:
                panel.end(answer)

    def do_HEAD(self) -> None:
        self._respond(Answer(HTTPStatus.OK))

    def _refuse(self) -> None:
        self.close_connection = True  # a body may follow, which nobody reads
        said = f"method {self.command} not allowed"
        self._respond(Answer(HTTPStatus.METHOD_NOT_ALLOWED, {"errors": [said]}))

    do_POST = do_PUT = do_DELETE = do_PATCH = _refuse

    def _respond(self, answer: Answer) -> None:
        settings = self.server.settings
        about: dict[str, Any] = {
            "path": self.path,
            "client_address": f"{self.client_address[0]}:{self.client_address[1]}",
            "method": self.command,
            "headers": {name: self.headers.get_all(name) for name in self.headers},
            "status": int(answer.status),
        }
        body = json.dumps({**about, **answer.data}).encode()
        self.send_response(answer.status, None if answer.status in set(HTTPStatus) else "Latched")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Faces-Pod", settings.host)
        if user := self.headers.get(settings.user_header):
            self.send_header(settings.user_header, user)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Not a line for each request: an SD card wears out."""
