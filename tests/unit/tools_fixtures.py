"""A publisher on loopback and a compiler that is a shell script: what the tests of lab/tools run against."""

import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# Writes for each package the file that `go build` would name, says its version, and answers `mod download`.
FAKE_GO = """#!/bin/sh
case "$1" in
env) echo "${FAKE_GO_VERSION:-go1.26.9}" ;;
version) echo "go version go1.26.9 linux/amd64" ;;
build)
  echo "$@" >> "$FAKE_GO_LOG"
  sleep "${FAKE_GO_SECONDS:-0}"
  if [ -n "$FAKE_GO_ERROR" ]; then echo "$FAKE_GO_ERROR" >&2; exit 1; fi
  shift
  while [ "$1" != "-o" ]; do shift; done
  target=$2
  shift 2
  for package in "$@"; do
    case "$package" in */v3) file=server ;; *) file=${package##*/} ;; esac
    echo "built" > "$target$file"
  done
  ;;
esac
"""


class Publisher:
    """Serves `files` (path -> bytes) with Range; `cuts` holds, for a path, after how many bytes each answer breaks."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.cuts: dict[str, list[int]] = {}
        self.requests: list[tuple[str, str | None]] = []
        self.url = ""

    @property
    def gets(self) -> list[str]:
        """Paths that were fetched, in order."""
        return [path for path, _ in self.requests if path != "/"]


@contextmanager
def publisher() -> Iterator[Publisher]:
    """A publisher that answers until the block ends."""
    here = Publisher()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            here.requests.append((self.path, None))
            self.send_response(404)
            self.end_headers()

        def do_GET(self) -> None:
            wanted = self.headers.get("Range")
            here.requests.append((self.path, wanted))
            content = here.files.get(self.path)
            if content is None:
                self.send_error(404)
                return
            start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted else 0
            if wanted and start >= len(content):
                self.send_error(416)
                return
            self.send_response(206 if wanted else 200)
            if wanted:
                self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
            self.send_header("Content-Length", str(len(content) - start))
            self.end_headers()
            cuts = here.cuts.get(self.path, [])
            self.wfile.write(content[start : start + cuts.pop(0)] if cuts else content[start:])

        def log_message(self, *_: object) -> None:
            """Keep the test's output clean."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    here.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield here
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def fake_go(directory: Path) -> Path:
    """A directory for PATH with the fake compiler in it."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "go").write_text(FAKE_GO)
    (directory / "go").chmod(0o755)
    return directory
