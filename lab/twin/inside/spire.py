"""SPIRE's server and its controller manager, as the chart's StatefulSet describes them."""

import json
from pathlib import Path
from typing import Any

import yaml

from lab.twin.api import Api
from lab.twin.files import write_private
from lab.twin.inside.account import Account
from lab.twin.inside.errors import NotThereError
from lab.twin.inside.places import MANAGER, SERVER, Places, Wanted
from lab.twin.inside.pod import Pod

OWNER = "/apis/apps/v1/namespaces/spire/statefulsets/spire-server"
_SERVICES = "/api/v1/namespaces/spire/services"


def server(api: Api, places: Places, owner: dict[str, Any], pod: Pod) -> Wanted:
    """The server, on the port of the NodePort Service in front of it."""
    port = _node_port(api, owner)
    config = pod.translate(json.loads(_file(pod, "server.conf").read_text()))
    config["server"] |= {
        "bind_address": places.address,
        "bind_port": str(port),
        "socket_path": str(places.server_socket),
    }
    # Nobody asks, and the port may be another program's.
    config["health_checks"] = {"listener_enabled": False}
    write_private(places.server_conf, json.dumps(config, indent=1, sort_keys=True).encode())
    return Wanted(
        name=SERVER,
        binary=places.binary(SERVER),
        arguments=("run", "-config", str(places.server_conf)),
        reads=(places.server_conf, *(path for path in pod.files if path.name != "server.conf")),
        port=port,
    )


def manager(places: Places, pod: Pod, account: Account) -> Wanted:
    """The controller manager, with the rights of its service account."""
    config = yaml.safe_load(_file(pod, "controller-manager-config.yaml").read_text())
    config["spireServerSocketPath"] = str(places.server_socket)
    config["metrics"] = {"bindAddress": "0"}
    config["health"] = {"healthProbeBindAddress": "0"}
    # One process: after a kill it would wait for its own lease to run out.
    config["leaderElection"]["leaderElect"] = False
    config["gcInterval"] = int(float(config["gcInterval"]))  # the chart writes 1e+10, which YAML 1.1 takes for a text
    write_private(places.manager_conf, yaml.safe_dump(config, sort_keys=False).encode())
    return Wanted(
        name=MANAGER,
        binary=places.binary(MANAGER),
        arguments=(places.mark(MANAGER),),
        reads=(places.manager_conf,),
        environment={**pod.environment(), "KUBECONFIG": str(account.kubeconfig)},
    )


def _file(pod: Pod, name: str) -> Path:
    found = next((path for path in pod.files if path.name == name), None)
    if found is None:
        raise NotThereError(f"no volume of container {pod.container['name']} holds {name}")
    return found


def _node_port(api: Api, owner: dict[str, Any]) -> int:
    """Where the machines outside reach the pods of `owner`."""
    labels = owner["spec"]["template"]["metadata"]["labels"].items()
    for service in (api.get(_SERVICES) or {}).get("items", []):
        selector = service["spec"].get("selector") or {}
        if service["spec"]["type"] == "NodePort" and selector and selector.items() <= labels:
            number: int = service["spec"]["ports"][0]["nodePort"]
            return number
    raise NotThereError("no NodePort Service in front of SPIRE's server")
