"""The lab's own engine as a child process: start it, stop it, and leave nothing of it behind. Needs root."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import psutil
from docker.errors import DockerException

from lab.docker import packetfilter
from lab.docker.errors import DockerError
from lab.docker.install import MANUAL, dockerd, install_engine, system_path
from lab.docker.places import LOG_NAME, SYSTEM_SOCKET, Places
from lab.docker.reach import DockerEngine, answering
from lab.docker.record import EngineRecord

START_SECONDS = 60
STOP_SECONDS = 30  # dockerd gives its containers 15 s
CGROUPS = Path("/sys/fs/cgroup")


def start(at: Places) -> EngineRecord:
    """Start dockerd at `at`; the record is to be kept before `wait` is called, so that a killed run can be mended."""
    program = dockerd() or install_engine()
    if os.geteuid() != 0:
        raise DockerError(f"no Docker engine answers and only root may start {program}: start it yourself, or {MANUAL}")
    if not any(CGROUPS.iterdir()):
        raise DockerError(f"{CGROUPS} is empty: an engine needs control groups; mount them, or {MANUAL}")
    iptables = packetfilter.usable_backend()
    policy, bridge = packetfilter.forward_policy(iptables), packetfilter.bridge_exists()
    for directory in (at.data, at.state, at.run):
        directory.mkdir(parents=True, exist_ok=True)
    at.run.chmod(0o711)
    at.configuration.write_text("{}\n")  # not the machine's /etc/docker/daemon.json, whose keys may fight the flags
    at.pid_file.unlink(missing_ok=True)
    shims = packetfilter.directory_for(iptables, at.state)
    environment = {**os.environ, "PATH": os.pathsep.join([*([str(shims)] if shims else []), system_path()])}
    with at.log.open("w") as log:
        process = subprocess.Popen(
            [str(program), *_flags(at)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=environment,
            cwd=at.state,
            start_new_session=True,
        )
    return EngineRecord(
        host=at.host,
        pid=process.pid,
        created=psutil.Process(process.pid).create_time(),
        state=str(at.state),
        users=(str(at.state),),
        forward_policy=policy,
        bridge_was_there=bridge,
    )


def wait(record: EngineRecord, at: Places) -> DockerEngine:
    """The engine of `record` once it answers; raises DockerError with its own words when it ends, or says nothing."""
    limit = time.monotonic() + START_SECONDS
    while time.monotonic() < limit:
        alive = record.process() is not None
        if alive and at.socket.exists() and (engine := answering(at.host, ours=True)):
            if engine.storage == "vfs":
                sys.stderr.write(
                    "lab: this kernel or file system has no overlay: the engine copies whole images (vfs), "
                    "so containers take more disk and start slower\n"
                )
            return engine
        if not alive:
            raise DockerError(f"dockerd ended while starting: {_complaint(record)}")
        time.sleep(0.1)
    raise DockerError(f"dockerd did not answer within {START_SECONDS} s: {_complaint(record)}")


def stop(record: EngineRecord, at: Places) -> None:
    """Stop the engine of `record` and take away its runtime files, bridges and packet filter rules; images stay."""
    iptables = packetfilter.usable_backend()
    alone = not _others(record)  # else rules and bridges may be another engine's: they have the same names
    bridges = _bridges(record) | (packetfilter.bridges_with_rules(iptables) if alone else frozenset())
    if process := record.process():
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except psutil.TimeoutExpired:
            process.kill()
            process.wait(STOP_SECONDS)
    _end_orphans(at)
    _unmount(at)
    if alone:
        packetfilter.remove_rules(iptables, bridges, record.forward_policy)
    keep_default = record.bridge_was_there or not alone
    packetfilter.remove_bridges(bridges - ({packetfilter.BRIDGE} if keep_default else frozenset()))
    shutil.rmtree(at.run, ignore_errors=True)
    shutil.rmtree(record.state, ignore_errors=True)


def _others(record: EngineRecord) -> bool:
    """Whether the machine's own engine answers, or any other runs: somebody else's lab, or a home directory of its own."""
    names = psutil.process_iter(["name"])
    return bool(answering(f"unix://{SYSTEM_SOCKET}")) or any(
        process.info["name"] == "dockerd" and process.pid != record.pid for process in names
    )


def _flags(at: Places) -> list[str]:
    return [
        f"--data-root={at.data}",
        f"--exec-root={at.exec_root}",
        f"--pidfile={at.pid_file}",
        f"--host={at.host}",
        f"--config-file={at.configuration}",
        "--log-level=warn",
    ]


def _complaint(record: EngineRecord) -> str:
    log = Path(record.state) / LOG_NAME
    lines = log.read_text(errors="replace").strip().splitlines() if log.exists() else []
    telling = [line for line in lines if "level=warning" not in line and "level=info" not in line]
    return f"{' / '.join(telling[-3:]) or 'it said nothing'} (the whole log: {log})"


def _bridges(record: EngineRecord) -> frozenset[str]:
    """Names of the engine's bridges on this machine; of a dead engine only the default one is known."""
    names = {packetfilter.BRIDGE}
    if engine := answering(record.host):
        client = engine.client()
        try:
            for network in client.networks.list(filters={"driver": "bridge"}):
                options = network.attrs.get("Options") or {}
                names.add(options.get("com.docker.network.bridge.name", f"br-{(network.id or '')[:12]}"))
        except DockerException:
            pass  # the engine died meanwhile: its own bridges stay until it runs again
        finally:
            client.close()
    return frozenset(names)


def _end_orphans(at: Places) -> None:
    """End what a killed engine leaves: containerd and the shims of its containers, with the containers in them."""
    address = str(at.exec_root)
    left: list[psutil.Process] = []
    for process in psutil.process_iter(["name", "cmdline"]):
        name, words = process.info["name"] or "", process.info["cmdline"] or []
        if name.startswith("containerd") and any(address in word for word in words):
            left += [process, *process.children(recursive=True)]
    for process in left:
        try:
            process.kill()
        except psutil.NoSuchProcess:
            continue
    psutil.wait_procs(left, timeout=5)


def _unmount(at: Places) -> None:
    """What a killed engine leaves mounted, and the data directory, which every engine binds to itself."""
    mounted = [partition.mountpoint for partition in psutil.disk_partitions(all=True)]
    ours = [point for point in mounted if point == str(at.data) or point.startswith((f"{at.run}/", f"{at.data}/"))]
    for point in sorted(ours, reverse=True):
        subprocess.run(["umount", "--lazy", point], check=False, capture_output=True, timeout=30)
