"""Runs a playbook of the bench by Ansible, which lives in a virtual environment of its own in the cache."""

import hashlib
import io
import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path

from filelock import FileLock

from bench.clock import BenchError, Timing, timed
from bench.work import IMAGE, Work, installed_files
from components.edge.assets import device_assets
from domain.bundle import bundle, converge_stdin, prepare_stdin
from domain.device import Device
from domain.device_files import device_files
from domain.parts import PARTS
from lab import paths

_HERE = Path(__file__).parent
_REQUIREMENTS = _HERE / "requirements.txt"
_LIMIT_SECONDS = 900
_MARKER = "CERTIFICATE"
_SSH = "-o ControlMaster=auto -o ControlPersist=30s -o IdentitiesOnly=yes -o StrictHostKeyChecking=yes"


def ensure_ansible() -> Path:
    """The program `ansible-playbook`, installed as bench/requirements.txt pins it. Raises BenchError."""
    key = hashlib.sha256(_REQUIREMENTS.read_bytes() + sys.version.encode()).hexdigest()[:12]
    kept = paths.cache() / "bench"
    kept.mkdir(parents=True, exist_ok=True)
    directory = kept / f"ansible-{key}"
    with FileLock(kept / "ansible.lock"):
        if not (directory / "complete").exists():
            sys.stderr.write("bench: installing Ansible, once\n")
            _run([sys.executable, "-m", "venv", "--clear", str(directory)])
            pip = [str(directory / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
            _run([*pip, "--require-hashes", "-r", str(_REQUIREMENTS)])
            (directory / "complete").touch()
    return directory / "bin" / "ansible-playbook"


class Playbook:
    """`name` is a file in bench/playbooks without its ending; `directory` is made, and holds everything."""

    def __init__(self, program: Path, directory: Path, name: str, given: Work, client_key: Path) -> None:
        self._directory = directory
        directory.mkdir(mode=0o700)
        self._command = [str(program), "--inventory", "inventory.json", "play.yaml"]
        # A control socket's path must be short.
        sockets = directory / "s"
        sockets.mkdir(mode=0o700)
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")},
            "ANSIBLE_FORKS": str(len(given.ports)),
            "ANSIBLE_PIPELINING": "true",
            "ANSIBLE_HOME": str(directory / "home"),
            "ANSIBLE_SSH_ARGS": f"{_SSH} -o UserKnownHostsFile={directory / 'known_hosts'}",
            "ANSIBLE_SSH_CONTROL_PATH_DIR": str(sockets),
            "ANSIBLE_DISPLAY_OK_HOSTS": "false",
            "ANSIBLE_LOCALHOST_WARNING": "false",
            "LC_ALL": "C.UTF-8",
        }
        (directory / "play.yaml").write_text((_HERE / "playbooks" / f"{name}.yaml").read_text())
        (directory / "known_hosts").write_text(
            "".join(f"[{given.address}]:{port} {given.host_key}\n" for port in given.ports)
        )
        (directory / "authority.crt").write_text(given.authority_pem)
        (directory / "authority.key").touch(mode=0o600)
        (directory / "authority.key").write_text(given.authority_key_pem)
        (directory / "inventory.json").write_text(json.dumps(_inventory(given, client_key)))
        (directory / "files.tar.gz").write_bytes(common_files())
        for port in given.ports:
            self._device(given, port)

    def run(self) -> Timing:
        """One run. Raises BenchError."""
        return timed(lambda: _run(self._command, self._directory, self._environment))

    def _device(self, given: Work, port: int) -> None:
        name, assets = given.workload(port).name, device_assets()
        device = given.device(port, _MARKER)
        prepare = prepare_stdin(given.preflight(port), assets)
        (self._directory / f"{name}.json").write_text(json.dumps(own_files(device)))
        (self._directory / f"{name}-prepare.sh").write_text(prepare)
        (self._directory / f"{name}-converge.sh").write_text(converge_stdin(bundle(device, assets), assets))
        if not (self._directory / "preflight.sh").exists():
            values, _ = prepare.rsplit("prepare <<'LEAVE'", 1)
            (self._directory / "preflight.sh").write_text(f"{values}preflight\n}}\n")


def own_files(device: Device) -> list[dict[str, str]]:
    """What differs from device to device: path, content and mode of each file."""
    return [
        {"path": path, "content": text, "mode": "0600" if path.endswith("workload.env") else "0644"}
        for path, text in device_files(device).items()
    ]


def _inventory(given: Work, client_key: Path) -> object:
    hosts = {given.workload(port).name: {"ansible_port": port} for port in given.ports}
    variables = {
        "ansible_host": given.address,
        "ansible_user": "root",
        "ansible_ssh_private_key_file": str(client_key),
        "ansible_python_interpreter": "/usr/bin/python3",
        "image": IMAGE,
        "units": [part.unit for part in PARTS],
    }
    # What runs here runs by Ansible's own Python.
    local = {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}
    return {
        "devices": {"hosts": hosts, "vars": variables},
        "all": {"hosts": {"localhost": local}},
    }


def common_files() -> bytes:
    """What every device gets, as a tar.gz for `/`."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz") as tar:

        def add(path: str, mode: int, content: bytes | None) -> None:
            entry = tarfile.TarInfo(path.lstrip("/"))
            entry.mode, entry.size = mode, len(content or b"")
            entry.type = tarfile.DIRTYPE if content is None else tarfile.REGTYPE
            tar.addfile(entry, io.BytesIO(content or b""))

        for directory in ("/etc/mesh-expansion", "/etc/systemd/resolved.conf.d"):
            add(directory, 0o755, None)
        for path, text in installed_files().items():
            add(path, 0o755 if "/bin/" in path else 0o644, text.encode())
    return archive.getvalue()


def _run(command: list[str], directory: Path | None = None, environment: dict[str, str] | None = None) -> None:
    done = subprocess.run(
        command,
        cwd=directory,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=_LIMIT_SECONDS,
    )
    if done.returncode:
        raise BenchError(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout[-3000:]}")
