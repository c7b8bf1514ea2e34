"""What the engine is asked for: a container's inputs as the body of `POST /containers/create`. Pure."""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

MEBIBYTE = 1024 * 1024
UNCONFINED_PATHS = "systempaths=unconfined"
NANOSECONDS = {"ns": 1, "us": 1_000, "µs": 1_000, "ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9}
DURATION = re.compile(r"(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)")

Inputs = Mapping[str, Any]


def container_body(inputs: Inputs) -> dict[str, Any]:
    """The body that creates the container; its networks are connected afterwards, see `join_arguments`."""
    ports = inputs.get("ports", [])
    body: dict[str, Any] = {
        "Image": inputs["image"],
        "Hostname": inputs.get("hostname", ""),
        "Domainname": inputs.get("domainname", ""),
        "Tty": inputs.get("tty", False),
        "OpenStdin": inputs.get("stdinOpen", False),
        "StopSignal": inputs.get("stopSignal", ""),
        "HostConfig": _host_config(inputs),
    }
    for name, key in (
        ("envs", "Env"),
        ("command", "Cmd"),
        ("entrypoints", "Entrypoint"),
        ("user", "User"),
        ("workingDir", "WorkingDir"),
        ("stopTimeout", "StopTimeout"),
    ):
        if inputs.get(name):
            body[key] = inputs[name]
    if ports:
        body["ExposedPorts"] = {_port_key(port): {} for port in ports}
    if paths := [volume["containerPath"] for volume in inputs.get("volumes", []) if volume.get("containerPath")]:
        body["Volumes"] = {path: {} for path in paths}
    if inputs.get("labels"):
        body["Labels"] = labels(inputs["labels"])
    if inputs.get("healthcheck"):
        body["Healthcheck"] = _healthcheck(inputs["healthcheck"])
    return body


def join_arguments(network: Inputs) -> dict[str, Any]:
    """One entry of `networksAdvanced` as arguments of `APIClient.connect_container_to_network`."""
    options = dict(option.split("=", 1) for option in network.get("driverOpts", []) if "=" in option)
    return {
        "net_id": network["name"],
        "aliases": network.get("aliases") or None,
        "ipv4_address": network.get("ipv4Address") or None,
        "ipv6_address": network.get("ipv6Address") or None,
        "link_local_ips": network.get("linkLocalIps") or None,
        "mac_address": network.get("macAddress") or None,
        "driver_opt": options or None,
    }


def update_arguments(inputs: Inputs) -> dict[str, Any]:
    """What may change while the container runs, as arguments of `APIClient.update_container`."""
    return {
        "restart_policy": _restart_policy(inputs),
        "cpu_shares": inputs.get("cpuShares", 0),
        "cpuset_cpus": inputs.get("cpuSet", ""),
        "mem_limit": inputs.get("memory", 0) * MEBIBYTE,
        "mem_reservation": inputs.get("memoryReservation", 0) * MEBIBYTE,
        "memswap_limit": _swap(inputs.get("memorySwap", 0)) or None,
    }


def labels(entries: list[Inputs]) -> dict[str, str]:
    """`[{label, value}]` as the engine's map."""
    return {entry["label"]: entry["value"] for entry in entries}


def nanoseconds(duration: str) -> int:
    """`1m30s` as nanoseconds, the way Go reads it; raises ValueError for what is no duration or a negative one."""
    if duration == "0":
        return 0
    parts = DURATION.findall(duration)
    if not parts or "".join(number + unit for number, unit in parts) != duration:
        raise ValueError(f"{duration!r} is no duration; write e.g. 500ms, 30s or 1m30s")
    return sum(int(Decimal(number) * NANOSECONDS[unit]) for number, unit in parts)


def _host_config(inputs: Inputs) -> dict[str, Any]:
    options = inputs.get("securityOpts", [])
    config: dict[str, Any] = {
        "Privileged": inputs.get("privileged", False),
        "PublishAllPorts": inputs.get("publishAllPorts", False),
        "RestartPolicy": _restart_policy(inputs),
        "AutoRemove": inputs.get("rm", False),
        "ReadonlyRootfs": inputs.get("readOnly", False),
        "LogConfig": {"Type": inputs.get("logDriver", ""), "Config": inputs.get("logOpts", {})},
        "Init": inputs.get("init", False),
        "NetworkMode": inputs.get("networkMode", "bridge"),
        "Mounts": [_mount(mount) for mount in inputs.get("mounts", [])],
        "Memory": inputs.get("memory", 0) * MEBIBYTE,
        "MemoryReservation": inputs.get("memoryReservation", 0) * MEBIBYTE,
        "MemorySwap": _swap(inputs.get("memorySwap", 0)),
        "ShmSize": inputs.get("shmSize", 0) * MEBIBYTE,
        "CpuShares": inputs.get("cpuShares", 0),
    }
    for name, key in (
        ("runtime", "Runtime"),
        ("tmpfs", "Tmpfs"),
        ("dns", "Dns"),
        ("dnsOpts", "DnsOptions"),
        ("dnsSearches", "DnsSearch"),
        ("cpuSet", "CpusetCpus"),
        ("usernsMode", "UsernsMode"),
        ("pidMode", "PidMode"),
        ("sysctls", "Sysctls"),
        ("ipcMode", "IpcMode"),
        ("groupAdds", "GroupAdd"),
        ("cgroupnsMode", "CgroupnsMode"),
        ("cgroupParent", "CgroupParent"),
        ("storageOpts", "StorageOpt"),
    ):
        if inputs.get(name):
            config[key] = inputs[name]
    if options:
        config["SecurityOpt"] = [option for option in options if option != UNCONFINED_PATHS]
        if UNCONFINED_PATHS in options:  # a client's option: the engine wants the empty lists instead
            config["MaskedPaths"], config["ReadonlyPaths"] = [], []
    if capabilities := inputs.get("capabilities"):
        config["CapAdd"], config["CapDrop"] = capabilities.get("adds", []), capabilities.get("drops", [])
    if inputs.get("cpus"):
        config["NanoCpus"] = int(Decimal(inputs["cpus"]) * 10**9)
    else:
        config |= {"CpuPeriod": inputs.get("cpuPeriod", 0), "CpuQuota": inputs.get("cpuQuota", 0)}
    if bindings := _port_bindings(inputs.get("ports", [])):
        config["PortBindings"] = bindings
    if hosts := inputs.get("hosts"):
        config["ExtraHosts"] = [f"{host['host']}:{host['ip']}" for host in hosts]
    if ulimits := inputs.get("ulimits"):
        config["Ulimits"] = [{"Name": each["name"], "Soft": each["soft"], "Hard": each["hard"]} for each in ulimits]
    if devices := inputs.get("devices"):
        config["Devices"] = [_device(device) for device in devices]
    volumes = inputs.get("volumes", [])
    if binds := [bind for volume in volumes if (bind := _bind(volume))]:
        config["Binds"] = binds
    if sources := [volume["fromContainer"] for volume in volumes if volume.get("fromContainer")]:
        config["VolumesFrom"] = sources
    return config


def _restart_policy(inputs: Inputs) -> dict[str, Any]:
    return {"Name": inputs.get("restart", "no"), "MaximumRetryCount": inputs.get("maxRetryCount", 0)}


def _swap(mebibytes: int) -> int:
    return mebibytes * MEBIBYTE if mebibytes > 0 else mebibytes  # -1: no limit


def _port_key(port: Inputs) -> str:
    return f"{port['internal']}/{port.get('protocol', 'tcp')}"


def _port_bindings(ports: list[Inputs]) -> dict[str, list[dict[str, str]]]:
    bindings: dict[str, list[dict[str, str]]] = {}
    for port in ports:
        binding = {"HostIp": port.get("ip") or "0.0.0.0", "HostPort": str(port.get("external", 0))}  # noqa: S104
        bindings.setdefault(_port_key(port), []).append(binding)
    return bindings


def _device(device: Inputs) -> dict[str, str]:
    return {
        "PathOnHost": device["hostPath"],
        "PathInContainer": device.get("containerPath") or device["hostPath"],
        "CgroupPermissions": device.get("permissions", "rwm"),
    }


def _bind(volume: Inputs) -> str | None:
    source = volume.get("hostPath") or volume.get("volumeName")
    if not source or not volume.get("containerPath"):
        return None
    mode = "ro" if volume.get("readOnly") else "rw"
    if volume.get("selinuxRelabel"):
        mode += f",{volume['selinuxRelabel']}"
    return f"{source}:{volume['containerPath']}:{mode}"


def _mount(mount: Inputs) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "Type": mount["type"],
        "Target": mount["target"],
        "Source": mount.get("source", ""),
        "ReadOnly": mount.get("readOnly", False),
    }
    if mount["type"] == "bind" and mount.get("bindOptions"):
        entry["BindOptions"] = {"Propagation": mount["bindOptions"].get("propagation", "")}
    if mount["type"] == "volume" and (options := mount.get("volumeOptions")):
        entry["VolumeOptions"] = {
            "NoCopy": options.get("noCopy", False),
            "Labels": labels(options.get("labels", [])),
            "DriverConfig": {"Name": options.get("driverName", ""), "Options": options.get("driverOptions", {})},
        }
    if mount["type"] == "tmpfs" and (options := mount.get("tmpfsOptions")):
        entry["TmpfsOptions"] = {"SizeBytes": options.get("sizeBytes", 0), "Mode": options.get("mode", 0)}
    return entry


def _healthcheck(check: Inputs) -> dict[str, Any]:
    body: dict[str, Any] = {
        "Interval": nanoseconds(check.get("interval", "0s")),
        "Timeout": nanoseconds(check.get("timeout", "0s")),
        "StartPeriod": nanoseconds(check.get("startPeriod", "0s")),
        "Retries": check.get("retries", 0),
    }
    if check.get("tests"):
        body["Test"] = check["tests"]
    return body
