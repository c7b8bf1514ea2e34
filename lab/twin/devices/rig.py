"""All devices of a twin with their network: brought up, looked at, rebooted, replaced, taken down."""

import shutil
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import docker
from docker.models.volumes import Volume
from filelock import FileLock, Timeout

from lab import paths
from lab.docker import DockerError, ensure
from lab.twin.devices import guests, keys, network
from lab.twin.devices.base_image import base_image, parts_image
from lab.twin.devices.client import connected
from lab.twin.devices.description import DeviceDescription, RigDescription, address_in, containers, describe
from lab.twin.devices.device import HOST_KEY_LABEL, Device, DeviceState, answers
from lab.twin.devices.image import ensure_image
from lab.twin.devices.layout import LABEL, layout
from lab.twin.devices.present import present
from lab.twin.files import write_private

LOCK_SECONDS = 300.0  # a first `up` makes the image
AT_ONCE = 4  # devices that boot at a time


class Rig:
    """Devices `names` on a network of their own, in which this machine also has the addresses of `nodes` nodes.

    Its keys lie in `directory` (below `.lab/twin` by default), which is also what tells it from other rigs. A device that
    `shared` names is made with a directory of this machine in it, which it can read only.
    """

    def __init__(
        self,
        directory: Path | None = None,
        names: Sequence[str] = (),
        nodes: int = 1,
        shared: Mapping[str, Path] | None = None,
    ) -> None:
        self._at = layout(directory or paths.twin() / "devices", names, nodes, shared)

    @property
    def directory(self) -> Path:
        return self._at.directory

    def up(self) -> RigDescription:
        """Bring up what is not up, and wait until every device can be logged in to. Raises DockerError.

        A device keeps its address, files and host key as long as it is named; one that is no longer named goes.
        """
        with self._locked():
            engine = ensure()
            with connected(engine.host) as client:
                image = ensure_image(client)
                # From here on something is to be taken away, and `down` knows it by this directory.
                self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
                net = network.ensure(client, self._at, image)
                for name in {*containers(client, self._at)} - {*self._at.names}:
                    Device(client, self._at, name).remove()
                described = describe(client, self._at, engine.host, net)
                lines = [f"{device.address} {device.host_key}\n" for device in described.devices.values()]
                write_private(self._at.known_hosts, "".join(lines).encode())

                client_line = keys.ensure_key(self._at.client_key)

                def bring_up(wanted: DeviceDescription) -> None:
                    self._bring_up(client, image, wanted, client_line)

                with ThreadPoolExecutor(AT_ONCE) as pool:
                    list(pool.map(bring_up, described.devices.values()))
        return described

    def down(self) -> bool:
        """Remove every container, volume, network, address and key of the rig; False when there was nothing.

        Other containers in the rig's network go too. The engine is started for it when it does not run.
        """
        if not self.directory.exists() and not self._is_anything_left():
            return False
        with self._locked():
            with connected(ensure().host) as client:
                for name in containers(client, self._at):
                    Device(client, self._at, name).remove()
                network.remove(client, self._at)
                guests.remove(client, self._at)
                for volume in self._volumes(client):
                    volume.remove()
            if self.directory.exists():
                shutil.rmtree(self.directory)
            self._at.lock.unlink(missing_ok=True)  # who waits for the file sees that it is gone and makes a new one
        return True

    def describe(self) -> RigDescription:
        """The rig as it is, without changing it. Raises DockerError when it is not up."""
        with self._engine() as (client, host):
            net = network.find(client, self._at)
            if net and {*self._at.names} <= {*containers(client, self._at)}:
                return describe(client, self._at, host, net)
        raise DockerError("the devices are not up: bring them up first")

    def status(self) -> list[DeviceState]:
        """Each device as it is; starts no engine and changes nothing."""
        if not present():
            return [DeviceState(name, self._at.container(name), "absent") for name in self._at.names]
        with self._engine() as (client, _):
            return [Device(client, self._at, name).state() for name in self._at.names]

    def ground(self, *, proxy: Path, agent: Path, workload: Path) -> dict[str, str]:
        """What edge containers stand on, by the keys of a stack file's `docker`; imported where the engine lacks it.

        The rig is up. Raises DockerError.
        """
        with self._engine() as (client, host):
            parts = parts_image(
                client, proxy=proxy, agent=agent, workload=workload, repository=self._at.parts_repository
            )
            return {
                "network": self._at.network,
                "host": host,
                "base": base_image(client),
                **dict.fromkeys(("proxy-image", "spire-image", "workload-image"), parts),
            }

    def guests(self, names: list[str]) -> list[guests.GuestState]:
        """The edge containers of the workloads `names` as they are; starts no engine and changes nothing."""
        if not present():
            return [guests.GuestState(name, self._at.guest(name), "absent") for name in names]
        with self._engine() as (client, _):
            return guests.states(client, self._at, names)

    def run(self, name: str, command: str) -> str:
        """Both streams of a shell command on a device, as root, without SSH. Raises DockerError when it fails."""
        with self._device(name) as device:
            status, text = device.shell(command)
        if status:
            raise DockerError(f"on {name}: `{command}` ended with {status}: {text.strip()}")
        return text

    def stop(self, name: str, *, hard: bool = False) -> None:
        """Shut a device down, or pull its power plug (`hard`); `reboot` or `up` starts it again."""
        with self._device(name) as device:
            device.stop(hard=hard)

    def reboot(self, name: str, *, hard: bool = False) -> None:
        """Shut a device down, or pull its power plug (`hard`), and start it; back when its sshd answers."""
        with self._device(name) as device:
            device.stop(hard=hard)
            device.start()
            device.wait_for_ssh()

    def pause(self, name: str) -> None:
        """Freeze a device: it answers nothing, and keeps its connections, until `resume` or `up`."""
        with self._device(name) as device:
            device.container().pause()

    def resume(self, name: str) -> None:
        """Let a frozen device go on."""
        with self._device(name) as device:
            device.container().unpause()

    def unplug(self, name: str) -> None:
        """Pull a device's network cable out. Its programs, addresses and routes stay."""
        self._set_cable(name, plugged=False)

    def plug(self, name: str) -> None:
        """Put its cable in again."""
        self._set_cable(name, plugged=True)

    def replace(self, name: str) -> RigDescription:
        """Put new hardware in a device's place: same name and address, new host key, none of the old one's files."""
        with self._locked(), self._device(name):
            keys.new_key(self._at.host_key(name))
        return self.up()

    def _bring_up(self, client: docker.DockerClient, image: str, wanted: DeviceDescription, client_line: str) -> None:
        device = Device(client, self._at, wanted.name)
        container, net = device.find(), network.find(client, self._at)
        if (
            container
            and net
            and container.status != "created"  # by an `up` that was killed before it laid out the keys
            and container.labels.get(HOST_KEY_LABEL) == wanted.host_key
            and address_in(net, container) == wanted.address
        ):
            if container.status == "running" and answers(wanted.address):
                return
            device.start()
            network.set_cable(client, image, device.cable(), plugged=True)
            device.wait_for_ssh()
            return
        host_key = self._at.host_key(wanted.name).read_bytes()
        device.create(image, wanted.address, host_key, wanted.host_key, client_line)
        device.wait_for_boot()
        device.wait_for_ssh()

    def _is_anything_left(self) -> bool:
        """Of a rig whose directory was deleted by hand; an engine that does not run is not started to find out."""
        if not present():
            return False
        with self._engine() as (client, _):
            return bool(containers(client, self._at) or network.find(client, self._at) or self._volumes(client))

    def _volumes(self, client: docker.DockerClient) -> list[Volume]:
        return client.volumes.list(filters={"label": f"{LABEL}={self._at.mark}"})

    def _set_cable(self, name: str, *, plugged: bool) -> None:
        with self._engine() as (client, _):
            image = ensure_image(client)
            network.set_cable(client, image, Device(client, self._at, name).cable(), plugged=plugged)

    @contextmanager
    def _engine(self) -> Iterator[tuple[docker.DockerClient, str]]:
        if not (engine := present()):
            raise DockerError("no Docker engine answers, so the devices are not up: bring them up first")
        with connected(engine.host) as client:
            yield client, engine.host

    @contextmanager
    def _device(self, name: str) -> Iterator[Device]:
        if name not in self._at.names:
            raise DockerError(f"there is no device {name!r}, only {', '.join(self._at.names)}")
        with self._engine() as (client, _):
            yield Device(client, self._at, name)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """One `up` or `down` at a time; the kernel lets go of the lock of a run that is killed."""
        self._at.lock.parent.mkdir(parents=True, exist_ok=True)
        try:
            with FileLock(self._at.lock, timeout=LOCK_SECONDS):
                yield
        except Timeout as problem:
            raise DockerError(
                f"another `up` or `down` of {self.directory} has been running for {LOCK_SECONDS:.0f} s; "
                "wait for it or end it, then try again"
            ) from problem
