"""The few calls that bringing the twin up needs; everything else talks to it through the kubeconfig."""

import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import yaml

from lab.twin.errors import TwinError

_SECONDS = 10.0


class Api:
    """A client of the twin's API server, by the administrator's certificate; `host` is where it is."""

    def __init__(self, port: int, authority: Path, client: Path, host: str = "127.0.0.1") -> None:
        context = ssl.create_default_context(cafile=str(authority))
        context.load_cert_chain(client)
        # trust_env: a proxy of the operator's shell must not see loopback traffic
        self._http = httpx.Client(base_url=f"https://{host}:{port}", verify=context, timeout=_SECONDS, trust_env=False)

    @classmethod
    def of(cls, twin: Path) -> "Api":
        """A client of the twin in the directory `twin`; where its API is may change between two runs of the cluster."""
        certificates = twin / "certificates"
        server = urlsplit(yaml.safe_load((twin / "kubeconfig").read_text())["clusters"][0]["cluster"]["server"])
        return cls(
            server.port or 443,
            certificates / "authority.pem",
            certificates / "admin.pem",
            server.hostname or "127.0.0.1",
        )

    def __enter__(self) -> "Api":
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def ready(self) -> bool:
        """Whether the API server says that it is ready."""
        try:
            return self._http.get("/readyz").status_code == httpx.codes.OK
        except httpx.HTTPError:
            return False

    def get(self, path: str) -> dict[str, Any] | None:
        """The object or list at `path`, or None when there is none."""
        response = self._ask("GET", path)
        return None if response.status_code == httpx.codes.NOT_FOUND else self._content(response)

    def create(self, path: str, manifest: Mapping[str, Any], *, dry_run: bool = False) -> dict[str, Any] | None:
        """Create an object in the list at `path`; None when one of that name exists."""
        response = self._ask("POST", path, json=manifest, params={"dryRun": "All"} if dry_run else None)
        return None if response.status_code == httpx.codes.CONFLICT else self._content(response)

    def apply(self, path: str, manifest: Mapping[str, Any]) -> dict[str, Any]:
        """Create or change the object at `path` to hold what the manifest says (server-side apply)."""
        response = self._ask(
            "PATCH",
            path,
            json=manifest,
            params={"fieldManager": "mesh-expansion-twin", "force": "true"},
            headers={"Content-Type": "application/apply-patch+yaml"},
        )
        return self._content(response)

    def merge(self, path: str, change: Mapping[str, Any]) -> None:
        """Change the object at `path` by a merge patch; nothing happens when it is gone."""
        response = self._ask("PATCH", path, json=change, headers={"Content-Type": "application/merge-patch+json"})
        if response.status_code != httpx.codes.NOT_FOUND:
            self._content(response)

    def delete(self, path: str) -> None:
        response = self._ask("DELETE", path)
        if response.status_code != httpx.codes.NOT_FOUND:
            self._content(response)

    def _ask(self, method: str, path: str, **details: Any) -> httpx.Response:
        try:
            return self._http.request(method, path, **details)
        except httpx.HTTPError as problem:
            raise TwinError(
                f"the twin's API did not answer {method} {path} ({problem!r}); bring the twin up again"
            ) from problem

    @staticmethod
    def _content(response: httpx.Response) -> dict[str, Any]:
        if response.is_error:
            raise TwinError(
                f"the twin's API answered {response.request.method} {response.url.path} with {response.text}"
            )
        content: dict[str, Any] = response.json()
        return content
