"""What the engine says of a container, as the resource's outputs and as the inputs that would make it. Pure."""

from collections.abc import Mapping
from typing import Any

from lab.standins.base import Properties
from lab.standins.docker.payload import MEBIBYTE

# Filled in by the engine or the image where the program leaves them out.
COMPUTED = frozenset(
    {
        "command", "entrypoints", "envs", "healthcheck", "hostname", "init", "ipcMode", "labels", "logDriver", "platform",
        "runtime", "securityOpts", "shmSize", "stopSignal", "stopTimeout",
    }
)  # fmt: skip
NETWORK_DATA = {
    "IPAddress": "ipAddress",
    "IPPrefixLen": "ipPrefixLength",
    "Gateway": "gateway",
    "GlobalIPv6Address": "globalIpv6Address",
    "GlobalIPv6PrefixLen": "globalIpv6PrefixLength",
    "IPv6Gateway": "ipv6Gateway",
    "MacAddress": "macAddress",
}


def observed(found: Mapping[str, Any], inputs: Mapping[str, Any]) -> Properties:
    """The outputs beside the inputs: computed properties the program left out, addresses, ports and the exit code."""
    config, host, state = found["Config"], found["HostConfig"], found["State"]
    settings = found.get("NetworkSettings") or {}
    seen = {
        "command": config.get("Cmd") or [],
        "entrypoints": config.get("Entrypoint") or [],
        "hostname": config.get("Hostname", ""),
        "init": bool(host.get("Init")),
        "ipcMode": host.get("IpcMode", ""),
        "logDriver": (host.get("LogConfig") or {}).get("Type", ""),
        "platform": found.get("Platform", ""),
        "runtime": host.get("Runtime", ""),
        "securityOpts": host.get("SecurityOpt") or [],
        "shmSize": (host.get("ShmSize") or 0) // MEBIBYTE,
        "stopSignal": config.get("StopSignal", ""),
        "stopTimeout": config.get("StopTimeout") or 0,
        "envs": [],  # the image's own variables are not the program's
        "labels": [],
    }
    outputs: Properties = {name: value for name, value in seen.items() if name not in inputs}
    outputs["name"] = str(found["Name"]).lstrip("/")
    outputs["bridge"] = settings.get("Bridge", "")
    outputs["containerLogs"] = ""
    outputs["exitCode"] = 0 if state.get("Running") else state.get("ExitCode", 0)
    outputs["networkDatas"] = _network_data(settings.get("Networks") or {})
    if inputs.get("ports") and state.get("Running"):
        outputs["ports"] = _ports(settings.get("Ports") or {})
    return outputs


def drifted_inputs(found: Mapping[str, Any], inputs: Mapping[str, Any]) -> Properties:
    """The inputs that the container answers to now: what an engine lets change by hand is taken from it."""
    host = found["HostConfig"]
    policy = host.get("RestartPolicy") or {}
    now = {
        "name": str(found["Name"]).lstrip("/"),
        "restart": policy.get("Name") or "no",
        "maxRetryCount": policy.get("MaximumRetryCount") or 0,
        "memory": (host.get("Memory") or 0) // MEBIBYTE,
        "memoryReservation": (host.get("MemoryReservation") or 0) // MEBIBYTE,
        "cpuShares": host.get("CpuShares") or 0,
        "cpuSet": host.get("CpusetCpus") or "",
    }
    changed = {name: value for name, value in now.items() if value != inputs.get(name, type(value)())}
    if inputs.get("mustRun", True) and inputs.get("start", True) and not found["State"].get("Running"):
        changed["mustRun"] = False
    return {**inputs, **changed}


def _network_data(networks: Mapping[str, Mapping[str, Any]]) -> list[Properties]:
    return [
        {"networkName": name}
        | {to: endpoint.get(key) or (0 if "Prefix" in to else "") for key, to in NETWORK_DATA.items()}
        for name, endpoint in sorted(networks.items())
    ]


def _ports(bindings: Mapping[str, list[Mapping[str, str]] | None]) -> list[Properties]:
    ports = []
    for key in sorted(bindings, key=lambda each: int(each.split("/")[0])):
        internal, protocol = key.split("/")
        for binding in bindings[key] or []:
            ports.append(
                {
                    "internal": int(internal),
                    "external": int(binding["HostPort"]),
                    "ip": binding["HostIp"],
                    "protocol": protocol,
                }
            )
    return ports
