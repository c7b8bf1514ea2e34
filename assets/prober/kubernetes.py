"""The two calls that the prober makes to Kubernetes."""

from __future__ import annotations

import http.client
import json
import ssl
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from .workload import Condition, Target

_SECONDS = 10.0


class Api:
    """The Kubernetes API, by one connection that is kept open; the token's file is read again for each request."""

    def __init__(self, url: str, authority: str, token: str) -> None:
        self._place = urlsplit(url)
        self._token = token
        self._context = ssl.create_default_context(cafile=authority)
        self._connection: http.client.HTTPSConnection | None = None

    def workloads(self, namespace: str) -> list[Target]:
        """Every ExternalWorkload of the namespace."""
        content = self._ask("GET", f"{_collection(namespace)}?resourceVersion=0")
        return [Target.of(item) for item in (content or {}).get("items", [])]

    def write(self, target: Target, condition: Condition) -> None:
        """Put the condition into the target's status; nothing when the target is gone."""
        path = f"{_collection(target.namespace)}/{quote(target.name)}/status?fieldManager=edge-prober"
        self._ask("PATCH", path, {"status": {"conditions": [*target.others, condition]}})

    def _ask(self, method: str, path: str, content: dict[str, Any] | None = None) -> dict[str, Any] | None:
        """Answer of the API, None for 404; OSError when it cannot be had. A connection that was lost is made anew once."""
        fresh = self._connection is None
        try:
            return self._once(method, path, content)
        except (OSError, http.client.HTTPException) as problem:
            self.close()
            if fresh or isinstance(problem, ApiError):
                raise OSError(f"the API did not answer {method} {path}: {problem}") from problem
        try:
            return self._once(method, path, content)
        except (OSError, http.client.HTTPException) as problem:
            self.close()
            raise OSError(f"the API did not answer {method} {path}: {problem}") from problem

    def _once(self, method: str, path: str, content: dict[str, Any] | None) -> dict[str, Any] | None:
        if self._connection is None:
            self._connection = http.client.HTTPSConnection(
                self._place.hostname or "", self._place.port or 443, timeout=_SECONDS, context=self._context
            )
        headers = {"Authorization": f"Bearer {Path(self._token).read_text().strip()}", "Accept": "application/json"}
        if content is not None:
            headers["Content-Type"] = "application/merge-patch+json"
        self._connection.request(method, path, json.dumps(content) if content is not None else None, headers)
        response = self._connection.getresponse()
        text = response.read()
        if response.status == http.client.NOT_FOUND:
            return None
        if response.status >= 400:
            raise ApiError(f"{response.status} {text[:300].decode(errors='replace')}")
        answer: dict[str, Any] = json.loads(text)
        return answer

    def close(self) -> None:
        if self._connection:
            self._connection.close()
        self._connection = None


class ApiError(OSError):
    """The API answered, and refused."""


def _collection(namespace: str) -> str:
    return f"/apis/workload.linkerd.io/v1beta1/namespaces/{quote(namespace)}/externalworkloads"
