"""The places of a lab on real clusters and machines."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import versions
from lab.doctor.way_in import WayIn
from lab.verify.cluster import Cluster
from lab.verify.place import NotProvable, Place
from lab.verify.places.container import container
from lab.verify.places.host import host
from lab.verify.places.machine import machine
from lab.verify.places.probe_pod import ProbePod, Writer, probe
from lab.verify.promises import NAMESPACE
from settings import Settings
from settings.docker_checks import network


@dataclass(frozen=True, kw_only=True)
class RealPlaces:
    """`seconds` is how long a pod may live, `encrypted_key` says that nobody can read the private key for SSH here."""

    settings: Settings
    project: Path
    api: Writer
    cluster: Cluster
    seconds: float
    encrypted_key: bool = False

    def host(self) -> AbstractAsyncContextManager[Place]:
        """The machine that this program runs on."""
        return host()

    def unmeshed(self) -> AbstractAsyncContextManager[Place]:
        """A pod without a proxy."""
        return self._pod(None)

    def meshed(self, account: str) -> AbstractAsyncContextManager[Place]:
        """A pod on the mesh, as that service account."""
        return self._pod(account)

    @asynccontextmanager
    async def outside(self, workload: str) -> AsyncIterator[Place]:
        """The machine or container of a workload."""
        for index, asked in enumerate(self.settings.workloads):
            if asked.name != workload:
                continue
            if asked.device and not asked.device.gone:
                way_in = WayIn(settings=self.settings, project=self.project, encrypted_key=self.encrypted_key)
                way = machine(way_in.to_device(index, asked))
            elif asked.container:
                way = container(workload, f"{network(self.settings)}-{workload}", self.settings.docker.host)
            else:
                break
            async with way as place:
                yield place
            return
        raise NotProvable(f"this lab has no way onto the machine of {workload}")

    @asynccontextmanager
    async def _pod(self, account: str | None) -> AsyncIterator[Place]:
        if why := await self.cluster.no_pods():
            raise NotProvable(why)
        image = self.settings.mirrors.places.image(versions.CURL_IMAGE)
        async with probe(
            self.api, ProbePod(namespace=NAMESPACE, image=image, account=account, seconds=self.seconds)
        ) as place:
            yield place
