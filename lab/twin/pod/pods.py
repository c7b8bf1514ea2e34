"""Making containers that stand for pods out of what the twin has now."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import docker

from domain.access import account_identity
from domain.device import DESTINATION_PORT, POLICY_PORT
from lab.twin.api import Api
from lab.twin.devices import network
from lab.twin.devices.image import ensure_image
from lab.twin.devices.layout import Layout
from lab.twin.inside import identity
from lab.twin.layout import CLUSTER_DOMAIN, POD_NETWORK, SERVICE_NETWORK
from lab.twin.parts import workload_program
from lab.twin.pod import rules
from lab.twin.pod.container import DIRECTORY, PROGRAMS, PodContainer, PodSettings
from lab.twin.pod.neighbours import neighbours
from lab.twin.pod.proxy import AUDIENCE, IDENTITY_PORT, proxy_environment

PARTS = ("linkerd2-proxy", "linkerd-controller", "linkerd-policy-controller")
_DNS = "/api/v1/namespaces/kube-system/services/mesh-expansion-dns"
_ANCHORS = "/api/v1/namespaces/linkerd/configmaps/linkerd-identity-trust-roots"
_LEAST_TOKEN_SECONDS = 600  # of Kubernetes
_CONTROLLERS = {DESTINATION_PORT: DESTINATION_PORT, POLICY_PORT: POLICY_PORT, IDENTITY_PORT: identity.PORT}


class Missing(Exception):
    """The twin has nothing that could stand for the pod; the message says what it lacks."""


def lacking(directory: Path) -> str:
    """Why nothing can stand for a pod on the twin in `directory`: without a real mesh there is nothing to be part of."""
    missing = [name for name in PARTS[1:] if not (directory / "parts" / name).is_file()]
    if not missing:
        return ""
    return (
        f"no pod runs on the twin, and it has a stand-in for {PARTS[0]} and no {' and no '.join(missing)}; LAB_PARTS brings "
        "real ones"
    )


class Pods:
    """Containers that stay for `seconds` at most, on the devices' network of the twin in `directory`, which lacks nothing.

    They are made from the devices' own image. `namespace` is where their service accounts are.
    """

    def __init__(
        self, client: docker.DockerClient, at: Layout, directory: Path, *, namespace: str, seconds: float
    ) -> None:
        self._client = client
        self._at = at
        self._directory = directory
        self._namespace = namespace
        self._seconds = seconds

    def unmeshed(self) -> PodContainer:
        """One without a proxy. Raises Missing, TwinError, and DockerError or docker's own errors."""
        with Api.of(self._directory) as api:
            names = rules.names(self._node, _dns_port(api))
            services = _items(api, "/api/v1/services")
            slices = _items(api, "/apis/discovery.k8s.io/v1/endpointslices")
        table = rules.table([*names, *rules.balanced(services, slices, POD_NETWORK)])
        return self._made(self._settings(table))

    def meshed(self, account: str) -> PodContainer:
        """One whose proxy proves the identity of a service account. Raises as `unmeshed` does."""
        with Api.of(self._directory) as api:
            token = self._token(api, account)
            names = rules.names(self._node, _dns_port(api))
            anchors = (api.get(_ANCHORS) or {}).get("data", {}).get("ca-bundle.crt", "")
            (node, *_) = [item["metadata"]["name"] for item in _items(api, "/api/v1/nodes")]
            beside = neighbours(_items(api, "/api/v1/pods"))
        table = rules.table([*names, *rules.proxied(self._node, _CONTROLLERS, [pod.rule for pod in beside])])
        name = account_identity(account, self._namespace)
        programs = [self._directory / "parts" / PARTS[0], *([workload_program()] if beside else [])]
        pod = self._made(self._settings(table, name), token, programs)
        try:
            for neighbour in beside:
                pod.run(neighbour.command(f"{PROGRAMS}/{programs[-1].name}"))
            pod.run_proxy(
                proxy_environment(
                    account=account,
                    namespace=self._namespace,
                    pod=pod.name,
                    node=node,
                    anchors_pem=anchors,
                    directory=DIRECTORY,
                )
            )
        except BaseException:
            pod.remove()
            raise
        return pod

    @property
    def _node(self) -> str:
        """Where this machine answers for the cluster's first node."""
        net = network.find(self._client, self._at)
        if net is None:
            raise Missing("the twin has no devices, so it has no network where a pod's stand-in could be")
        return self._at.node_addresses(network.subnet_of(net))[0]

    def _token(self, api: Api, account: str) -> str:
        """For Linkerd's identity controller alone, and no longer than Kubernetes lets it be."""
        asked = {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenRequest",
            "spec": {
                "audiences": [AUDIENCE],
                "expirationSeconds": max(_LEAST_TOKEN_SECONDS, round(self._seconds)),
            },
        }
        place = f"/api/v1/namespaces/{self._namespace}/serviceaccounts/{account}"
        if api.get(place) is None:
            raise Missing(f"there is no service account {account} in {self._namespace}")
        return str((api.create(f"{place}/token", asked) or {})["status"]["token"])

    def _settings(self, table: str, name: str = "") -> PodSettings:
        services = f"svc.{CLUSTER_DOMAIN}"
        return PodSettings(
            ranges=(POD_NETWORK, SERVICE_NETWORK),
            node=self._node,
            search=(f"{self._namespace}.{services}", services, CLUSTER_DOMAIN),
            rules=table,
            identity=name,
        )

    def _made(self, settings: PodSettings, token: str = "", programs: Sequence[Path] = ()) -> PodContainer:
        pod = PodContainer(
            self._client,
            image=ensure_image(self._client),
            network=self._at.network,
            seconds=self._seconds,
            programs=programs,
        )
        try:
            pod.set_up(settings, token)
        except BaseException:
            pod.remove()
            raise
        return pod


def _dns_port(api: Api) -> int:
    service = api.get(_DNS)
    if service is None:
        raise Missing("the lab is not up: its DNS Service is not there")
    return int(service["spec"]["ports"][0]["nodePort"])


def _items(api: Api, path: str) -> list[dict[str, Any]]:
    return list((api.get(path) or {}).get("items", []))
