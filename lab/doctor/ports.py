"""Checks of the ports of this machine that a cluster in Docker needs."""

import asyncio
import socket
from collections.abc import AsyncIterator, Sequence

import psutil

from lab.docker.reach import DockerEngine
from lab.doctor import docker_engine
from lab.doctor.finding import Finding, failed, ok

CHECK = "ports"
_LABEL = "k3d.cluster"


async def check(ports: Sequence[tuple[str, int]], cluster: str, host: str | None) -> AsyncIterator[Finding]:
    """`ports` are (key of the stack file, port) that the load balancer of the k3d cluster of that name will publish."""
    engine = await asyncio.to_thread(docker_engine.reached, host)
    for key, port in ports:
        yield await asyncio.to_thread(_port, key, port, cluster, engine)


def _port(key: str, port: int, cluster: str, engine: DockerEngine | None) -> Finding:
    subject = f"port {port}"
    taken, process = holder(port)
    container = docker_engine.publisher(engine, port) if engine else None
    if container is not None:
        name, labels = container
        if labels.get(_LABEL) == cluster:
            return ok(CHECK, subject, f"it belongs to this lab's own cluster {cluster}")
        return failed(
            CHECK,
            subject,
            f"{key} is taken by the container {name}",
            f"docker stop {name}, or set {key} to another port",
        )
    if not taken:
        return ok(CHECK, subject, f"free ({key})")
    if process is None:
        following = f"sudo ss -Hltnp 'sport = :{port}', and stop that process or set {key} to another port"
        return failed(CHECK, subject, f"{key} is taken by a process of another user", following)
    return failed(
        CHECK,
        subject,
        f"{key} is taken by {process.name()} (pid {process.pid})",
        f"kill {process.pid}, or set {key} to another port",
    )


def holder(port: int) -> tuple[bool, psutil.Process | None]:
    """Whether somebody listens on a TCP port of this machine, and who, where that can be seen."""
    try:
        listening = [
            item
            for item in psutil.net_connections("tcp")
            if item.status == psutil.CONN_LISTEN and item.laddr and item.laddr.port == port
        ]
    except psutil.AccessDenied:  # macOS shows sockets to root only
        return _answers(port), None
    for item in listening:
        if item.pid is not None:
            try:
                return True, psutil.Process(item.pid)
            except psutil.NoSuchProcess:
                continue
    return bool(listening), None


def _answers(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as dial:
        dial.settimeout(1)
        return dial.connect_ex(("127.0.0.1", port)) == 0
