"""An API server's door that writes down what goes through it, and can be held shut."""

import http.client
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import yaml

_PASSED_ON = ("content-type", "accept")


class Recorder:
    """`writes` are methods and paths of everything that is no GET; `asked` counts what came, also while it is shut."""

    def __init__(self, upstream: int) -> None:
        self.upstream = upstream
        self.writes: list[str] = []
        self.asked = 0
        self.open = threading.Event()
        self.open.set()

    def server(self) -> ThreadingHTTPServer:
        """To be served in a thread."""
        recorder = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._pass_on()

            def do_POST(self) -> None:
                self._pass_on()

            do_PUT = do_PATCH = do_DELETE = do_POST

            def _pass_on(self) -> None:
                recorder.asked += 1
                if self.command != "GET":
                    recorder.writes.append(f"{self.command} {self.path}")
                recorder.open.wait(60)
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                headers = {name: value for name, value in self.headers.items() if name.lower() in _PASSED_ON}
                connection = http.client.HTTPConnection("127.0.0.1", recorder.upstream, timeout=60)
                connection.request(self.command, self.path, body=body or None, headers=headers)
                answer = connection.getresponse()
                content = answer.read()
                try:
                    self.send_response(answer.status)
                    self.send_header("Content-Type", answer.getheader("Content-Type") or "application/json")
                    self.send_header("Content-Length", str(len(content)))
                    self.end_headers()
                    self.wfile.write(content)
                except OSError:  # whoever asked was interrupted
                    pass
                finally:
                    connection.close()

            def log_message(self, *_: Any) -> None:
                pass

        return ThreadingHTTPServer(("127.0.0.1", 0), Handler)


@contextmanager
def recorder(kubectl: Path, kubeconfig: Path, through: Path) -> Iterator[Recorder]:
    """A door to the cluster of `kubeconfig`; the kubeconfig that leads through it is written to `through`."""
    proxy = subprocess.Popen(
        [str(kubectl), "--kubeconfig", str(kubeconfig), "proxy", "--port=0"], stdout=subprocess.PIPE, text=True
    )
    try:
        assert proxy.stdout
        port = int(proxy.stdout.readline().strip().rsplit(":", 1)[1])
        found = Recorder(port)
        server = found.server()
        threading.Thread(target=server.serve_forever, daemon=True).start()
        document = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "through",
            "clusters": [{"name": "c", "cluster": {"server": f"http://127.0.0.1:{server.server_port}"}}],
            "contexts": [{"name": "through", "context": {"cluster": "c", "user": "u"}}],
            "users": [{"name": "u", "user": {}}],
        }
        through.write_text(yaml.safe_dump(document))
        yield found
        found.open.set()
        server.shutdown()
        server.server_close()
    finally:
        proxy.terminate()
        proxy.wait()
