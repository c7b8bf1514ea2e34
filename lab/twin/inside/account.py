"""A pod's service account on this machine: its token, renewed in time, and a kubeconfig that points at it."""

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from lab.twin.api import Api
from lab.twin.files import write_private
from lab.twin.inside.errors import NotThereError

_LIFETIME = 24 * 3600  # seconds


@dataclass
class Account:
    """Files in `directory`: `token`, `ca.crt` and `kubeconfig`. What it may do is what the cluster's roles say."""

    namespace: str
    name: str
    directory: Path
    server: str
    authority: Path
    renewed: float = field(default=float("-inf"))
    uid: str = ""

    @property
    def token(self) -> Path:
        return self.directory / "token"

    @property
    def certificates(self) -> Path:
        return self.directory / "ca.crt"

    @property
    def kubeconfig(self) -> Path:
        return self.directory / "kubeconfig"

    def refresh(self, api: Api) -> None:
        """Write the files. NotThereError: no account.

        A token is asked for when half of the last one's life is over, or when the account was made anew.
        """
        write_private(self.certificates, self.authority.read_bytes())
        write_private(self.kubeconfig, yaml.safe_dump(self._kubeconfig()).encode())
        place = f"/api/v1/namespaces/{self.namespace}/serviceaccounts/{self.name}"
        account = api.get(place)
        if account is None:
            raise NotThereError(f"no serviceaccounts {self.namespace}/{self.name}")
        uid = account["metadata"]["uid"]
        if uid == self.uid and time.monotonic() - self.renewed < _LIFETIME / 2:
            return
        asked = {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenRequest",
            "spec": {"expirationSeconds": _LIFETIME},
        }
        answer = api.create(f"{place}/token", asked) or {}
        write_private(self.token, answer["status"]["token"].encode())
        self.renewed, self.uid = time.monotonic(), uid

    def _kubeconfig(self) -> dict[str, Any]:
        return {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [
                {"name": "twin", "cluster": {"server": self.server, "certificate-authority": str(self.certificates)}}
            ],
            "users": [{"name": self.name, "user": {"tokenFile": str(self.token)}}],
            "contexts": [
                {"name": "twin", "context": {"cluster": "twin", "user": self.name, "namespace": self.namespace}}
            ],
            "current-context": "twin",
        }
