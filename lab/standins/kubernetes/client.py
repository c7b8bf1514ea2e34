"""Plain REST towards an API server, with the `kubernetes` package for addresses, certificates and tokens.

Every call takes and gives plain objects. Calls block; the asynchronous callers run them in threads.
"""

import json
from collections.abc import Mapping
from typing import Any, Final

import urllib3
from kubernetes import client as sdk
from kubernetes import config as sdk_config

from lab.standins.base.errors import ProviderError
from lab.standins.kubernetes.discovery import Discovery, Served
from lab.standins.kubernetes.errors import ApiError, Unreachable
from lab.standins.kubernetes.kubeconfig import Kubeconfig
from lab.standins.kubernetes.manifest import Kind, Object, kind_of, name_of, namespace_of

APPLY: Final = "application/apply-patch+yaml"
JSON_PATCH: Final = "application/json-patch+json"
STRICT: Final = "Strict"
_CONNECT_SECONDS: Final = 10.0
_READ_SECONDS: Final = 60.0
_POOL: Final = 32


class Client:
    """One cluster."""

    def __init__(self, kubeconfig: Kubeconfig, *, timeout: float | None = None) -> None:
        """`timeout`: seconds for one request. Raises ProviderError when the kubeconfig cannot be used."""
        settings = sdk.Configuration()
        try:
            sdk_config.load_kube_config_from_dict(kubeconfig, client_configuration=settings)
        except (sdk_config.ConfigException, ValueError, OSError) as problem:
            raise ProviderError(f"kubeconfig cannot be used: {problem}") from None
        settings.connection_pool_maxsize = _POOL
        settings.retries = urllib3.Retry(total=2, connect=2, read=0, status=0, backoff_factor=0.2, allowed_methods=None)
        self._api = sdk.ApiClient(settings)
        self._api.user_agent = "pulumi-kubernetes-stand-in"
        self._timeout = (_CONNECT_SECONDS, timeout or _READ_SECONDS)
        self.server = settings.host
        self.discovery = Discovery(lambda path: self.request("GET", path))

    def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Any = None,
        content_type: str = "application/json",
    ) -> Any:
        """The decoded answer. Raises ApiError and Unreachable."""
        try:
            answer = self._api.call_api(
                path,
                method,
                query_params=[(key, value) for key, value in (query or {}).items()],
                header_params={"Accept": "application/json", "Content-Type": content_type},
                body=body,
                auth_settings=["BearerToken"],
                _preload_content=False,
                _return_http_data_only=True,
                _request_timeout=self._timeout,
            )
            return json.loads(answer.data)
        except sdk.ApiException as problem:
            if not problem.status:
                raise Unreachable(f"the API server {self.server} cannot be used: {problem.reason}") from None
            raise ApiError.from_body(problem.status, problem.body or str(problem.reason)) from None
        except urllib3.exceptions.HTTPError as problem:
            raise Unreachable(f"the API server {self.server} does not answer: {_root(problem)}") from None

    def served(self, kind: Kind) -> Served:
        """Raises NoSuchKind when the server does not have the kind."""
        return self.discovery.find(kind)

    def path(self, kind: Kind, namespace: str, name: str = "") -> str:
        served = self.served(kind)
        base = f"/apis/{kind.group}/{kind.version}" if kind.group else f"/api/{kind.version}"
        middle = f"/namespaces/{namespace or 'default'}" if served.namespaced else ""
        return f"{base}{middle}/{served.plural}" + (f"/{name}" if name else "")

    def get(self, kind: Kind, namespace: str, name: str) -> Object:
        return self._object(self.request("GET", self.path(kind, namespace, name)))

    def list_all(self, kind: Kind, namespace: str, *, labels: str = "", fields: str = "") -> list[Object]:
        query = {key: value for key, value in (("labelSelector", labels), ("fieldSelector", fields)) if value}
        found = self.request("GET", self.path(kind, namespace), query=query)
        return [self._object(item) for item in found.get("items") or []]

    def create(self, obj: Object, *, manager: str, dry_run: bool = False) -> Object:
        query = _options(manager, dry_run)
        path = self.path(kind_of(obj), namespace_of(obj))
        return self._object(self.request("POST", path, query=query, body=self._scoped(obj)))

    def apply(self, obj: Object, *, manager: str, force: bool = False, dry_run: bool = False) -> Object:
        query = {**_options(manager, dry_run), "force": str(force).lower()}
        path = self.path(kind_of(obj), namespace_of(obj), name_of(obj))
        return self._object(self.request("PATCH", path, query=query, body=self._scoped(obj), content_type=APPLY))

    def replace(self, obj: Object, *, manager: str, dry_run: bool = False) -> Object:
        path = self.path(kind_of(obj), namespace_of(obj), name_of(obj))
        return self._object(self.request("PUT", path, query=_options(manager, dry_run), body=self._scoped(obj)))

    def json_patch(self, obj: Object, patch: list[dict[str, Any]]) -> Object:
        path = self.path(kind_of(obj), namespace_of(obj), name_of(obj))
        return self._object(self.request("PATCH", path, body=patch, content_type=JSON_PATCH))

    def delete(self, kind: Kind, namespace: str, name: str, *, propagation: str) -> None:
        options = {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": propagation}
        self.request("DELETE", self.path(kind, namespace, name), body=options)

    def _scoped(self, obj: Object) -> Object:
        """A namespace on a cluster-wide object, guessed before its definition was there, is dropped."""
        if self.served(kind_of(obj)).namespaced or not namespace_of(obj):
            return obj
        meta = {key: value for key, value in obj["metadata"].items() if key != "namespace"}
        return {**obj, "metadata": meta}

    @staticmethod
    def _object(answer: Any) -> Object:
        if not isinstance(answer, dict):
            raise ApiError(200, "", "the API server answered with something that is no object")
        return answer


def _options(manager: str, dry_run: bool) -> dict[str, str]:
    return {"fieldManager": manager, "fieldValidation": STRICT, **({"dryRun": "All"} if dry_run else {})}


def _root(problem: BaseException) -> str:
    reason = getattr(problem, "reason", None)
    return _root(reason) if isinstance(reason, BaseException) else str(problem)
